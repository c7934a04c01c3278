//! Activity sources of a daemon that runs: what they said, as `status` and `why` tell it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// A server that tells how many players there are, as a page of Prometheus, and where it is.
fn players() -> (Arc<AtomicU32>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let players = Arc::new(AtomicU32::new(1));
    let now = players.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let request = BufReader::new(&connection).lines().map_while(Result::ok);
            // A request without a body ends with an empty line.
            let _ = request.take_while(|line| !line.is_empty()).count();
            let page = format!("players{{pool=\"a\"}} {}\n", now.load(Ordering::SeqCst));
            let length = page.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n");
            // A daemon that is killed reads no answer.
            let _ = write!(&connection, "{head}connection: close\r\n\r\n{page}");
        }
    });
    (players, format!("http://{address}/metrics"))
}

#[test]
fn a_metric_is_read_from_its_page_and_a_daemon_that_starts_anew_compares_anew() {
    let studio = Studio::open();
    let (players, url) = players();
    let figure = format!("url = \"{url}\", name = \"players\", labels = {{ pool = \"{{pool}}\" }}");
    let policy = studio.policy(&format!(
        "max = 1\nactivity = [{{ metric = {{ {figure}, above = 0 }} }}, \
         {{ metric = {{ {figure}, changes = true }} }}]"
    ));
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let above = |view: &Value| view["idle_after"] == "30m without players{pool=\"{pool}\"} above 0";
    let changes = |view: &Value| !above(view);
    let says = |which: &dyn Fn(&Value) -> bool, said: &str| {
        source_that(&studio, "metric players", |v| which(v) && v["said"] == said)
    };
    assert_eq!(says(&above, "used")["detail"], "value 1");
    assert_eq!(says(&changes, "unused")["detail"], "value 1");
    players.store(0, Ordering::SeqCst);
    assert_eq!(says(&above, "unused")["detail"], "value 0");
    let changed = source_that(&studio, "metric players", |v| {
        changes(v) && v["used"]["by"] == "value 0"
    });
    assert!(changed["keeps_until"].is_string(), "{changed}");
    daemon.kill();

    players.store(7, Ordering::SeqCst);
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("keeping 1 pool");
    // That it is another value than the daemon before saw is nothing that this one can know.
    let anew = says(&changes, "unused");
    assert_eq!(
        (&anew["detail"], &anew["used"]),
        (&"value 7".into(), &Value::Null)
    );
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0));
    assert!(
        !log.contains("cannot say") && !log.contains("able to say"),
        "{log}"
    );
}
