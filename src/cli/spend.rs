//! `spend`: what sessions cost, by the daemon's account or by its ledger's alone.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::control::api::SpendQuery;
use crate::control::{CallError, ControlClient};
use crate::ledger::By;

use super::days::DateArgs;
use super::error::Failed;
use super::{Format, offline, output};

/// What to tell.
#[derive(Debug, Args)]
pub(super) struct SpendArgs {
    /// A row for each day, pool, session, region, team or client
    #[arg(long, value_enum, default_value = "pool")]
    by: Rows,
    #[command(flatten)]
    days: DateArgs,
    /// Read the ledger of this policy, whether or not its daemon runs
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rows {
    /// A calendar day in the budget's time zone
    Day,
    /// A pool
    Pool,
    /// A session
    Session,
    /// A region
    Region,
    /// A team
    Team,
    /// A client that held sessions
    Client,
}

pub(super) async fn spend(
    args: SpendArgs,
    control: impl FnOnce() -> Result<ControlClient, CallError>,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let query = SpendQuery {
        by: match args.by {
            Rows::Day => By::Day,
            Rows::Pool => By::Pool,
            Rows::Session => By::Session,
            Rows::Region => By::Region,
            Rows::Team => By::Team,
            Rows::Client => By::Client,
        },
        from: args.days.from,
        to: args.days.to,
    };
    let report = match &args.policy {
        Some(path) => offline::spend(path, &query, &*clock)?,
        None => control()?.spend(&query).await?,
    };
    match args.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::print(report)?,
    }
    Ok(0)
}
