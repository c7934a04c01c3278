//! `touch`, `park`, `wake`, `release`: what people and clients ask of the daemon.

use crate::control::ControlClient;
use crate::control::api::{ChangeReply, ReleaseRequest, TargetRequest};
use crate::keeper::HoldRef;

use super::error::{Failed, OutputError};
use super::output;

/// Reports use of a target.
pub(super) async fn touch(control: &ControlClient, target: String) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.touch(&request).await?;
    Ok(show(&reply, &request.target, "counted as used now")?)
}

/// Keeps a target's slots empty.
pub(super) async fn park(control: &ControlClient, target: String) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.park(&request).await?;
    let done = "parked; its sessions are stopped, and it stays empty until it is woken";
    Ok(show(&reply, &request.target, done)?)
}

/// Lets a target's slots be filled again.
pub(super) async fn wake(control: &ControlClient, target: String) -> Result<u8, Failed> {
    let request = TargetRequest { target };
    let reply = control.wake(&request).await?;
    Ok(show(&reply, &request.target, "woken")?)
}

/// Prints what changed at once, or else what was asked for.
fn show(reply: &ChangeReply, target: &str, done: &str) -> Result<u8, OutputError> {
    for event in &reply.events {
        output::line(event)?;
    }
    if reply.events.is_empty() {
        output::line(format_args!("{target}: {done}"))?;
    }
    Ok(0)
}

/// Gives a session, or a place in the queue, back.
pub(super) async fn release(
    control: &ControlClient,
    held: &str,
    client: &str,
) -> Result<u8, Failed> {
    let (held, client) = (held.parse::<HoldRef>()?, client.parse()?);
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
    Ok(show(&reply, &held.to_string(), "released")?)
}
