//! `snooze`: lets a hold go on for a while.

use clap::Args;

use crate::control::ControlClient;
use crate::control::api::{DEFAULT_SNOOZE, SnoozeRequest};
use crate::units::{ClientName, HoldId, Span};

use super::client_name::given_or_own;
use super::error::Failed;
use super::requests::NOT_WRITTEN;
use super::{Format, output};

/// Which hold, and for how long.
#[derive(Args, Debug)]
pub(super) struct SnoozeArgs {
    /// The hold, as `acquire` prints it
    hold: HoldId,
    /// For how long from now: 30m, 1h, up to 24h
    #[arg(default_value_t = DEFAULT_SNOOZE, value_name = "SPAN")]
    length: Span,
    /// The client's name for itself, as it acquired it [default: USER@MACHINE]
    #[arg(long)]
    client: Option<ClientName>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Asks for it, and prints until when the hold goes on.
pub(super) async fn snooze(control: &ControlClient, args: SnoozeArgs) -> Result<u8, Failed> {
    let SnoozeArgs {
        hold,
        length,
        client,
        format,
    } = args;
    let client = given_or_own(client)?;
    let reply = control
        .snooze(hold, &SnoozeRequest { client, length })
        .await?;
    match format {
        Format::Json => output::json(&reply)?,
        Format::Text => {
            output::line(format_args!(
                "{hold} goes on until {} at least",
                reply.until
            ))?;
            if let Some(why) = reply.unwritten {
                output::note(format!("{NOT_WRITTEN}: {why}"));
            }
        }
    }
    Ok(0)
}
