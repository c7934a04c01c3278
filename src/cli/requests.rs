//! `touch`, `park`, `wake`, `release`: what people and clients ask of the daemon.

use crate::control::ControlClient;
use crate::control::api::{ChangeReply, ReleaseRequest, SlotDecision, SlotOutcome, TargetRequest};
use crate::keeper::HoldRef;
use crate::units::{ClientName, SessionId};

use super::client_name::given_or_own;
use super::error::{Failed, OutputError};
use super::{Format, output};

/// What is said of a change that is in memory only.
pub(super) const NOT_WRITTEN: &str = "not in the ledger yet, so a crash forgets it";

/// Reports use of a target.
pub(super) async fn touch(
    control: &ControlClient,
    target: String,
    format: Format,
) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.touch(&request).await?;
    Ok(show(&reply, format)?)
}

/// Keeps a target's slots empty.
pub(super) async fn park(
    control: &ControlClient,
    target: String,
    format: Format,
) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.park(&request).await?;
    if format == Format::Text {
        output::line(format_args!("{}: parked until it is woken", request.target))?;
    }
    Ok(show(&reply, format)?)
}

/// Lets a target's slots be filled again.
pub(super) async fn wake(
    control: &ControlClient,
    target: String,
    format: Format,
) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.wake(&request).await?;
    Ok(show(&reply, format)?)
}

/// Prints what changed at once, and what comes of it.
fn show(reply: &ChangeReply, format: Format) -> Result<u8, OutputError> {
    if format == Format::Json {
        output::json(reply)?;
        return Ok(0);
    }
    for event in &reply.events {
        output::line(event)?;
    }
    for session in &reply.used {
        output::line(format_args!("{session} counts as used now"))?;
    }
    for slot in &reply.slots {
        output::line(outcome(slot))?;
    }
    if let Some(why) = &reply.unwritten {
        output::note(format!("{NOT_WRITTEN}: {why}"));
    }
    Ok(0)
}

/// What is decided about a slot, as a sentence.
fn outcome(slot: &SlotOutcome) -> String {
    let session = slot
        .session
        .as_ref()
        .map_or("its session", SessionId::as_str);
    let decided = match slot.decision {
        SlotDecision::Create => "a session is started".to_owned(),
        SlotDecision::Extend | SlotDecision::Keep => format!("{session} stays"),
        SlotDecision::Stop => format!("{session} is stopped"),
        SlotDecision::Parked | SlotDecision::Empty => "stays empty".to_owned(),
    };
    format!("{}: {decided}; {}", slot.slot, slot.why)
}

/// Gives a session, or a place in the queue, back.
pub(super) async fn release(
    control: &ControlClient,
    held: &str,
    client: Option<ClientName>,
    format: Format,
) -> Result<u8, Failed> {
    let (held, client) = (held.parse::<HoldRef>()?, given_or_own(client)?);
    let (hold, session) = match held.clone() {
        HoldRef::Hold(hold) => (Some(hold), None),
        HoldRef::Session(session) => (None, Some(session)),
    };
    let request = ReleaseRequest {
        hold,
        session,
        client,
    };
    let reply = control.release(&request).await?;
    Ok(show(&reply, format)?)
}
