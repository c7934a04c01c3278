//! `spend`: what sessions cost, by the daemon's account or by its ledger's alone.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::control::api::{ChargesQuery, SpendQuery};
use crate::control::{CallError, ControlClient};
use crate::ledger::{By, ChargeReport, SpendReport};

use super::days::DateArgs;
use super::error::Failed;
use super::{offline, output};

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
    format: SpendFormat,
}

/// How to print it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SpendFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// The rows, for spreadsheets
    Csv,
    /// FOCUS 1.2 as CSV, for cost tools: a row for each session and day, whatever --by says
    Focus,
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
    let clock = &*clock;
    match args.format {
        SpendFormat::Text => output::print(report(&args, control, clock).await?)?,
        SpendFormat::Json => output::json(&report(&args, control, clock).await?)?,
        SpendFormat::Csv => output::raw(&report(&args, control, clock).await?.to_csv())?,
        SpendFormat::Focus => output::raw(&charges(&args, control, clock).await?.to_focus()?)?,
    }
    Ok(0)
}

async fn report(
    args: &SpendArgs,
    control: impl FnOnce() -> Result<ControlClient, CallError>,
    clock: &dyn Clock,
) -> Result<SpendReport, Failed> {
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
    Ok(match &args.policy {
        Some(path) => offline::spend(path, &query, clock)?,
        None => control()?.spend(&query).await?,
    })
}

async fn charges(
    args: &SpendArgs,
    control: impl FnOnce() -> Result<ControlClient, CallError>,
    clock: &dyn Clock,
) -> Result<ChargeReport, Failed> {
    let DateArgs { from, to } = args.days;
    let query = ChargesQuery { from, to };
    Ok(match &args.policy {
        Some(path) => offline::charges(path, &query, clock)?,
        None => control()?.charges(&query).await?,
    })
}
