//! Activity sources of a daemon that runs: what they said, as `status` and `why` tell it.

use serde_json::Value;

use crate::support::{Studio, said};

/// What `status` says of one source of the only session, once it says what is waited for.
fn source_that(studio: &Studio, source: &str, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let status = studio.status();
        let all = status["slots"][0]["activity"].as_array().cloned();
        let found = all.into_iter().flatten().find(|view| {
            let name = view["source"].as_str().unwrap_or_default();
            name.starts_with(source) && is(view)
        });
        if let Some(found) = found {
            return found;
        }
        std::thread::yield_now();
    }
}

#[test]
fn each_source_tells_what_it_last_said_when_and_what_would_be_idle() {
    let studio = Studio::open();
    let file = studio.path("worked").display().to_string();
    let pool = format!(
        "max = 1\nactivity = [{{ heartbeat = true }}, {{ file = \"{file}\" }}, \
         {{ command = [\"true\"] }}, {{ command = [\"no-such-program\"] }}]"
    );
    let mut daemon = studio.daemon(&studio.policy(&pool));
    daemon.wait_for("Ready after");
    let used = source_that(&studio, "command true", |view| view["said"] == "used");
    assert_eq!(used["saw"]["kind"], "exited");
    assert_eq!(used["used"]["by"], "exit status 0");
    assert_eq!(used["idle_after"], "30m without exit status 0 of true");
    let unused = source_that(&studio, "file", |view| view["said"] == "unused");
    assert_eq!(unused["detail"], "no such file yet");
    assert_eq!(unused["used"], Value::Null);
    let unknown = source_that(&studio, "command no", |view| view["said"] == "cannot-say");
    let detail = unknown["detail"].as_str().expect("words");
    assert!(detail.contains("cannot run no-such-program"), "{detail}");
    assert!(unknown["counts_until"].is_string(), "{unknown}");
    let heartbeat = source_that(&studio, "heartbeat", |_| true);
    assert_eq!(heartbeat["said"], "not-yet");

    assert!(studio.ask(&["touch", "a/0"]).status.success());
    let touched = source_that(&studio, "heartbeat", |view| view["said"] == "used");
    assert_eq!(touched["used"]["by"], "a heartbeat");
    let shown = said(&studio.ask(&["status"]));
    for part in [
        "a/0: kept since ",
        " by exit status 0",
        " by a heartbeat; ",
        ": no use",
        "a/0: the activity source `command no-such-program` cannot say: ",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let why = said(&studio.ask(&["why", "a"]));
    for part in [
        " by a heartbeat (",
        "; idle after 30m without a heartbeat or an acquire\n",
        ": no use, no such file yet (",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let events = studio.ask(&["why", "a", "--format", "json"]);
    let events: Value = serde_json::from_slice(&events.stdout).expect("JSON");
    let written = events.to_string();
    assert!(!written.contains("exit status 0"), "{written}");
    assert_eq!(daemon.end().0, Some(0));
}
