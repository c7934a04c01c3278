//! `spend`: what sessions cost, by the daemon's account or by its ledger's alone.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::control::ControlClient;
use crate::ledger::{By, SpendReport};

use super::{Failed, Format, offline};

/// What to tell.
#[derive(Debug, Args)]
pub(super) struct SpendArgs {
    /// A row for each day, pool, session or region
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

/// Which days; the present month where none is named.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct DateArgs {
    /// The first day, as 2026-03-01. Default: the first of the month
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<NaiveDate>,
    /// The last day. Default: the last of the month
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<NaiveDate>,
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
}

pub(super) async fn spend(
    args: SpendArgs,
    control: impl FnOnce() -> Result<ControlClient, crate::control::CallError>,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let (by, word) = match args.by {
        Rows::Day => (By::Day, "day"),
        Rows::Pool => (By::Pool, "pool"),
        Rows::Session => (By::Session, "session"),
        Rows::Region => (By::Region, "region"),
    };
    let report: SpendReport = match &args.policy {
        Some(path) => offline::spend(path, by, args.days, &*clock)?,
        None => {
            let (from, to) = (
                args.days.from.map(|d| d.to_string()),
                args.days.to.map(|d| d.to_string()),
            );
            let mut query = vec![("by", word)];
            query.extend(from.as_deref().map(|d| ("from", d)));
            query.extend(to.as_deref().map(|d| ("to", d)));
            control()?.get("/v1/spend", &query).await?
        }
    };
    match args.format {
        Format::Json => super::json(&report)?,
        Format::Text => print!("{report}"),
    }
    Ok(0)
}
