//! Log lines: one event, one line, with session and slot as fields too.
//!
//! Follows the ledger's sequence of events in a task of its own, so a log that is slow to take its
//! lines delays nothing but itself. While the ledger refuses writes, the events that it refused
//! come from memory (the newest 10,000 of them), are logged all the same, and are not logged again
//! once they are written. At the end what is left is logged within a bounded time. What a process
//! that was killed had not logged yet is in the ledger: `why` shows it.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::keeper::{Event, Level};
use crate::ledger::{EventFeed, LedgerHandle};

/// How long the end waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The task that logs.
#[derive(Debug)]
pub struct EventLog(JoinHandle<()>);

impl EventLog {
    /// Logs every event from now on.
    pub fn follow(ledger: &LedgerHandle) -> Self {
        Self(tokio::spawn(log_all(EventFeed::of(ledger))))
    }

    /// Waits until everything is logged that happened before the ledger was closed.
    pub async fn finish(self) {
        if tokio::time::timeout(LAST_LINES, self.0).await.is_err() {
            tracing::warn!("the last events are not in this log; `leasekeeper why` shows them");
        }
    }
}

async fn log_all(mut feed: EventFeed) {
    while let Some(recorded) = feed.next().await {
        log_event(&recorded.event);
    }
}

/// Logs one event at its own level.
fn log_event(event: &Event) {
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
