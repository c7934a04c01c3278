//! Which days a command is about.

use chrono::NaiveDate;
use clap::Args;

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
