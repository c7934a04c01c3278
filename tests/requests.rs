//! What `touch`, `wake` and `park` say came of it, as a person reads it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::support::{Studio, said};

#[test]
fn what_is_asked_for_says_what_comes_of_it() {
    let studio = Studio::open();
    let policy = studio.policy(
        "min = 1\n\
         [[pool]]\nname = \"closed\"\nmin = 1\nschedule = \"never\"\n\
         [[pool]]\nname = \"broke\"\nmin = 0\nbudget = { daily = \"0.01\" }",
    );
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let ask = |request: &str, target: &str| {
        let output = studio.ask(&[request, target]);
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let touched = ask("touch", "a");
    assert!(
        touched.starts_with("st-a-0-") && touched.ends_with(" counts as used now\n"),
        "{touched}"
    );
    for request in ["touch", "wake"] {
        let closed = ask(request, "closed");
        assert!(
            closed.contains("closed/0: stays empty; out of schedule"),
            "{request}: {closed}"
        );
        let broke = ask(request, "broke");
        assert!(
            broke.contains("broke/0: stays empty; ") && broke.contains("budget"),
            "{request}: {broke}"
        );
    }
    let parked = ask("park", "a");
    assert!(
        parked.starts_with("a: parked until it is woken\n") && parked.contains(" is stopped; "),
        "{parked}"
    );
    daemon.wait_for("ended Stopped");
    let woken = ask("wake", "a");
    assert!(
        woken.contains("a/0 woken by a person\na/0: a session is started; "),
        "{woken}"
    );
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
}

/// The status and the body of a GET on the control socket.
fn get(studio: &Studio, path: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(studio.path("control.sock")).expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    (status.expect("a status"), body.to_owned())
}

#[test]
fn while_the_ledger_takes_no_writes_everything_says_so_and_what_fails_changes_nothing() {
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("min = 1\nmax = 2"));
    daemon.wait_for("Ready after");
    assert_eq!(get(&studio, "/v1/ready").0, 200);
    let other = studio.path("other");
    std::fs::write(&other, "a diary").expect("written");
    std::fs::rename(&other, studio.path("ledger.db")).expect("moved");
    daemon.wait_for("another file stands where the ledger");
    for report in ["status", "plan"] {
        let first = said(&studio.ask(&[report]));
        assert!(
            first.starts_with("nothing is created or extended: another file stands"),
            "{report}: {first}"
        );
    }
    assert_eq!(get(&studio, "/v1/health").0, 200);
    let (status, body) = get(&studio, "/v1/ready");
    assert!(status == 503 && body.contains("another file"), "{body}");
    let acquired = studio.ask(&["acquire", "a", "--client", "ann"]);
    assert!(!acquired.status.success(), "{}", said(&acquired));
    let status = said(&studio.ask(&["status"]));
    assert!(!status.contains("ann"), "{status}");
    // Stopping needs no ledger, and money is at stake.
    let parked = studio.ask(&["park", "a"]);
    assert!(
        parked.status.success() && said(&parked).contains("not in the ledger yet"),
        "{}",
        said(&parked)
    );
    daemon.wait_for("stopping: parked by hand");
    studio.service.signal("-STOP");
    let unreachable = || loop {
        let (status, body) = get(&studio, "/v1/ready");
        if body.contains("cannot be listed") {
            return (status, body);
        }
        std::thread::yield_now();
    };
    assert_eq!(unreachable().0, 503);
}

#[test]
fn a_slot_says_what_the_service_said_and_not_that_it_said_nothing() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    std::fs::write(studio.path("key"), "wrong").expect("written");
    let mut daemon = studio.daemon(&policy);
    let parked = daemon.wait_for("nothing is created blindly");
    assert!(parked.contains("the account key was refused"), "{parked}");
    let status = said(&studio.ask(&["status"]));
    assert!(
        status.starts_with("the service cannot be listed: ")
            && status.contains("the account key was refused")
            && !status.contains("does not answer"),
        "{status}"
    );
}

#[test]
fn a_hook_saves_its_work_before_the_session_is_stopped_and_one_that_hangs_is_ended() {
    let studio = Studio::open();
    let [saved, go] = ["saved", "go"].map(|name| studio.path(name).display().to_string());
    let made = std::process::Command::new("mkfifo").arg(&go).status();
    assert!(made.expect("mkfifo runs").success());
    // It writes what it was told, and ends when the test lets it.
    let script = format!(
        "echo $1 $LEASEKEEPER_POOL $LEASEKEEPER_CLIENT: $LEASEKEEPER_REASON > {saved}; cat {go}"
    );
    let hook = format!(
        "before_stop = {{ command = [\"sh\", \"-c\", \"{script}\", \"-\", \"{{session}}\"], \
         timeout = \"2m\" }}"
    );
    let hangs = "[[pool]]\nname = \"b\"\nmin = 1\n\
         before_stop = { command = [\"sleep\", \"777\"], timeout = \"1s\" }";
    let policy = studio.policy(&format!("min = 1\nmax = 1\n{hook}\n{hangs}"));
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    daemon.wait_for("Ready after");
    let held = studio.ask(&["acquire", "a", "--client", "ann"]);
    assert!(held.status.success(), "{}", said(&held));
    assert!(studio.ask(&["park", "a"]).status.success());
    daemon.wait_for("stopping after its hook");
    // Opening the FIFO waits for the hook to read it: it has written by then.
    let letting_go = std::fs::OpenOptions::new().write(true).open(&go);
    let told = std::fs::read_to_string(&saved).expect("the hook wrote it");
    let session = said(&held).lines().next().expect("an id").to_owned();
    let expected = format!("{session} a ann: parked by hand since ");
    assert!(told.starts_with(&expected), "{told}");
    let alive = studio.sessions(&policy);
    let status = |id: &str| {
        let mut found = alive.iter().filter(|s| s["id"] == id);
        found.next().map(|s| s["status"].clone())
    };
    assert_eq!(
        status(&session),
        Some("Ready".into()),
        "it lives until then"
    );
    drop(letting_go.expect("it reads"));
    daemon.wait_for("has ended");
    daemon.wait_for("ended Stopped");
    assert!(studio.ask(&["park", "b"]).status.success());
    daemon.wait_for("the hook `sleep 777` was ended after");
    daemon.wait_for("ended Stopped");
    assert_eq!(daemon.end().0, Some(0));
}
