//! `touch`, `park`, `wake`, `acquire`, `release`: what people and clients ask of the daemon.

use crate::control::ControlClient;
use crate::control::api::{
    AcquireReply, AcquireRequest, ChangeReply, ReleaseRequest, TargetRequest,
};
use crate::units::{PoolName, SessionId};

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

/// Holds a session and prints where it is. Exit status 1 while none is Ready.
pub(super) async fn acquire(
    control: &ControlClient,
    pool: &str,
    client: &str,
) -> Result<u8, Failed> {
    let (pool, client) = (pool.parse::<PoolName>()?, client.parse()?);
    let reply = control.acquire(&AcquireRequest { pool, client }).await?;
    let AcquireReply::Ready { session, address } = reply else {
        output::note("none is Ready yet; one is on its way, ask again in a moment");
        return Ok(1);
    };
    output::line(session)?;
    if let Some(address) = address {
        let port = address.ports.main().map(|port| format!(":{port}"));
        output::line(address.hostname + &port.unwrap_or_default())?;
    }
    Ok(0)
}

/// Gives a session back.
pub(super) async fn release(
    control: &ControlClient,
    session: &str,
    client: &str,
) -> Result<u8, Failed> {
    let (session, client) = (session.parse::<SessionId>()?, client.parse()?);
    let request = ReleaseRequest { session, client };
    control.release(&request).await?;
    output::line(format_args!("{}: released", request.session))?;
    Ok(0)
}
