//! `session`: the service by hand.
//!
//! It speaks to the service itself, not to the daemon, and knows no policy rule: what it creates is
//! not kept, and what it stops may be created again by a daemon whose policy wants it.

mod error;
mod lease;
mod show;
mod wait;

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::clock::Clock;
use crate::connect::connect;
use crate::service::Service;
use crate::units::{SessionId, Size};

use super::by_hand::ByHand;
use super::error::Failed;
use super::{Format, output};
use error::SessionError;
use lease::lease_of;
use wait::until_settled;

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
        /// Ask again until it is Ready or has ended
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
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Set a session's total lease, counted from Ready; it does not add
    Extend {
        /// The session's id; asked for when missing
        id: Option<String>,
        /// The new total, as 90m, 1h30m or hh:mm:ss
        #[arg(long)]
        lease: String,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Stop a session
    Stop {
        /// The session's id; asked for when missing
        id: Option<String>,
        /// Wait until the service reports its end
        #[arg(long)]
        wait: bool,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

/// Runs one `session` command.
pub(super) async fn session(args: SessionArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let policy = args.service.policy().map_err(SessionError::NoService)?;
    let service = connect(&policy, clock.clone()).map_err(SessionError::Connect)?;
    let refused = SessionError::Service;
    match args.what {
        SessionCommand::List { format } => {
            let listing = service.list().await.map_err(refused)?;
            for (region, why) in &listing.unreachable {
                output::note(format_args!("{region} is not in this list: {why}"));
            }
            show::list(&listing.sessions, format)?;
        }
        SessionCommand::Show { id, wait, format } => {
            let id = id_or_ask(id)?;
            let answer = if wait {
                until_settled(&service, &*clock, &id, false).await?
            } else {
                service.get(None, &id).await.map_err(refused)?
            };
            show::one(&answer.session, format)?;
        }
        SessionCommand::Create {
            id,
            size,
            lease,
            wait,
            format,
        } => {
            let id = id.unwrap_or_else(|| format!("by-hand-{:016x}", fastrand::u64(..)));
            let id = SessionId::new(&id)?;
            let size = size.map_or(policy.pools[0].size.clone(), Size::from);
            let lease = lease.map_or(Ok(policy.pools[0].lease), |text| lease_of(&text))?;
            let created = service.create(None, &id, &size, lease).await;
            let mut answer = created.map_err(refused)?;
            if format == Format::Text {
                output::line(&id)?;
            }
            if wait {
                answer = until_settled(&service, &*clock, &id, false).await?;
            }
            if wait || format == Format::Json {
                show::one(&answer.session, format)?;
            }
        }
        SessionCommand::Extend { id, lease, format } => {
            let (id, lease) = (id_or_ask(id)?, lease_of(&lease)?);
            let answer = service.extend(None, &id, lease).await.map_err(refused)?;
            show::one(&answer.session, format)?;
        }
        SessionCommand::Stop { id, wait, format } => {
            let id = id_or_ask(id)?;
            service.stop(None, &id).await.map_err(refused)?;
            if wait {
                let answer = until_settled(&service, &*clock, &id, true).await?;
                show::one(&answer.session, format)?;
            } else if format == Format::Json {
                output::json(&json!({ "id": id, "accepted": true }))?;
            } else {
                output::line(format_args!("stop of {id} accepted"))?;
            }
        }
    }
    Ok(0)
}

/// The id given, or the one that a person at the terminal types.
fn id_or_ask(id: Option<String>) -> Result<SessionId, SessionError> {
    if let Some(id) = id {
        return Ok(SessionId::new(&id)?);
    }
    if !std::io::stdin().is_terminal() {
        return Err(SessionError::NoId);
    }
    // Whoever cannot be asked can still answer.
    let _ = write!(std::io::stderr(), "session id: ");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.map_err(SessionError::Read)?;
    Ok(SessionId::new(line.trim())?)
}
