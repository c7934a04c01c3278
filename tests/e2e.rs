//! The built binary against a real session service over sockets: started, killed, restarted,
//! misled.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{BINARY, Running, Studio, id_of, said};

#[test]
fn a_session_is_created_ready_renewed_and_stopped_when_idle() {
    let studio = Studio::open();
    let policy = studio.policy("lease = \"1m\"\nidle_timeout = \"40s\"");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("creating a Standard session, lease 1m"));
    assert_eq!(id_of(&daemon.wait_for("Ready after")), id);
    let status = said(&studio.ask(&["status"]));
    assert!(
        status.contains("a/0") && status.contains("Ready"),
        "{status}"
    );
    assert_eq!(studio.ask(&["plan"]).status.code(), Some(0));
    assert_eq!(id_of(&daemon.wait_for("lease renewed to 2m")), id);
    assert_eq!(id_of(&daemon.wait_for("stopping: idle since")), id);
    assert_eq!(id_of(&daemon.wait_for("ended Stopped after 0m billed")), id);
    daemon.wait_for("parked: idle");
    let why = said(&studio.ask(&["why", "a/0"]));
    assert!(
        why.contains("lease renewed to 2m") && why.contains("stopping: idle since"),
        "{why}"
    );
    let nobody = studio.ask(&["why", "nosuch"]);
    assert_eq!(nobody.status.code(), Some(1));
    let told = String::from_utf8_lossy(&nobody.stderr);
    assert!(
        told.contains("the policy has no pool nosuch; it has a"),
        "{told}"
    );
    assert!(said(&studio.ask(&["spend", "--by", "session"])).contains(&id));
    assert!(said(&studio.ask(&["touch", "a"])).contains("woken by a client"));
    assert_ne!(id_of(&daemon.wait_for("Ready after")), id);
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("left running (Ready); it ends by itself by"),
        "{log}"
    );
}

#[test]
fn killed_after_any_step_and_restarted_it_makes_no_second_session() {
    for step in ["creating a", "booting", "Ready after", "control socket"] {
        let studio = Studio::open();
        let policy = studio.policy("min = 2\nmax = 2");
        let mut daemon = studio.daemon(&policy);
        daemon.wait_for(step);
        daemon.kill();
        let daemon = studio.daemon(&policy);
        // Both sessions are there, Ready and accounted for, whoever asked for them; and never a
        // third.
        for look in 0.. {
            daemon.lines.recv_timeout(Duration::from_millis(100)).ok();
            let sessions = studio.sessions(&policy);
            assert!(sessions.len() <= 2, "{sessions:?}");
            let spend = said(&studio.ask(&["spend", "--by", "session", "--format", "json"]));
            let accounted = |s: &Value| {
                s["status"] == "Ready" && spend.contains(s["id"].as_str().expect("an id"))
            };
            if sessions.len() == 2 && sessions.iter().all(accounted) {
                break;
            }
            assert!(look < 900, "killed after {step:?}: {sessions:?}\n{spend}");
        }
        assert_eq!(daemon.end().0, Some(0));
    }
}

#[test]
fn without_its_ledger_it_adopts_its_sessions_and_leaves_others_alone() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    assert!(studio.once(&policy).status.success());
    let by_hand = Command::new(BINARY)
        .args(["session", "--policy"])
        .arg(&policy)
        .args(["create", "--id", "somebody-else", "--wait"])
        .output();
    assert!(by_hand.expect("it runs").status.success());
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(studio.path(name));
    }
    let output = said(&studio.once(&policy));
    assert!(
        output.contains("adopted: ") && output.contains("not ours and left alone"),
        "{output}"
    );
    assert!(!output.contains("creating"), "{output}");
    assert_eq!(studio.sessions(&policy).len(), 2);
}

#[test]
fn a_pass_with_nothing_to_do_says_nothing() {
    let studio = Studio::open();
    let policy = studio.policy("min = 0");
    let output = studio.once(&policy);
    let lines: Vec<String> = said(&output)
        .lines()
        .filter(|l| !l.contains("keeping 1 pool"))
        .map(String::from)
        .collect();
    assert_eq!((output.status.code(), lines), (Some(0), Vec::new()));
}

