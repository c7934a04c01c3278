//! Transcripts that need somebody to answer: a daemon that runs `config/quickstart.toml`, or a
//! session service.
//!
//! What differs from run to run may differ from the page too: instants, ids, addresses, ports,
//! paths up to the file's name, and spans such as "in 5s", "5s ago" and "Ready after 5s". A line of
//! the log that is only `…` stands for any lines, and `^C` ends the daemon as the key does. Of curl
//! only what the pages use is understood, so that it need not be installed.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{Block, Page, Step, TOP, pages};
use crate::support::{BINARY, DEADLINE, Running, said};

const QUICKSTART: &str = "config/quickstart.toml";
/// The pools of that policy, each with a session that becomes Ready at once.
const POOLS: usize = 2;

/// A line with a placeholder for each word that differs from run to run.
fn plain(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut plain = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if is_date(word) {
            // A time of day has its date before it where that is not today's.
            continue;
        }
        let bare = word.trim_matches(|c| "(\",;.)".contains(c));
        let next = words.get(i + 1).copied().unwrap_or_default();
        let span = words[..i].ends_with(&["in"])
            || words[..i].ends_with(&["Ready", "after"])
            || next.starts_with("ago")
            || next == "left";
        plain.push(word.replace(bare, &placeholder(bare, span)));
    }
    plain.join(" ")
}

fn is_date(word: &str) -> bool {
    word.len() == 10 && word.split('-').count() == 3 && word.split('-').all(digits)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn placeholder(word: &str, span: bool) -> String {
    let parts: Vec<&str> = word.split(':').collect();
    let is_clock =
        (2..=3).contains(&parts.len()) && parts.iter().all(|p| p.len() == 2 && digits(p));
    let is_instant = word.ends_with('Z') && word.contains('T') && digits(&word[..4]);
    let ulid = word.rsplit_once('-').filter(|(_, end)| {
        let ulid = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
        end.len() == 26 && end.bytes().all(ulid)
    });
    let port = parts.last().filter(|p| p.len() >= 4 && digits(p));
    if is_clock || is_instant {
        "<instant>".into()
    } else if let Some((owner, _)) = ulid {
        format!("{owner}-<ulid>")
    } else if word.starts_with("vm-") && word.contains(".simulated.local") {
        "<server>".into()
    } else if let (Some(_), Some((scheme, _))) = (port.or(parts.last()), word.split_once("://127."))
    {
        format!("<{scheme} address>")
    } else if word.len() == 5 && digits(word) {
        "<port>".into()
    } else if let (true, Some((_, file))) = (word.starts_with('/'), word.rsplit_once('/')) {
        format!("<path>/{file}")
    } else if word.len() == 36 && word.matches('-').count() == 4 {
        "<uuid>".into()
    } else if span && word.ends_with(['s', 'm', 'h', 'd']) && digits(&word[..1]) {
        "<span>".into()
    } else {
        word.into()
    }
}

/// The same of a JSON value: of all its texts, and of ports.
fn plain_json(value: Value) -> Value {
    match value {
        Value::String(text) => plain(&text).into(),
        Value::Number(n) if n.as_u64().is_some_and(|n| (49_152..65_536).contains(&n)) => {
            "<port>".into()
        }
        Value::Array(items) => items.into_iter().map(plain_json).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, plain_json(value)))
            .collect(),
        other => other,
    }
}

fn assert_same(page: &Page, step: &Step, printed: &str) {
    let lines = |text: &str| text.trim_end().lines().map(plain).collect::<Vec<_>>();
    let (page, command) = (&page.name, &step.command);
    if step.command.ends_with("| jq") {
        let json = |text: &str| plain_json(serde_json::from_str(text).expect("JSON"));
        assert_eq!(json(printed), json(&step.output), "{page}: {command}");
    } else {
        assert_eq!(lines(printed), lines(&step.output), "{page}: {command}");
    }
}

/// A daemon of the quickstart, and its log so far.
struct Daemon {
    folder: TempDir,
    running: Running,
    log: Vec<String>,
}

impl Daemon {
    /// Starts one, and waits until its sessions are Ready.
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(BINARY);
        command
            .args(["run", "--policy", QUICKSTART])
            .current_dir(TOP)
            .env("STATE_DIRECTORY", folder.path())
            .env("RUNTIME_DIRECTORY", folder.path())
            .env_remove("LEASEKEEPER_SOCKET");
        let mut daemon = Self {
            running: Running::start(command, true),
            folder,
            log: Vec::new(),
        };
        let ready = |log: &[String]| log.iter().filter(|l| l.contains(": Ready after")).count();
        while ready(&daemon.log) < POOLS {
            daemon.read();
        }
        daemon
    }

    /// Reads one more line of the log.
    fn read(&mut self) {
        match self.running.lines.recv_timeout(DEADLINE) {
            Ok(line) => self.log.push(line),
            Err(_) => panic!("nothing more in the log:\n{}", self.log.join("\n")),
        }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("control.sock")
    }

    fn ask(&self, page: &Page, step: &Step) {
        let printed = if let Some(arguments) = step.command.strip_prefix("leasekeeper ") {
            let mut command = Command::new(BINARY);
            command
                .args(arguments.split_whitespace())
                .env("LEASEKEEPER_SOCKET", self.socket());
            said(&command.output().expect("it runs"))
        } else if let Some(arguments) = step.command.strip_prefix("curl ") {
            curl(&self.socket(), arguments)
        } else {
            panic!("{}: who is to run {}?", page.name, step.command)
        };
        assert_same(page, step, &printed);
    }

    /// Follows the log to the last line of a transcript.
    fn follow(&mut self, page: &Page, step: &Step) {
        let (mut at, mut any) = (0, false);
        for expected in step.output.lines() {
            match expected {
                "…" => any = true,
                "^C" => self.running.signal("-INT"),
                _ => loop {
                    while at >= self.log.len() {
                        self.read();
                    }
                    at += 1;
                    let (line, expected) = (plain(&self.log[at - 1]), plain(expected));
                    if line == expected {
                        any = false;
                        break;
                    }
                    assert!(
                        any,
                        "{} expects\n{expected}\nand the log has\n{}",
                        page.name,
                        self.log.join("\n")
                    );
                },
            }
        }
    }
}

