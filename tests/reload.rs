//! Reading the policy again: what it changes is said, and what clients hold is not taken unasked.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Running, Studio, id_of, said};

/// A daemon whose one session ann holds.
fn held(studio: &Studio) -> (Running, String) {
    let mut daemon = studio.daemon(&studio.policy("max = 2"));
    let id = id_of(&daemon.wait_for("Ready after"));
    let acquired = studio.ask(&["acquire", "a", "--client", "ann"]);
    assert!(acquired.status.success(), "{}", said(&acquired));
    (daemon, id)
}

fn edit(studio: &Studio, from: &str, to: &str) -> PathBuf {
    let path = studio.path("policy.toml");
    let text = std::fs::read_to_string(&path).expect("there");
    assert!(text.contains(from));
    std::fs::write(&path, text.replace(from, to)).expect("written");
    path
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn is_ready(studio: &Studio, policy: &Path, id: &str) -> bool {
    let sessions = studio.sessions(policy);
    sessions
        .iter()
        .any(|s| s["id"] == *id && s["status"] == "Ready")
}

#[test]
fn a_policy_that_would_stop_what_a_client_holds_says_so_and_is_refused_until_it_is_accepted() {
    let studio = Studio::open();
    let (mut daemon, id) = held(&studio);
    let policy = edit(&studio, "name = \"a\"", "name = \"b\"");
    let planned = studio.command(&["plan"], &policy);
    let told = said(&planned);
    assert!(told.contains(&format!("ann holds {id} in a/0")), "{told}");
    assert!(told.contains("reload --accept"), "{told}");

    let refused = studio.ask(&["reload"]);
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    let why =
        format!("a session that a client holds (a/0 {id}, held by ann: the policy has no such");
    for text in ["- pool.a: max = 2", "+ pool.b: ", &*why, "reload --accept"] {
        assert!(told.contains(text), "{text} in {told}");
    }
    let refused = studio.ask(&["reload", "--format", "json"]);
    assert_eq!(refused.status.code(), Some(1));
    let reply = json(&refused);
    assert_eq!(reply["in_force"], false);
    assert_eq!(reply["plan"]["held_stops"][0]["held_by"], "ann");
    daemon.signal("-HUP");
    let refused = daemon.wait_for("the new policy is refused, the old one stays in force");
    assert!(refused.contains("held by ann"), "{refused}");
    let status = studio.status();
    let why = status["refused_policy"].as_str().expect("it is refused");
    assert!(why.contains("held by ann"), "{why}");
    assert_eq!(status["slots"][0]["session"], *id);
    assert!(is_ready(&studio, &policy, &id));

    let taken = studio.ask(&["reload", "--accept", "--format", "json"]);
    assert!(taken.status.success(), "{}", said(&taken));
    assert_eq!(json(&taken)["in_force"], true);
    assert!(daemon.wait_for("ended Stopped").contains(&id));
    assert!(studio.status()["refused_policy"].is_null());
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_reload_says_what_it_changes_and_what_follows() {
    let studio = Studio::open();
    let (mut daemon, _) = held(&studio);
    edit(&studio, "max = 2", "max = 3\nmin = 2");
    let taken = said(&studio.ask(&["reload"]));
    for text in [
        "  ~ pool.a.max: 2 → 3\n  + pool.a.min: 2\n",
        "  + a/1 create a Standard session",
        "The policy is in force.",
    ] {
        assert!(taken.contains(text), "{text} in {taken}");
    }
    assert!(daemon.wait_for("Ready after").contains("a/1"));
    let same = said(&studio.ask(&["reload"]));
    assert!(same.contains("The policy says what it said."), "{same}");
    edit(&studio, "max = 3", "maxx = 3");
    let broken = studio.ask(&["reload"]);
    let told = said(&broken);
    assert_eq!(broken.status.code(), Some(1));
    assert!(told.starts_with("error: unknown key `maxx`"), "{told}");
    let status = said(&studio.ask(&["status"]));
    assert!(
        status.contains("is not in force:\nerror: unknown key `maxx`"),
        "{status}"
    );
    assert_eq!(daemon.end().0, Some(0));
    let nobody = studio.ask(&["reload"]);
    assert!(
        said(&nobody).contains("no daemon answers"),
        "{}",
        said(&nobody)
    );
}

#[test]
fn a_pool_with_another_name_keeps_its_session_its_client_and_its_history() {
    let studio = Studio::open();
    let (mut daemon, id) = held(&studio);
    let policy = edit(
        &studio,
        "name = \"a\"",
        "name = \"b\"\nrenamed_from = \"a\"",
    );
    let taken = studio.ask(&["reload"]);
    assert!(taken.status.success(), "{}", said(&taken));
    daemon.wait_for("the pool a is called b now");
    let acquired = studio.ask(&["acquire", "b", "--client", "ann"]);
    assert!(said(&acquired).contains(&id), "{}", said(&acquired));
    let why = said(&studio.ask(&["why", "b/0"]));
    assert!(why.contains("Ready after"), "{why}");
    assert_eq!(daemon.end().0, Some(0));
    // The ledger knows it by its new name, and goes on with it.
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("keeping 1 pool");
    let again = studio.ask(&["acquire", "b", "--client", "ann"]);
    assert!(said(&again).contains(&id), "{}", said(&again));
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_reload_that_nobody_waits_for_any_more_is_not_carried_out() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    studio.policy("min = 1\nmax = 2");
    studio.service.signal("-STOP");
    // The pass under way keeps requests waiting for as long as the service may take.
    assert!(studio.ask(&["wake", "a"]).status.success());
    let socket = studio.path("control.sock");
    let mut asking = UnixStream::connect(&socket).expect("connects");
    asking
        .write_all(
            b"POST /v1/reload HTTP/1.1\r\nhost: d\r\ncontent-type: application/json\r\n\
              content-length: 2\r\n\r\n{}",
        )
        .expect("sent");
    // The daemon has read it once it answers another one.
    assert!(studio.ask(&["status"]).status.success());
    drop(asking);
    assert!(studio.ask(&["status"]).status.success());
    studio.service.signal("-CONT");
    assert!(studio.ask(&["reload"]).status.success());
    let (code, log) = daemon.end();
    let taken = log.matches("is in force").count();
    assert_eq!((code, taken), (Some(0), 1), "{log}");
}