#[test]
fn a_wrong_key_and_a_dead_endpoint_tell_what_to_do() {
    let studio = Studio::open();
    let policy = studio.policy("");
    std::fs::write(studio.path("key"), "wrong").expect("written");
    let output = studio.once(&policy);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(
        text.contains("the account key was refused")
            && text.contains("MS-CV")
            && !text.contains("wrong"),
        "{text}"
    );
    let dead = std::fs::read_to_string(&policy)
        .expect("there")
        .replace(&studio.endpoint, "http://127.0.0.1:1");
    std::fs::write(&policy, dead).expect("written");
    let text = said(&studio.once(&policy));
    assert!(
        text.contains("cannot reach http://127.0.0.1:1: ")
            && text.contains("is the service running"),
        "{text}"
    );
}

#[test]
fn a_second_daemon_on_the_same_ledger_is_refused() {
    let studio = Studio::open();
    let policy = studio.policy("");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let output = studio.once(&policy);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("another leasekeeper (pid"),
        "{}",
        said(&output)
    );
    assert_eq!(studio.sessions(&policy).len(), 1);
}

#[test]
fn a_policy_is_reloaded_and_a_broken_one_refused() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 2");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    studio.policy("min = two");
    daemon.signal("-HUP");
    let line = daemon.wait_for("the new policy is refused, the old one stays in force");
    assert!(line.contains("this is not TOML"), "{line}");
    let status = said(&studio.ask(&["status"]));
    assert!(
        status.contains("a/0") && status.contains("Ready"),
        "{status}"
    );
    studio.policy("min = 2\nmax = 2");
    daemon.signal("-HUP");
    daemon.wait_for("is in force");
    let ready = daemon.wait_for("Ready after");
    assert!(ready.contains("a/1"), "{ready}");
}

#[test]
fn a_policy_that_cannot_be_used_ends_with_78_and_shows_where() {
    let studio = Studio::open();
    let policy = studio.policy("leese = \"20m\"");
    let output = studio.once(&policy);
    assert_eq!(output.status.code(), Some(78));
    assert!(
        said(&output).contains("did you mean `lease`?"),
        "{}",
        said(&output)
    );
    let check = Command::new(BINARY)
        .arg("check")
        .arg(&policy)
        .output()
        .expect("it runs");
    assert_eq!(check.status.code(), Some(1));
    assert!(!studio.path("ledger.db").exists());
}

#[test]
fn the_control_socket_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("min = 0"));
    daemon.wait_for("control socket");
    let mode = std::fs::metadata(studio.path("control.sock"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn with_the_embedded_service_nothing_is_left_running_and_the_account_is_settled() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display();
    let policy = folder.path().join("policy.toml");
    let text = format!(
        "owner = \"st\"\nledger = \"{dir}/ledger.db\"\n\
         control = {{ socket = \"{dir}/control.sock\" }}\nreconcile = {{ interval = \"1s\" }}\n\
         service = {{ embedded = true, boot_delay = \"100ms\" }}\n[[pool]]\nname = \"a\"\n"
    );
    std::fs::write(&policy, text).expect("written");
    let mut command = Command::new(BINARY);
    command
        .args(["--log-format", "json", "run", "--policy"])
        .arg(&policy);
    let mut daemon = Running::start(command, true);
    daemon.wait_for("Ready after");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("ended Stopped after 0m billed")
            && log.contains("ended; nothing is left running"),
        "{log}"
    );
}

#[test]
fn a_service_that_is_down_for_longer_than_a_lease_and_comes_back_finds_one_session_again() {
    let studio = Studio::open();
    let policy = studio.policy("lease = \"1m\"");
    let mut daemon = studio.daemon(&policy);
    let first = id_of(&daemon.wait_for("Ready after"));
    studio.service.signal("-STOP");
    daemon.wait_for("leases are kept from memory, nothing new is created");
    daemon.wait_for("could not be renewed yet");
    let over = |status: &Value| {
        let at = |v: &Value| {
            v.as_str()
                .and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok())
        };
        at(&status["slots"][0]["ends_latest"]) < at(&status["now"])
    };
    for look in 0.. {
        if over(&studio.status()) {
            break;
        }
        daemon.lines.recv_timeout(Duration::from_millis(200)).ok();
        assert!(look < 900, "{}", studio.status());
    }
    studio.service.signal("-CONT");
    daemon.wait_for("the service answers again");
    let ended = daemon.wait_for("ended Expired after 1m billed");
    assert_eq!(id_of(&ended), first);
    let second = id_of(&daemon.wait_for("Ready after"));
    assert_ne!(first, second);
    assert_eq!(studio.sessions(&policy).len(), 1);
}

