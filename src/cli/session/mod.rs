//! `session`: the service by hand.
//!
//! It speaks to the service itself, not to the daemon, and knows no policy rule: what it creates is
//! not kept, and what it stops may be created again by a daemon whose policy wants it.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::clock::Clock;
use crate::keeper::{Session, SessionReading, Status};
use crate::service::{Service, ServiceError};
use crate::units::{BadId, Minutes, SessionId, Size, Span};

use crate::connect::{ConnectError, connect};
use crate::policy::minutes_of_clock_text;

use super::Format;
use super::by_hand::{ByHand, NoService};

/// The pause between two looks at a Standard session that boots.
const POLL_STANDARD: Span = Span::seconds(2);
/// The pause between two looks at any other session that boots: larger servers take longer.
const POLL_OTHER: Span = Span::seconds(10);
/// The longest that `--wait` waits.
const LONGEST_WAIT: Span = Span::minutes(30);

/// Speak to the session service by hand.
#[derive(Debug, Args)]
pub(super) struct SessionArgs {
    #[command(flatten)]
    service: ByHand,
    #[command(subcommand)]
    what: SessionCommand,
}

#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// List the sessions that are Starting or Ready
    List {
        /// How to print them
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show one session, live or ended
    Show {
        /// The session's id; asked for when missing
        id: Option<String>,
        /// SessionQuery again until it is Ready or has ended
        #[arg(long, visible_alias = "poll")]
        wait: bool,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Create a session and print its id
    ///
    /// A session made by hand is not kept by any daemon: it ends when its lease does. With --wait
    /// the command ends when the session is Ready (exit status 0) or has ended (exit status 1).
    Create {
        /// Its id; drawn at random when missing
        #[arg(long)]
        id: Option<String>,
        /// standard or premium
        #[arg(long)]
        size: Option<String>,
        /// Lease from Ready on, as 20m, 1h30m or hh:mm:ss
        #[arg(long)]
        lease: Option<String>,
        /// Wait until it is Ready, showing progress
        #[arg(long)]
        wait: bool,
    },
    /// Set a session's total lease, counted from Ready; it does not add
    Extend {
        /// The session's id; asked for when missing
        id: Option<String>,
        /// The new total, as 90m, 1h30m or hh:mm:ss
        #[arg(long)]
        lease: String,
    },
    /// Stop a session
    Stop {
        /// The session's id; asked for when missing
        id: Option<String>,
        /// Wait until the service reports its end
        #[arg(long)]
        wait: bool,
    },
}

/// Why a `session` command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// Which service is not known.
    #[error(transparent)]
    NoService(#[from] NoService),
    /// The service cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service refused.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// An id that cannot be one.
    #[error(transparent)]
    Id(#[from] BadId),
    /// A length of time that cannot be read.
    #[error("{text:?} is not a lease; write it like 20m, 1h30m or 01:30:00, in whole minutes")]
    Lease {
        /// What was written.
        text: String,
    },
    /// No id was given, and nobody is there to be asked.
    #[error("no session id was given; name one, as in `leasekeeper session show ID`")]
    NoId,
    /// The session ended while it was waited for.
    #[error("session {id} is {status}{}", error.as_ref().map(|e| format!(": {e}")).unwrap_or_default())]
    Ended {
        /// The session.
        id: SessionId,
        /// How it ended.
        status: Status,
        /// The service's error.
        error: Option<String>,
    },
    /// It was waited for too long.
    #[error(
        "session {id} is still {status} after {LONGEST_WAIT}; `leasekeeper session show {id}` tells how it goes on"
    )]
    TooLong {
        /// The session.
        id: SessionId,
        /// Where it is.
        status: Status,
    },
    /// Standard output or input failed.
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
}

/// Runs one `session` command.
///
/// # Errors
/// If the service cannot be reached, refuses, or the session waited for ends.
pub(super) async fn session(args: SessionArgs, clock: Arc<dyn Clock>) -> Result<(), SessionError> {
    let policy = args.service.policy()?;
    let service = &connect(&policy, clock.clone())?;
    let mut out = std::io::stdout().lock();
    match args.what {
        SessionCommand::List { format } => {
            let listing = service.list().await?;
            for (region, why) in &listing.unreachable {
                eprintln!("{region} is not in this list: {why}");
            }
            print_list(&mut out, &listing.sessions, format)?;
        }
        SessionCommand::Show { id, wait, format } => {
            let id = id_or_ask(id)?;
            let answer = if wait {
                until_settled(service, &*clock, &id, false).await?
            } else {
                service.get(None, &id).await?
            };
            print_one(&mut out, &answer.session, format)?;
        }
        SessionCommand::Create {
            id,
            size,
            lease,
            wait,
        } => {
            let id = SessionId::new(
                &id.unwrap_or_else(|| format!("by-hand-{:016x}", fastrand::u64(..))),
            )?;
            let size = size.map_or(policy.pools[0].size.clone(), Size::from);
            let lease = lease.map_or(Ok(policy.pools[0].lease), |text| lease_of(&text))?;
            service.create(None, &id, &size, lease).await?;
            writeln!(out, "{id}")?;
            if wait {
                let answer = until_settled(service, &*clock, &id, false).await?;
                print_one(&mut out, &answer.session, Format::Text)?;
            }
        }
        SessionCommand::Extend { id, lease } => {
            let answer = service
                .extend(None, &id_or_ask(id)?, lease_of(&lease)?)
                .await?;
            print_one(&mut out, &answer.session, Format::Text)?;
        }
        SessionCommand::Stop { id, wait } => {
            let id = id_or_ask(id)?;
            service.stop(None, &id).await?;
            if wait {
                let answer = until_settled(service, &*clock, &id, true).await?;
                print_one(&mut out, &answer.session, Format::Text)?;
            } else {
                writeln!(out, "stop of {id} accepted")?;
            }
        }
    }
    Ok(())
}

