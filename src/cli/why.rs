//! `why`: what happened to a slot, newest first.

use crate::control::ControlClient;
use crate::control::api::WhyQuery;

use super::error::Failed;
use super::{Format, output};

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
