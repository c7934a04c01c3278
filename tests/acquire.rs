//! `acquire`: what a script learns from its exit status.

use serde_json::Value;

use crate::support::{Studio, said};

/// A policy with a pool of each kind that gives no session now.
fn pools(studio: &Studio) -> std::path::PathBuf {
    let path = studio.policy("max = 1");
    let text = std::fs::read_to_string(&path).expect("there");
    let more = [
        "name = \"closed\"\nmin = 0\nmax = 1\nschedule = \"never\"",
        "name = \"parked\"\nmin = 0\nmax = 1",
        "name = \"broke\"\nmin = 0\nmax = 1\nbudget = { daily = \"0.01\" }",
        "name = \"none\"\nmin = 0\nmax = 0",
    ];
    let more: Vec<String> = more.iter().map(|p| format!("\n[[pool]]\n{p}\n")).collect();
    std::fs::write(&path, text + &more.concat()).expect("written");
    path
}

#[test]
fn each_reason_for_having_no_session_has_an_exit_status_and_its_words() {
    let studio = Studio::open();
    let mut daemon = studio.daemon(&pools(&studio));
    daemon.wait_for("Ready after");
    assert!(studio.ask(&["park", "parked"]).status.success());
    let held = studio.ask(&["acquire", "a", "--client", "ann"]);
    assert_eq!(held.status.code(), Some(0), "{}", said(&held));
    for (pool, status, words) in [
        ("a", 3, "place 1 in the queue: its only slot is taken"),
        ("closed", 4, "out of schedule"),
        ("parked", 5, "parked by hand"),
        ("broke", 6, "the daily budget of broke of 0.01 EUR"),
        ("none", 7, "has no slots"),
        ("nosuch", 1, "no pool"),
    ] {
        let asked = studio.ask(&["acquire", pool, "--client", "bob"]);
        let told = said(&asked);
        assert_eq!(asked.status.code(), Some(status), "{pool}: {told}");
        assert!(told.contains(words), "{pool}: {told}");
    }
    let shown = said(&studio.ask(&["status"]));
    assert!(
        shown.contains("bob waits for a session of a, place 1"),
        "{shown}"
    );
    let why = said(&studio.ask(&["why", "a"]));
    assert!(
        why.contains("bob waits for a session of a, place 1"),
        "{why}"
    );
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn what_is_asked_for_can_be_read_by_a_program() {
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("max = 1"));
    daemon.wait_for("Ready after");
    let asked = |words: &[&str]| {
        let output = studio.ask(&[words, &["--format", "json"]].concat());
        let json = serde_json::from_slice::<Value>(&output.stdout);
        (output.status.code(), json.expect("JSON and nothing else"))
    };
    let (status, held) = asked(&["acquire", "a", "--client", "ann"]);
    assert_eq!(status, Some(0));
    let hold = held["hold"].as_str().expect("a hold");
    assert!(held["address"]["hostname"].is_string(), "{held}");
    assert!(held["leased_until"].is_string(), "{held}");
    assert_eq!(held["hold_ends"]["by"], "idle_timeout");
    let (status, waits) = asked(&["acquire", "a", "--client", "bob"]);
    assert_eq!((status, &waits["waiting"]), (Some(3), &true.into()));
    assert_eq!(waits["place"], 1);
    let (_, used) = asked(&["touch", "a"]);
    assert_eq!(used["used"][0], held["session"]);
    let (_, given_back) = asked(&["release", hold, "--client", "ann"]);
    assert_eq!(given_back["events"][0], "a/0 released by ann");
    let (_, parked) = asked(&["park", "a"]);
    assert_eq!(parked["slots"][0]["slot"], "a/0");
    let (status, woken) = asked(&["wake", "a"]);
    assert_eq!(
        (status, &woken["events"][0]),
        (Some(0), &"a/0 woken by a person".into())
    );
    assert_eq!(daemon.end().0, Some(0));
}