/// The id given, or the one that a person at the terminal types.
fn id_or_ask(id: Option<String>) -> Result<SessionId, SessionError> {
    if let Some(id) = id {
        return Ok(SessionId::new(&id)?);
    }
    if !std::io::stdin().is_terminal() {
        return Err(SessionError::NoId);
    }
    eprint!("session id: ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(SessionId::new(line.trim())?)
}

/// Reads `20m`, `1h30m` or `hh:mm:ss`, in whole minutes.
fn lease_of(text: &str) -> Result<Minutes, SessionError> {
    let bad = || SessionError::Lease { text: text.into() };
    if text.contains(':') {
        return minutes_of_clock_text(text).ok_or_else(bad);
    }
    let span: Span = text.parse().map_err(|_| bad())?;
    let minutes = span.floor_minutes();
    (minutes.span() == span).then_some(minutes).ok_or_else(bad)
}

/// Looks until a session is Ready (or, if it is to end, has ended), showing progress on a terminal.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at a service that cannot call back"
)]
async fn until_settled<S: Service>(
    service: &S,
    clock: &dyn Clock,
    id: &SessionId,
    ending: bool,
) -> Result<SessionReading, SessionError> {
    let begun = clock.now();
    let progress = std::io::stderr().is_terminal();
    loop {
        let answer = service.get(None, id).await?;
        let session = &answer.session;
        let waited = clock.now() - begun;
        let settled =
            session.status.is_terminal() || (!ending && session.status != Status::Starting);
        if progress {
            eprint!(
                "\r{} for {}   ",
                session.status,
                Span::seconds(waited.as_secs())
            );
            if settled {
                eprintln!();
            }
        }
        if session.status.is_terminal() && !ending {
            return Err(SessionError::Ended {
                id: id.clone(),
                status: session.status.clone(),
                error: session.error.clone(),
            });
        }
        if settled {
            return Ok(answer);
        }
        if waited > LONGEST_WAIT {
            return Err(SessionError::TooLong {
                id: id.clone(),
                status: session.status.clone(),
            });
        }
        let pause = if session.size == Size::Standard {
            POLL_STANDARD
        } else {
            POLL_OTHER
        };
        tokio::time::sleep(pause.to_std()).await;
    }
}

fn print_list(out: &mut impl Write, sessions: &[Session], format: Format) -> std::io::Result<()> {
    if format == Format::Json {
        return json(out, &sessions);
    }
    if sessions.is_empty() {
        return writeln!(out, "no session is Starting or Ready");
    }
    let width = sessions
        .iter()
        .map(|s| s.id.as_str().len())
        .max()
        .unwrap_or(0);
    writeln!(
        out,
        "{:width$}  STATUS    SIZE      ELAPSED  LEASE  HOST",
        "SESSION"
    )?;
    for s in sessions {
        let host = s.hostname.as_deref().unwrap_or("-");
        let (elapsed, lease) = (s.elapsed.to_string(), s.max_lease.to_string());
        writeln!(
            out,
            "{:width$}  {:8}  {:8}  {elapsed:>7}  {lease:>5}  {host}",
            s.id, s.status, s.size
        )?;
    }
    Ok(())
}

fn print_one(out: &mut impl Write, s: &Session, format: Format) -> std::io::Result<()> {
    if format == Format::Json {
        return json(out, s);
    }
    let mut line = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "{name:10}{value}"),
        None => Ok(()),
    };
    line("session", Some(s.id.to_string()))?;
    line("status", Some(s.status.to_string()))?;
    line("size", Some(s.size.to_string()))?;
    line("elapsed", Some(s.elapsed.to_string()))?;
    line("lease", Some(s.max_lease.to_string()))?;
    line("created", s.created.map(|at| at.to_string()))?;
    line("hostname", s.hostname.clone())?;
    line("handshake", s.handshake_port.map(|p| format!("port {p}")))?;
    line("inspector", s.inspector_port.map(|p| format!("port {p}")))?;
    line("teraflops", s.teraflops.clone())?;
    line("error", s.error.clone())
}

fn json(out: &mut impl Write, value: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_reads_as_people_and_the_sample_script_write_it() {
        for (text, minutes) in [
            ("20m", 20),
            ("1h30m", 90),
            ("01:30:00", 90),
            ("00:05:00", 5),
            ("24:00:00", 1440),
        ] {
            assert_eq!(lease_of(text).expect(text), Minutes::new(minutes), "{text}");
        }
        for bad in ["", "20", "90s", "1:2", "00:00:30", "99:00:00", "x"] {
            assert!(lease_of(bad).is_err(), "{bad}");
        }
    }
}
