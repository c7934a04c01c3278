//! `spend`: what this month's sessions cost.

use crate::control::Control;
use crate::ledger::SpendReport;

use super::Format;

pub(super) async fn spend(control: &Control, by: &str, format: Format) -> Result<u8, super::Failed> {
    let report: SpendReport = control.get("/v1/spend", &[("by", by)]).await?;
    match format {
        Format::Json => super::json(&report)?,
        Format::Text => print!("{report}"),
    }
    Ok(0)
}
