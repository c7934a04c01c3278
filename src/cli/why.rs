//! `why`: what keeps the session of a slot, and what happened to the slot, newest first.

use crate::control::ControlClient;
use crate::control::api::{SlotView, WhyQuery};

use super::error::Failed;
use super::{Format, activity, output};

pub(super) async fn why(
    control: &ControlClient,
    query: &WhyQuery,
    format: Format,
) -> Result<u8, Failed> {
    let events = control.why(query).await?;
    if format == Format::Json {
        output::json(&events)?;
        return Ok(0);
    }
    let status = control.status().await?;
    let meant = |slot: &&SlotView| {
        slot.slot == query.slot || slot.slot.split('/').next() == Some(&query.slot)
    };
    for slot in status.slots.iter().filter(meant) {
        for view in &slot.activity {
            let said = activity::full(&status, view);
            output::line(format_args!("{}  {said}", slot.slot))?;
        }
    }
    for event in &events {
        let at = event.at.to_utc().format("%Y-%m-%d %H:%M:%SZ");
        let slot = event.slot.as_ref().map(ToString::to_string);
        let slot = slot.unwrap_or_default();
        output::line(format_args!("{at}  {slot}  {}", event.what))?;
    }
    if events.is_empty() {
        output::line(format_args!("nothing has happened to {} yet", query.slot))?;
    }
    Ok(0)
}
