//! `acquire`: holds a session for a client, or waits in the queue for one.

use clap::Args;
use indicatif::ProgressBar;
use tokio::sync::mpsc::Receiver;

use crate::clock::Clock;
use crate::control::api::{AcquireReply, AcquireRequest, ProblemCode, ReleaseRequest, WarningView};
use crate::control::{CallError, ControlClient};
use crate::daemon::{Signal, listen};
use crate::keeper::Address;
use crate::units::{ClientName, HoldId, PoolName, SessionId, Size, Span, TeamName};

use super::client_name::given_or_own;
use super::error::{Failed, OutputError};
use super::requests::NOT_WRITTEN;
use super::{Format, output};

/// The exit statuses of `acquire`, besides 0, 1 and 2.
pub(super) const EXIT_STATUS: &str = "Exit status: 0 a session is held; 1 error; 2 the command \
    line is wrong; 3 none is free, and the client has a place in the queue; 4 the schedule is \
    closed; 5 the pool is parked by hand; 6 a budget allows none; 7 the pool has no slots; 8 the \
    team has as many sessions as it may.";

const WAITING: u8 = 3;
const CLOSED: u8 = 4;
const PARKED: u8 = 5;
const BUDGET: u8 = 6;
const NO_SLOTS: u8 = 7;
const TEAM_FULL: u8 = 8;

/// What a terminal shows while a client waits.
const PROGRESS: &str = "{spinner} {elapsed} {wide_msg}";

/// How often a client that waits asks again: often enough to keep its turn, which is a minute long.
const ASK_EVERY: Span = Span::seconds(2);

/// What to hold, for whom, and how long to wait for it.
#[derive(Args, Debug)]
pub(super) struct AcquireArgs {
    /// The pool
    pool: PoolName,
    /// The client's name for itself [default: USER@MACHINE]
    #[arg(long)]
    client: Option<ClientName>,
    /// The team that it counts to, where it is not the one whose member the client is
    #[arg(long)]
    team: Option<TeamName>,
    /// The size of the session, one of the pool's [default: any of them]
    #[arg(long, value_parser = size)]
    size: Option<Size>,
    /// Wait for so long where none is free: 90s, 10m, 1h
    #[arg(long, value_name = "SPAN")]
    wait: Option<Span>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A size by the service's own word for it, in any case.
fn size(word: &str) -> Result<Size, std::convert::Infallible> {
    Ok(Size::from(word.to_owned()))
}

/// Signals cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen to signals")]
struct SignalsError(#[source] std::io::Error);

impl crate::report::Hint for SignalsError {}

/// Holds a session and prints its id, where it is, and the id of the hold.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two questions to a daemon that cannot call back"
)]
pub(super) async fn acquire(
    control: &ControlClient,
    args: AcquireArgs,
    clock: &dyn Clock,
) -> Result<u8, Failed> {
    let AcquireArgs {
        pool,
        client,
        team,
        size,
        wait,
        format,
    } = args;
    let client = given_or_own(client)?;
    let request = AcquireRequest {
        pool,
        client,
        team,
        size,
    };
    let deadline = clock.now() + wait.unwrap_or_default();
    let mut signals: Option<Receiver<Signal>> = None;
    let mut place = Place::new();
    loop {
        let reply = control.acquire(&request).await.map_err(refused)?;
        let last = clock.now() + ASK_EVERY > deadline;
        if format == Format::Json && (last || matches!(reply, AcquireReply::Ready { .. })) {
            output::json(&reply)?;
        }
        let hold = match &reply {
            AcquireReply::Ready { .. } => return Ok(given(reply, format)?),
            AcquireReply::Waiting { hold, .. } => *hold,
        };
        place.tell(&reply);
        if last {
            output::note("ask again within a minute to keep the place");
            return Ok(WAITING);
        }
        // Only who waits has something to give up.
        let signals = match &mut signals {
            Some(signals) => signals,
            none => none.insert(listen().map_err(SignalsError)?),
        };
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY.to_std()) => {}
            _ = signals.recv() => return give_up(control, hold, request.client).await,
        }
    }
}

/// What a client is told of its place while it waits: one line that changes on a terminal, and
/// elsewhere a line for each change.
struct Place {
    progress: ProgressBar,
    said: String,
}

impl Place {
    fn new() -> Self {
        Self {
            progress: output::progress(PROGRESS, 0),
            said: String::new(),
        }
    }

    fn tell(&mut self, reply: &AcquireReply) {
        let AcquireReply::Waiting { place, why, .. } = reply else {
            return;
        };
        let says = format!("place {place} in the queue: {why}");
        self.progress.set_message(says.clone());
        self.progress.tick();
        if self.progress.is_hidden() && self.said != says {
            output::note(&says);
            self.said = says;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.progress.finish_and_clear();
    }
}

/// Prints a session that is held, and what its client should know of it.
fn given(reply: AcquireReply, format: Format) -> Result<u8, OutputError> {
    let AcquireReply::Ready {
        hold,
        session,
        address,
        unwritten,
        warning,
        ..
    } = reply
    else {
        return Ok(WAITING);
    };
    if let Some(WarningView { at, by, .. }) = warning {
        output::note(format!(
            "the hold ends at {at}: {by}; `leasekeeper snooze` asks to stay"
        ));
    }
    if let Some(why) = unwritten {
        output::note(format!("{NOT_WRITTEN}: {why}"));
    }
    match format {
        Format::Text => show(hold, &session, address),
        Format::Json => Ok(0),
    }
}

async fn give_up(control: &ControlClient, hold: HoldId, client: ClientName) -> Result<u8, Failed> {
    let (hold, session) = (Some(hold), None);
    let request = ReleaseRequest {
        hold,
        session,
        client,
    };
    control.release(&request).await?;
    output::note("interrupted; the place in the queue is given up");
    Ok(WAITING)
}

fn show(hold: HoldId, session: &SessionId, address: Address) -> Result<u8, OutputError> {
    output::line(session)?;
    let port = address.ports.main().map(|port| format!(":{port}"));
    output::line(address.hostname + &port.unwrap_or_default())?;
    output::line(hold)?;
    Ok(0)
}

/// Why there is no session, with the exit status that tells it.
fn refused(error: CallError) -> Failed {
    let code = match &error {
        CallError::Refused(problem) => match problem.code {
            ProblemCode::Closed => CLOSED,
            ProblemCode::Parked => PARKED,
            ProblemCode::Budget => BUDGET,
            ProblemCode::NoSlots => NO_SLOTS,
            ProblemCode::TeamFull => TEAM_FULL,
            _ => 1,
        },
        _ => 1,
    };
    Failed::with_code(code, error)
}
