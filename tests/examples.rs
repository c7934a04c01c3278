//! The clients in `examples/`: they wait in the queue, send heartbeats while their command runs,
//! and give the session back.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

use crate::support::{DEADLINE, Running, Studio, said};

const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// A socket that leads to another, and tells what is sent to it.
fn overheard(socket: &Path, other: &Path) -> Receiver<String> {
    let listener = UnixListener::bind(socket).expect("a socket");
    let (other, (sender, said)) = (other.to_owned(), channel());
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (other, sender) = (other.clone(), sender.clone());
            thread::spawn(move || carry(&client, &other, &sender));
        }
    });
    said
}

fn carry(client: &UnixStream, other: &Path, sender: &Sender<String>) {
    let daemon = UnixStream::connect(other).expect("the daemon listens");
    let (mut from, mut to) = (&daemon, client);
    thread::scope(|scope| {
        scope.spawn(move || {
            // A client that is gone wants no answer.
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let (mut bytes, mut client) = ([0; 4096], client);
        while let Ok(read @ 1..) = client.read(&mut bytes) {
            let _ = sender.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
            if (&daemon).write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = daemon.shutdown(Shutdown::Write);
    });
}

/// Waits until so many requests to a path were overheard.
fn hear(said: &Receiver<String>, path: &str, times: usize) {
    let mut heard = 0;
    while heard < times {
        let more = said.recv_timeout(DEADLINE).expect("the client goes on");
        heard += more.matches(&format!("POST {path} ")).count();
    }
}

fn example(name: &str) {
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("min = 1\nmax = 1"));
    daemon.wait_for("Ready after");
    let held = studio.ask(&["acquire", "a", "--client", "ann", "--format", "json"]);
    let held: Value = serde_json::from_slice(&held.stdout).expect("JSON");
    let (socket, end) = (studio.path("overheard.sock"), studio.path("end"));
    let requests = overheard(&socket, &studio.path("control.sock"));
    let made = Command::new("mkfifo").arg(&end).status();
    assert!(made.expect("it runs").success());

    let mut command = Command::new(Path::new(TOP).join("examples").join(name));
    command
        .env("LEASEKEEPER_SOCKET", &socket)
        .env("ASK_EVERY", "0.1")
        .env("TOUCH_EVERY", "0.1")
        .args(["a", "ben", "sh", "-c"])
        .arg("echo \"at $RENDERING_HOST:$RENDERING_PORT\"; cat \"$0\"")
        .arg(&end);
    let mut client = Running::start(command, false);
    hear(&requests, "/v1/acquire", 2);
    assert_eq!(studio.status()["waiting"][0]["client"], "ben");
    let hold = held["hold"].as_str().expect("an id");
    let released = studio.ask(&["release", hold, "--client", "ann"]);
    assert!(released.status.success(), "{}", said(&released));

    let address = &held["address"];
    let place = address["hostname"].as_str().expect("a name");
    client.wait_for(&format!("at {place}:{}", address["handshake_port"]));
    hear(&requests, "/v1/touch", 2);
    assert_eq!(studio.status()["slots"][0]["held_by"], "ben");
    // The command ends, and so does the client.
    std::fs::write(&end, "done\n").expect("somebody reads");
    client.wait_for("done");
    hear(&requests, "/v1/release", 1);
    assert_eq!(client.wait(), Some(0));
    assert!(studio.status()["slots"][0]["held_by"].is_null());

    let nobody = Command::new(Path::new(TOP).join("examples").join(name))
        .env("LEASEKEEPER_SOCKET", studio.path("control.sock"))
        .args(["nosuch", "ben", "true"])
        .output()
        .expect("it runs");
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));
    assert!(
        said(&nobody).contains("the policy has no pool nosuch"),
        "{}",
        said(&nobody)
    );
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_client_in_shell() {
    example("client.sh");
}

#[test]
fn a_client_in_python() {
    example("client.py");
}
