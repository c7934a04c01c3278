//! `why`: what happened to a slot, newest first.

use crate::control::ControlClient;
use crate::keeper::Event;

use super::Format;

pub(super) async fn why(
    control: &ControlClient,
    slot: &str,
    limit: usize,
    format: Format,
) -> Result<u8, super::Failed> {
    let events: Vec<Event> = control
        .get("/v1/why", &[("slot", slot), ("limit", &limit.to_string())])
        .await?;
    if format == Format::Json {
        super::json(&events)?;
        return Ok(0);
    }
    for event in &events {
        let at = event.at.to_utc().format("%Y-%m-%d %H:%M:%SZ");
        let slot = event
            .slot
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        println!("{at}  {slot}  {}", event.what);
    }
    if events.is_empty() {
        println!("nothing has happened to {slot} yet");
    }
    Ok(0)
}
