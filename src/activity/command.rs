//! A command that knows: exit status 0 says that the session is used, 1 to 125 that it is not.
//!
//! Everything else says nothing: a program that cannot be started, a shell that cannot find or
//! start one (126, 127), an end by a signal. Promise: whatever a command has started ends with the
//! look, for it runs in a process group of its own that is ended as a whole. Only what has left
//! that group by its own will (`setsid`) escapes.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::keeper::Evidence;

use super::source::{LookError, Seen, Source, Watched, filled};

/// A shell's words for a command that cannot be started, that is not found, or that a signal ended.
const FIRST_UNKNOWN: i32 = 126;

/// A command, started without a shell.
pub(super) struct CommandSource {
    words: Vec<String>,
}

impl CommandSource {
    pub(super) fn new(words: &[String]) -> Self {
        Self {
            words: words.to_vec(),
        }
    }
}

/// A command of the policy about a session, ready to be run without a shell in a process group of
/// its own; `None` where it has no words. What it prints is lost.
pub fn command_about(words: &[String], session: &Watched) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let port = session.ports.first().map(ToString::to_string);
    let mut command = Command::new(program);
    command
        .args(arguments.iter().map(|a| filled(a, session)))
        .env("LEASEKEEPER_SESSION", session.id.as_str())
        .env("LEASEKEEPER_POOL", session.pool.as_str())
        .env(
            "LEASEKEEPER_HOSTNAME",
            session.hostname.as_deref().unwrap_or_default(),
        )
        .env("LEASEKEEPER_PORT", port.unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    Some(command)
}

/// Runs a command to its end. Whatever it has started ends with this, also where this is dropped.
///
/// # Errors
/// If it cannot be started or waited for.
pub async fn run_group(command: &mut Command) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let _group = Group(pid.and_then(Pid::from_raw));
    child.wait().await
}

/// The process group of a command, which ends with this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        // Where nothing of it is left there is nothing to end.
        let _ = self.0.map(|group| kill_process_group(group, Signal::KILL));
    }
}

#[async_trait::async_trait]
impl Source for CommandSource {
    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        let failed = |source| LookError::Io {
            doing: format!("cannot run {}", self.words.join(" ")),
            source,
        };
        let Some(mut command) = command_about(&self.words, session) else {
            return Err(LookError::NoAnswer("the command has no words".into()));
        };
        said(run_group(&mut command).await.map_err(failed)?)
    }
}

/// What an exit status says.
fn said(ended: ExitStatus) -> Result<Seen, LookError> {
    match ended.code() {
        Some(status @ 0) => Ok(Seen::Used(Some(Evidence::Exited { status }))),
        Some(status) if status < FIRST_UNKNOWN => {
            Ok(Seen::Unused(Some(Evidence::Exited { status })))
        }
        _ => Err(LookError::NoAnswer(format!("it ended with {ended}"))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::unix::pipe;

    use super::super::testing::{look, watched};
    use super::*;
    use crate::policy::ActivitySource;

    fn command(words: &[&str]) -> ActivitySource {
        ActivitySource::Command(words.iter().map(|w| (*w).to_owned()).collect())
    }

    #[tokio::test]
    async fn success_is_use_failure_is_silence_and_everything_else_says_nothing() {
        let says = async |words: &[&str]| look(&command(words), &watched(7)).await.ok();
        let exited = |status| Some(Evidence::Exited { status });
        let used = Some(Seen::Used(exited(0)));
        let unused = |status| Some(Seen::Unused(exited(status)));
        assert_eq!(says(&["true"]).await, used);
        assert_eq!(says(&["false"]).await, unused(1));
        assert_eq!(says(&["sh", "-c", "exit 125"]).await, unused(125));
        for broken in [
            &["/no/such/command"][..],
            &["sh", "-c", "no-such-tool"],
            &["sh", "-c", "exit 126"],
            &["sh", "-c", "kill -9 $$"],
        ] {
            assert_eq!(says(broken).await, None, "{broken:?}");
        }
        let asks = "test \"$LEASEKEEPER_POOL/$1\" = a/st-a-0-x && test \"$LEASEKEEPER_PORT\" = 7";
        let told = says(&["sh", "-c", asks, "sh", "{session}"]).await;
        assert_eq!(told, used);
    }

    /// A command that writes a line, and whose child holds a FIFO open for as long as it lives.
    fn leaves_a_child(folder: &std::path::Path, then: &str) -> (CommandSource, pipe::Receiver) {
        let fifo = folder.join("alive");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo runs").success());
        let reader = pipe::OpenOptions::new().open_receiver(&fifo);
        let script = format!(
            "exec 3> {}; sleep 777 & echo up >&3; {then}",
            fifo.display()
        );
        let words = ["sh", "-c", &script].map(str::to_owned);
        (CommandSource::new(&words), reader.expect("opens"))
    }

    #[tokio::test]
    async fn what_a_command_started_ends_with_a_look_that_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, mut alive) = leaves_a_child(folder.path(), "wait");
        let session = watched(1);
        let mut line = [0; 3];
        tokio::select! {
            seen = source.look(&session) => panic!("{seen:?}"),
            read = alive.read_exact(&mut line) => drop(read.expect("the child is up")),
        }
        // The end of the file comes when the last writer has ended.
        assert_eq!(alive.read(&mut line).await.expect("reads"), 0);
    }

    #[tokio::test]
    async fn what_a_command_left_behind_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, mut alive) = leaves_a_child(folder.path(), "exit 0");
        let looked = source.look(&watched(1)).await.expect("an answer");
        assert!(matches!(looked, Seen::Used(_)), "{looked:?}");
        let mut rest = Vec::new();
        alive.read_to_end(&mut rest).await.expect("ends");
    }
}
