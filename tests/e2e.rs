//! The built binary against a real session service over sockets: started, killed, restarted, misled.
//!
//! Tests wait for events, which the daemon logs as JSON lines, never for a time; each has a deadline far beyond what it
//! needs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_leasekeeper");
const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";
/// Far longer than any event takes.
const DEADLINE: Duration = Duration::from_secs(90);

/// A process whose lines arrive as they are printed, and that does not outlive its test.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(mut command: Command, errors: bool) -> Self {
        command.stdin(Stdio::null());
        let piped =
            if errors { command.stderr(Stdio::piped()).stdout(Stdio::null()) } else { command.stdout(Stdio::piped()) };
        let mut child = piped.spawn().expect("the binary starts");
        let (sender, lines) = channel();
        let source: Box<dyn std::io::Read + Send> = match errors {
            true => Box::new(child.stderr.take().expect("piped")),
            false => Box::new(child.stdout.take().expect("piped")),
        };
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// The next line that holds a text.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {text:?} in:\n{}", self.seen.join("\n")),
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let code = self.child.wait().expect("it ends").code();
        self.seen.extend(self.lines.iter());
        (code, self.seen.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session service and a folder for a daemon that speaks to it.
struct Studio {
    folder: TempDir,
    _service: Running,
    endpoint: String,
}

impl Studio {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        std::fs::write(&key, "right").expect("written");
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--boot-delay", "300ms", "--account"]);
        command.arg(format!("{ACCOUNT}:{}", key.display()));
        let mut service = Running::start(command, false);
        let line = service.wait_for("listening on ");
        let endpoint = line.trim_start_matches("listening on ").to_owned();
        Self { folder, _service: service, endpoint }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a policy with one pool of these settings, and returns its path.
    fn policy(&self, pool: &str) -> PathBuf {
        let (dir, endpoint) = (self.folder.path().display(), &self.endpoint);
        let text = format!(
            r#"
owner = "st"
ledger = "{dir}/ledger.db"
[service]
endpoint = "{endpoint}"
account_id = "{ACCOUNT}"
timeout = "3s"
[auth]
method = "account-key"
key_file = "{dir}/key"
[control]
socket = "{dir}/control.sock"
[reconcile]
interval = "1s"
[prices]
standard = "6"
[budget]
daily = "100"
[[pool]]
name = "a"
{pool}
"#
        );
        let path = self.path("policy.toml");
        std::fs::write(&path, text).expect("written");
        path
    }

    fn daemon(&self, policy: &Path) -> Running {
        let mut command = Command::new(BINARY);
        command.args(["--log-format", "json", "run", "--policy"]).arg(policy);
        Running::start(command, true)
    }

    fn once(&self, policy: &Path) -> Output {
        Command::new(BINARY).args(["run", "--once", "--policy"]).arg(policy).output().expect("it runs")
    }

    /// The service's own list, asked for by hand.
    fn sessions(&self, policy: &Path) -> Vec<Value> {
        let output =
            Command::new(BINARY).args(["session", "--policy"]).arg(policy).args(["list", "--format", "json"]).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn ask(&self, args: &[&str]) -> Output {
        let socket = self.path("control.sock");
        Command::new(BINARY).arg("--socket").arg(socket).args(args).output().expect("it runs")
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn id_of(line: &str) -> String {
    let value: Value = serde_json::from_str(line).expect("a JSON line");
    value["session"].as_str().expect("names a session").to_owned()
}

#[test]
fn a_session_is_created_ready_renewed_and_stopped_when_idle() {
    let studio = Studio::open();
    let policy = studio.policy("lease = \"1m\"\nidle_timeout = \"40s\"");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("creating a Standard session, lease 1m"));
    assert_eq!(id_of(&daemon.wait_for("Ready after")), id);
    let status = said(&studio.ask(&["status"]));
    assert!(status.contains("a/0") && status.contains("Ready"), "{status}");
    assert_eq!(studio.ask(&["plan"]).status.code(), Some(0));
    assert_eq!(id_of(&daemon.wait_for("lease renewed to 2m")), id);
    assert_eq!(id_of(&daemon.wait_for("stopping: idle since")), id);
    assert_eq!(id_of(&daemon.wait_for("ended Stopped after 0m billed")), id);
    daemon.wait_for("parked: idle");
    let why = said(&studio.ask(&["why", "a/0"]));
    assert!(why.contains("lease renewed to 2m") && why.contains("stopping: idle since"), "{why}");
    assert!(said(&studio.ask(&["spend", "--by", "session"])).contains(&id));
    assert!(said(&studio.ask(&["touch", "a"])).contains("woken by a client"));
    assert_ne!(id_of(&daemon.wait_for("Ready after")), id);
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("left running (Ready); it ends by itself by"), "{log}");
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
        // Both sessions are there, Ready and accounted for, whoever asked for them; and never a third.
        let began = std::time::Instant::now();
        loop {
            daemon.lines.recv_timeout(Duration::from_millis(100)).ok();
            let sessions = studio.sessions(&policy);
            assert!(sessions.len() <= 2, "{sessions:?}");
            let spend = said(&studio.ask(&["spend", "--by", "session", "--format", "json"]));
            let accounted = |s: &Value| s["status"] == "Ready" && spend.contains(s["id"].as_str().expect("an id"));
            if sessions.len() == 2 && sessions.iter().all(accounted) {
                break;
            }
            assert!(began.elapsed() < DEADLINE, "killed after {step:?}: {sessions:?}\n{spend}");
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
    assert!(output.contains("adopted: ") && output.contains("not ours and left alone"), "{output}");
    assert!(!output.contains("creating"), "{output}");
    assert_eq!(studio.sessions(&policy).len(), 2);
}

#[test]
fn a_pass_with_nothing_to_do_says_nothing() {
    let studio = Studio::open();
    let policy = studio.policy("min = 0");
    let output = studio.once(&policy);
    let lines: Vec<String> =
        said(&output).lines().filter(|l| !l.contains("keeping 1 pool")).map(String::from).collect();
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
        text.contains("the account key was refused") && text.contains("MS-CV") && !text.contains("wrong"),
        "{text}"
    );
    let dead = std::fs::read_to_string(&policy).expect("there").replace(&studio.endpoint, "http://127.0.0.1:1");
    std::fs::write(&policy, dead).expect("written");
    let text = said(&studio.once(&policy));
    assert!(text.contains("cannot reach http://127.0.0.1:1: ") && text.contains("is the service running"), "{text}");
}

#[test]
fn a_second_daemon_on_the_same_ledger_is_refused() {
    let studio = Studio::open();
    let policy = studio.policy("");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let output = studio.once(&policy);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("another leasekeeper (pid"), "{}", said(&output));
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
    assert!(status.contains("a/0") && status.contains("Ready"), "{status}");
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
    assert!(said(&output).contains("did you mean `lease`?"), "{}", said(&output));
    let check = Command::new(BINARY).arg("check").arg(&policy).output().expect("it runs");
    assert_eq!(check.status.code(), Some(1));
    assert!(!studio.path("ledger.db").exists());
}

#[test]
fn the_control_socket_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("min = 0"));
    daemon.wait_for("control socket");
    let mode = std::fs::metadata(studio.path("control.sock")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn with_the_embedded_service_nothing_is_left_running_and_the_account_is_settled() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display();
    let policy = folder.path().join("policy.toml");
    let text = format!(
        "owner = \"st\"\nledger = \"{dir}/ledger.db\"\ncontrol = {{ socket = \"{dir}/control.sock\" }}\n\
         reconcile = {{ interval = \"1s\" }}\nservice = {{ embedded = true, boot_delay = \"100ms\" }}\n[[pool]]\nname = \"a\"\n"
    );
    std::fs::write(&policy, text).expect("written");
    let mut command = Command::new(BINARY);
    command.args(["--log-format", "json", "run", "--policy"]).arg(&policy);
    let mut daemon = Running::start(command, true);
    daemon.wait_for("Ready after");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("ended Stopped after 0m billed") && log.contains("ended; nothing is left running"), "{log}");
}