/// The words of a command, as a shell takes them apart.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is one").push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// What curl would print.
fn curl(socket: &Path, command: &str) -> String {
    let command = command.trim_end_matches("| jq");
    let (mut headers, mut body, mut path) = (String::new(), String::new(), String::new());
    let mut words = words(command).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "--unix-socket" => assert_eq!(words.next().as_deref(), Some("$LEASEKEEPER_SOCKET")),
            "-H" => headers += &format!("{}\r\n", words.next().expect("a header")),
            "-d" => body = words.next().expect("a body"),
            url => path = url.strip_prefix("http://leasekeeper").expect("URL").into(),
        }
    }
    let method = if body.is_empty() { "GET" } else { "POST" };
    let length = body.len();
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: leasekeeper\r\nconnection: close\r\n\
         {headers}content-length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer.split_once("\r\n\r\n").expect("a body").1.into()
}

/// Starts a session service in a folder of its own, and compares what it says.
fn serve(page: &Page, step: &Step, arguments: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(BINARY);
    command
        .args(arguments.split_whitespace())
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder.path());
    let running = Running::start(command, false);
    let line = |_| running.lines.recv_timeout(DEADLINE).expect("a line");
    let printed: Vec<String> = step.output.lines().map(line).collect();
    assert_same(page, step, &printed.join("\n"));
}

/// Runs all live transcripts of a page against one daemon; the log comes last, as it may end it.
fn check(page: &Page, blocks: &[Block]) {
    let mut daemon = None;
    let mut logs = Vec::new();
    for step in blocks.iter().flat_map(Block::steps) {
        let command = step
            .command
            .replace("cargo run --release -- ", "leasekeeper ");
        let arguments = command.strip_prefix("leasekeeper ").unwrap_or_default();
        if arguments.starts_with("serve ") {
            serve(page, &step, arguments);
        } else if arguments.starts_with("run ") {
            assert_eq!(arguments, format!("run --policy {QUICKSTART}"));
            logs.push(step);
        } else {
            daemon.get_or_insert_with(Daemon::start).ask(page, &step);
        }
    }
    for step in logs {
        daemon
            .take()
            .unwrap_or_else(Daemon::start)
            .follow(page, &step);
    }
}

#[test]
fn every_live_transcript_is_what_a_daemon_or_a_service_says() {
    let pages = pages();
    let live = |page| {
        let all = Page::blocks(page).into_iter();
        (page, all.filter(|b| b.live).collect::<Vec<_>>())
    };
    let with_live: Vec<(&Page, Vec<Block>)> = pages
        .iter()
        .map(live)
        .filter(|(_, blocks)| !blocks.is_empty())
        .collect();
    let names: BTreeSet<&str> = with_live.iter().map(|(p, _)| p.name.as_str()).collect();
    assert!(names.contains("README.md"), "README shows the first run");
    std::thread::scope(|scope| {
        for (page, blocks) in &with_live {
            scope.spawn(move || check(page, blocks));
        }
    });
}

#[test]
fn only_what_differs_from_run_to_run_may_differ_from_the_page() {
    let same = |a: &str, b: &str| plain(a) == plain(b);
    assert!(same(
        "17:45:33  INFO a/0: Ready after 5s at vm-2a13114c.simulated.local:58158 (inspector \
         52839), ends by 2026-11-25T17:46:33Z",
        "09:00:01 INFO a/0: Ready after 5s at vm-0.simulated.local:50000 (inspector 50001), ends \
         by 2027-01-01T00:00:00Z",
    ));
    assert!(same(
        "in 1m58s, 2s ago, 29s left",
        "in 3s, 1h2m ago, 1m30s left"
    ));
    assert!(same(
        "key_file = \"/home/ann/key\"",
        "key_file = \"/tmp/key\""
    ));
    assert!(!same("lease renewed to 2m", "lease renewed to 3m"));
    assert!(!same("0.43 of 20.00 EUR", "0.44 of 20.00 EUR"));
    assert!(!same("ca_file = \"/a/ca.pem\"", "ca_file = \"/a/key.pem\""));
    assert!(!same(
        "demo-a-0-01M89XEJNTPBA209PNDKB79TA2",
        "demo-b-0-01M89XEJNTPBA209PNDKB79TA2"
    ));
}
