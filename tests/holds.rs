//! Holds over HTTP: a client's own key for a request, and teams.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::support::{Studio, said};

/// The status, the headers and the body of what a request is answered with.
fn http(studio: &Studio, head: &str, body: &str) -> (u16, String, String) {
    let mut stream = UnixStream::connect(studio.path("control.sock")).expect("connects");
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let headers: String = headers.lines().map(|h| format!("{h}\r\n")).collect();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    (status.expect("a status"), head.to_owned(), body.to_owned())
}

/// The status and the body of a request for a hold.
fn asked(studio: &Studio, pool: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}"));
    let head = format!("POST /v1/pools/{pool}/holds\ncontent-type: application/json\n{key}");
    let (status, _, body) = http(studio, &head, &body.to_string());
    (status, serde_json::from_str(&body).expect("JSON"))
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

#[test]
fn a_client_that_is_warned_stays_by_command_or_by_the_link_that_works_once() {
    let studio = Studio::open();
    let policy = studio.policy(
        "min = 1\nmax = 1\nidle_timeout = \"30m\"\nwarn_before = \"40m\"\n\
         budget = { daily = \"10\" }",
    );
    let text = std::fs::read_to_string(&policy).expect("there");
    let url = "[control]\npublic_url = \"https://leases.example/\"";
    std::fs::write(&policy, text.replace("[control]", url)).expect("written");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let ann = json!({ "client": "Zoë <ann>" });
    let (status, first) = asked(&studio, "a", None, &ann);
    assert_eq!(status, 201, "{first}");
    let warned = daemon.wait_for("the hold of Zoë <ann> ends at");
    assert!(
        warned.contains("nobody uses it; one more hour costs 6.00 EUR"),
        "{warned}"
    );
    let warning = asked(&studio, "a", None, &ann).1["warning"].clone();
    assert_eq!(
        (&warning["by"], &warning["hour"]),
        (&json!("idle_timeout"), &json!("6.00"))
    );
    let link = warning["link"].as_str().expect("a link");
    let path = link
        .strip_prefix("https://leases.example")
        .expect("the studio's own");
    let shown = said(&studio.ask(&["status"]));
    assert!(shown.contains("a/0: its hold ends in "), "{shown}");

    // A look does nothing, however often.
    for _ in 0..2 {
        let (status, head, page) = http(&studio, &format!("GET {path}"), "");
        assert!(
            status == 200 && page.contains("Stay for 1h"),
            "{status} {page}"
        );
        assert!(page.contains("Zoë &lt;ann&gt;"), "{page}");
        assert!(
            head.to_lowercase().contains("cache-control: no-store"),
            "{head}"
        );
    }
    let (status, _, page) = http(&studio, &format!("POST {path}"), "");
    assert!(
        status == 200 && page.contains("The session stays until"),
        "{status} {page}"
    );
    daemon.wait_for("Zoë <ann> stays until");
    for method in ["GET", "POST"] {
        let (status, _, page) = http(&studio, &format!("{method} {path}"), "");
        assert!(
            status == 410 && page.contains("does nothing any more"),
            "{method} {page}"
        );
    }
    let forged = path.replace("hold-", "hold-0");
    assert_eq!(http(&studio, &format!("POST {forged}"), "").0, 410);

    let hold = first["hold"].as_str().expect("a hold");
    let snooze = |length: &str, client: &str| {
        let output = studio.ask(&["snooze", hold, length, "--client", client]);
        (output.status.success(), said(&output))
    };
    let (stays, told) = snooze("70m", "Zoë <ann>");
    assert!(stays && told.contains("goes on until"), "{told}");
    let (stays, told) = snooze("9h", "Zoë <ann>");
    assert!(
        !stays && told.contains("cannot go on for so long: the daily budget"),
        "{told}"
    );
    let (stays, told) = snooze("1h", "bob");
    assert!(!stays && told.contains("is held by"), "{told}");
    let (stays, told) = snooze("25h", "Zoë <ann>");
    assert!(!stays && told.contains("at most 1d, not 1d1h"), "{told}");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        !log.contains("/v1/snooze/"),
        "a link is told to its client alone: {log}"
    );
}
