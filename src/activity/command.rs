//! A command that knows: exit status 0 says that the session is used.

use std::io::Error;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{Watched, filled};

/// How long a command may take; then it is killed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a command for a session, without a shell.
pub(super) async fn says_used(words: &[String], session: &Watched) -> Result<bool, Error> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(false);
    };
    let mut command = Command::new(program);
    command
        .args(arguments.iter().map(|a| filled(a, session)))
        .env("LEASEKEEPER_SESSION", session.id.as_str())
        .env("LEASEKEEPER_POOL", session.pool.as_str())
        .env(
            "LEASEKEEPER_HOSTNAME",
            session.hostname.as_deref().unwrap_or_default(),
        )
        .env(
            "LEASEKEEPER_PORT",
            session
                .ports
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(TIMEOUT, command.status()).await;
    let late = |_| Error::other(format!("it took longer than {} seconds", TIMEOUT.as_secs()));
    Ok(ended.map_err(late)??.success())
}