#[test]
fn a_plan_and_the_spend_are_told_without_a_daemon_and_change_nothing() {
    let studio = Studio::open();
    let policy = studio.policy("min = 2\nmax = 2");
    let planned = studio.command(&["plan"], &policy);
    assert_eq!(planned.status.code(), Some(2), "{}", said(&planned));
    assert!(
        said(&planned).contains("Plan: 2 to create, 0 to extend, 0 to stop."),
        "{}",
        said(&planned)
    );
    assert_eq!(
        (
            studio.sessions(&policy).len(),
            studio.path("ledger.db").exists()
        ),
        (0, false)
    );
    assert!(studio.once(&policy).status.success());
    let planned = studio.command(&["plan", "--format", "json"], &policy);
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let fewer = studio.policy("min = 1\nmax = 1");
    let planned = said(&studio.command(&["plan"], &fewer));
    assert!(
        planned.contains("- a/1 stop st-a-1-") && planned.contains("0 to extend, 1 to stop"),
        "{planned}"
    );
    assert_eq!(studio.sessions(&policy).len(), 2);
    let spend = studio.command(
        &[
            "spend",
            "--by",
            "session",
            "--from",
            "2026-01-01",
            "--to",
            "2099-01-01",
        ],
        &policy,
    );
    assert!(spend.status.success(), "{}", said(&spend));
    let wrong = studio.command(
        &["spend", "--from", "2026-02-02", "--to", "2026-02-01"],
        &policy,
    );
    assert!(
        said(&wrong).contains("2026-02-01 comes before 2026-02-02"),
        "{}",
        said(&wrong)
    );
}

#[test]
fn a_storm_of_429_costs_time_and_neither_a_lease_nor_a_second_session() {
    let studio = Studio::with_faults(&["any:429,retry-after=1s,every=2,times=60"]);
    let policy = studio.policy("lease = \"1m\"");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    assert_eq!(id_of(&daemon.wait_for("lease renewed to 2m")), id);
    let (code, log) = daemon.end();
    assert_eq!(
        (code, log.matches("creating a Standard").count()),
        (Some(0), 1),
        "{log}"
    );
    assert!(!log.contains("could not be renewed"), "{log}");
}

#[test]
fn a_request_whose_reply_is_lost_is_not_done_twice() {
    let lost = [
        "create:reset-after,times=1",
        "update:reset-after,times=1",
        "stop:reset-after,times=1",
    ];
    let studio = Studio::with_faults(&lost);
    let policy = studio.policy("lease = \"1m\"\nidle_timeout = \"40s\"");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    assert_eq!(id_of(&daemon.wait_for("lease renewed to 2m")), id);
    assert_eq!(id_of(&daemon.wait_for("stopping: idle since")), id);
    assert_eq!(id_of(&daemon.wait_for("ended Stopped after 0m billed")), id);
    assert_eq!(studio.sessions(&policy).len(), 0);
}

#[test]
fn an_entry_that_cannot_be_read_is_told_once_and_its_session_is_kept_like_any_other() {
    let studio = Studio::with_faults(&["list:garbled"]);
    let policy = studio.policy("lease = \"1m\"\nmin = 2");
    let mut daemon = studio.daemon(&policy);
    let first = id_of(&daemon.wait_for("Ready after"));
    let second = id_of(&daemon.wait_for("Ready after"));
    let renewed = [(); 2].map(|()| id_of(&daemon.wait_for("lease renewed to 2m")));
    assert!(renewed.contains(&first) && renewed.contains(&second));
    let (code, log) = daemon.end();
    let count = |text: &str| log.matches(text).count();
    assert_eq!(
        (code, count("creating a Standard"), count("was left out")),
        (Some(0), 2, 1),
        "{log}"
    );
}
