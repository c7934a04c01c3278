//! Log lines: one event, one line, with session and slot as fields too.

use crate::keeper::{Event, Level};

/// Logs one event at its own level.
pub(super) fn log_event(event: &Event) {
    let slot = event.slot.as_ref().map(tracing::field::display);
    let session = event.session.as_ref().map(tracing::field::display);
    // The event as data, for whoever reads the log with a program; the text form shows its sentence
    // only.
    let data = serde_json::to_string(&event.what).ok();
    let place = match (&event.slot, &event.session) {
        (Some(slot), _) => format!("{slot}: "),
        (None, Some(session)) => format!("{session}: "),
        (None, None) => String::new(),
    };
    match event.what.level() {
        Level::Info => tracing::info!(slot, session, data, "{place}{}", event.what),
        Level::Warn => tracing::warn!(slot, session, data, "{place}{}", event.what),
        Level::Error => tracing::error!(slot, session, data, "{place}{}", event.what),
    }
}
