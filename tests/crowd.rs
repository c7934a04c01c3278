//! Two hundred clients at once: each session is handed out once, and in the order in which they
//! came.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json};

use crate::support::Studio;

const CLIENTS: usize = 200;
const SESSIONS: usize = 20;

/// What a request is answered with.
fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).expect("connects");
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
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

fn ask(socket: &Path, client: &str) -> (u16, Value) {
    post(
        socket,
        "/v1/acquire",
        &json!({ "pool": "a", "client": client }),
    )
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().expect("a text").to_owned()
}

/// Every client asks at once, and sends its request twice, as one does that saw no answer.
fn all_ask(socket: &Path) -> BTreeMap<String, Vec<(u16, Value)>> {
    let asked = |client: String, socket: PathBuf| {
        thread::spawn(move || {
            let answer = ask(&socket, &client);
            (client, answer)
        })
    };
    let twice = (0..CLIENTS).flat_map(|n| [n, n]);
    let threads: Vec<_> = twice
        .map(|n| asked(format!("client-{n:03}"), socket.to_owned()))
        .collect();
    let mut answers: BTreeMap<String, Vec<(u16, Value)>> = BTreeMap::new();
    for thread in threads {
        let (client, answer) = thread.join().expect("it ends");
        answers.entry(client).or_default().push(answer);
    }
    answers
}

#[test]
fn two_hundred_clients_share_twenty_sessions_each_handed_out_once_and_in_order() {
    let studio = Studio::with_service(&["--capacity", "40"]);
    let policy = studio.policy(&format!("min = {SESSIONS}\nmax = {SESSIONS}"));
    let mut daemon = studio.daemon(&policy);
    for _ in 0..SESSIONS {
        daemon.wait_for("Ready after");
    }
    let socket = studio.path("control.sock");
    let answers = all_ask(&socket);
    let mut served: Vec<(String, String, String)> = Vec::new();
    let mut waiting: Vec<(String, String)> = Vec::new();
    for (client, both) in &answers {
        let holds: BTreeSet<String> = both.iter().map(|(_, body)| text(body, "hold")).collect();
        assert_eq!(
            holds.len(),
            1,
            "{client} asked twice and has one hold: {both:?}"
        );
        let hold = holds.into_iter().next().expect("one");
        match &both[0] {
            (200, body) => served.push((hold, client.clone(), text(body, "session"))),
            (202, _) => waiting.push((hold, client.clone())),
            other => panic!("{client}: {other:?}"),
        }
    }
    served.sort();
    waiting.sort();
    assert_eq!(
        (served.len(), waiting.len()),
        (SESSIONS, CLIENTS - SESSIONS)
    );
    let sessions: BTreeSet<&String> = served.iter().map(|(.., session)| session).collect();
    assert_eq!(sessions.len(), SESSIONS, "each is handed out once");
    assert!(
        served[SESSIONS - 1].0 < waiting[0].0,
        "who came first was served first"
    );

    // Who gives back makes room for the one that has waited longest, whoever else asks before.
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    for (_, client, session) in served {
        held.insert(session, client);
    }
    for (turn, (hold, client)) in waiting.iter().enumerate().take(60) {
        let (session, holder) = held.pop_first().expect("all are held");
        let body = json!({ "session": session, "client": holder });
        assert_eq!(post(&socket, "/v1/release", &body).0, 200);
        for later in [2, 1] {
            let (status, body) = ask(&socket, &waiting[turn + later].1);
            assert_eq!((status, &body["place"]), (202, &json!(later + 1)));
        }
        let (status, body) = ask(&socket, client);
        assert_eq!(
            (status, &text(&body, "hold")),
            (200, hold),
            "{client}: {body}"
        );
        let taken = held.insert(text(&body, "session"), client.clone());
        assert_eq!(taken, None, "nobody has it beside {client}");
    }
    assert_eq!(held.len(), SESSIONS);
    assert_eq!(daemon.end().0, Some(0));
}
