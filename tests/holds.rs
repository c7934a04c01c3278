//! Holds over HTTP: a client's own key for a request, and teams.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::support::{Studio, said};

/// The status and the body of a request for a hold.
fn asked(studio: &Studio, pool: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(studio.path("control.sock")).expect("connects");
    let body = body.to_string();
    let key = key.map(|key| format!("Idempotency-Key: {key}\r\n"));
    let request = format!(
        "POST /v1/pools/{pool}/holds HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n\
         content-type: application/json\r\n{}content-length: {}\r\n\r\n{body}",
        key.unwrap_or_default(),
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body = serde_json::from_str(body).expect("JSON");
    (status.expect("a status"), body)
}

#[test]
fn the_same_key_and_body_has_the_same_hold_also_after_a_kill() {
    let studio = Studio::open();
    let policy = studio.policy("min = 2\nmax = 2");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    daemon.wait_for("Ready after");
    let ann = json!({ "client": "ann" });
    let (status, first) = asked(&studio, "a", Some("one"), &ann);
    assert_eq!(status, 201, "{first}");
    let (status, again) = asked(&studio, "a", Some("\"one\""), &ann);
    assert_eq!((status, &again["hold"]), (200, &first["hold"]));
    let bob = json!({ "client": "bob" });
    let (status, reused) = asked(&studio, "a", Some("one"), &bob);
    assert_eq!(
        (status, &reused["code"]),
        (422, &json!("key-reused")),
        "{reused}"
    );
    assert_eq!(asked(&studio, "a", None, &bob).0, 201);
    let (status, waits) = asked(&studio, "a", Some("three"), &json!({ "client": "carl" }));
    assert_eq!((status, &waits["place"]), (202, &json!(1)), "{waits}");

    let hold = first["hold"].as_str().expect("a hold").to_owned();
    let released = studio.ask(&["release", &hold, "--client", "ann"]);
    assert!(released.status.success(), "{}", said(&released));
    daemon.kill();
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("control socket");
    let (status, over) = asked(&studio, "a", Some("one"), &ann);
    assert_eq!(
        (status, &over["code"]),
        (409, &json!("hold-over")),
        "{over}"
    );
    for (key, words) in [
        ("\"\"", "1 to 255 characters"),
        ("caf\u{e9}", "cannot be used"),
    ] {
        let (status, refused) = asked(&studio, "a", Some(key), &ann);
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(words), "{status} {detail}");
    }
    assert_eq!(asked(&studio, "nosuch", None, &ann).0, 404);
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_team_that_has_or_may_spend_no_more_is_told_by_exit_status_before_anything_boots() {
    let studio = Studio::open();
    let teams = "min = 0\nmax = 3\n\
         [[team]]\nname = \"lighting\"\nmembers = [\"ann\", \"bob\"]\nmax = 1\n\
         [[team]]\nname = \"layout\"\nmembers = [\"carl\"]\nbudget = { daily = \"0.01\" }\n\
         [[team]]\nname = \"guests\"\n";
    let mut daemon = studio.daemon(&studio.policy(teams));
    daemon.wait_for("control socket");
    let acquire = |client: &str, more: &[&str]| {
        let output = studio.ask(&[&["acquire", "a", "--client", client], more].concat());
        (output.status.code(), said(&output))
    };
    let (status, told) = acquire("carl", &[]);
    assert!(status == Some(6) && told.contains("team layout"), "{told}");
    let (status, told) = acquire("ann", &["--wait", "1m"]);
    assert_eq!(status, Some(0), "{told}");
    let (status, told) = acquire("bob", &[]);
    assert!(
        status == Some(8) && told.contains("all its 1 sessions"),
        "{told}"
    );
    let (status, told) = acquire("dora", &["--team", "lighting"]);
    assert!(status == Some(1) && told.contains("not a member"), "{told}");
    let (status, told) = acquire("dora", &["--team", "guests", "--wait", "1m"]);
    assert_eq!(status, Some(0), "{told}");
    let shown = said(&studio.ask(&["status"]));
    assert!(shown.contains("ann (lighting)"), "{shown}");
    assert!(
        shown.contains("daily budget of team layout: 0.00 of 0.01"),
        "{shown}"
    );
    // Nobody has held one for a whole minute yet.
    let spent = said(&studio.ask(&["spend", "--by", "team"]));
    assert!(spent.contains("team   sessions"), "{spent}");
    assert_eq!(daemon.end().0, Some(0));
}
