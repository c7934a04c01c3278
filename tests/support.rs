//! Processes that do not outlive their test, and a studio for them to work in.
//!
//! Tests wait for events, which the daemon logs as JSON lines, never for a time; each has a
//! deadline far beyond what it needs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_leasekeeper");
pub(crate) const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";
/// Far longer than any event takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// A process whose lines arrive as they are printed, and that does not outlive its test.
pub(crate) struct Running {
    child: Child,
    pub(crate) lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command, errors: bool) -> Self {
        command.stdin(Stdio::null());
        let piped = if errors {
            command.stderr(Stdio::piped()).stdout(Stdio::null())
        } else {
            command.stdout(Stdio::piped())
        };
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
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next line that holds a text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
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

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .expect("kill runs")
                .success()
        );
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// The exit status of a process that ends by itself.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
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
pub(crate) struct Studio {
    pub(crate) folder: TempDir,
    pub(crate) service: Running,
    pub(crate) endpoint: String,
}

/// Starts a session service whose account has the key in a file, and returns where it is.
pub(crate) fn serve(key: &Path, more: &[&str]) -> (Running, String) {
    let mut command = Command::new(BINARY);
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--boot-delay",
        "300ms",
        "--account",
    ]);
    command
        .arg(format!("{ACCOUNT}:{}", key.display()))
        .args(more);
    let mut service = Running::start(command, false);
    let line = service.wait_for("listening on ");
    let endpoint = line.trim_start_matches("listening on ").to_owned();
    (service, endpoint)
}

impl Studio {
    pub(crate) fn open() -> Self {
        Self::with_faults(&[])
    }

    /// A studio whose service goes wrong by these rules.
    pub(crate) fn with_faults(faults: &[&str]) -> Self {
        let rules: Vec<&str> = faults.iter().flat_map(|rule| ["--fault", *rule]).collect();
        Self::with_service(&rules)
    }

    /// A studio whose service has these flags.
    pub(crate) fn with_service(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        std::fs::write(&key, "right").expect("written");
        let (service, endpoint) = serve(&key, flags);
        Self {
            folder,
            service,
            endpoint,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a policy with one pool of these settings, and returns its path.
    pub(crate) fn policy(&self, pool: &str) -> PathBuf {
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

    pub(crate) fn daemon(&self, policy: &Path) -> Running {
        let mut command = Command::new(BINARY);
        command
            .args(["--log-format", "json", "run", "--policy"])
            .arg(policy);
        Running::start(command, true)
    }

    pub(crate) fn once(&self, policy: &Path) -> Output {
        Command::new(BINARY)
            .args(["run", "--once", "--policy"])
            .arg(policy)
            .output()
            .expect("it runs")
    }

    /// The service's own list, asked for by hand.
    pub(crate) fn sessions(&self, policy: &Path) -> Vec<Value> {
        let output = Command::new(BINARY)
            .args(["session", "--policy"])
            .arg(policy)
            .args(["list", "--format", "json"])
            .output();
        let output = output.expect("it runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What `status --format json` says.
    pub(crate) fn status(&self) -> Value {
        let output = self.ask(&["status", "--format", "json"]);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// A command that reads a policy, run to its end.
    pub(crate) fn command(&self, args: &[&str], policy: &Path) -> Output {
        Command::new(BINARY)
            .args(args)
            .arg("--policy")
            .arg(policy)
            .output()
            .expect("it runs")
    }

    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        let socket = self.path("control.sock");
        Command::new(BINARY)
            .arg("--socket")
            .arg(socket)
            .args(args)
            .output()
            .expect("it runs")
    }
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn id_of(line: &str) -> String {
    let value: Value = serde_json::from_str(line).expect("a JSON line");
    value["session"]
        .as_str()
        .expect("names a session")
        .to_owned()
}
