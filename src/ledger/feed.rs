//! Following the sequence of events, at whatever pace suits the one who follows.
//!
//! Promises: each event is handed over once and in order; nobody who follows can hold up the
//! daemon. Events come from the ledger, through its connection for reports. Those that the ledger
//! has refused come from memory, so that they are known while the disk is full, and are not handed
//! over again once they are written. Where the ledger cannot even be read, what it holds is passed
//! over, and that is logged.

use std::collections::VecDeque;

use tokio::sync::watch;

use crate::report::line;

use super::event::{EventSeq, RecordedEvent};
use super::handle::LedgerHandle;
use super::writer::Progress;

/// The most events that are read at once.
const MOST_TOGETHER: usize = 256;

/// Somebody's place in the sequence of events.
#[derive(Debug)]
pub struct EventFeed {
    ledger: LedgerHandle,
    progress: watch::Receiver<Progress>,
    after: EventSeq,
    ready: VecDeque<RecordedEvent>,
}

impl EventFeed {
    /// The events of a ledger from now on.
    pub fn of(ledger: &LedgerHandle) -> Self {
        let progress = ledger.progress();
        let after = progress.borrow().decided;
        Self {
            ledger: ledger.clone(),
            progress,
            after,
            ready: VecDeque::new(),
        }
    }

    /// Waits for the next event; `None` once the ledger is closed and everything was handed over.
    pub async fn next(&mut self) -> Option<RecordedEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let seen = *self.progress.borrow_and_update();
            self.fill().await;
            if let Some(event) = self.ready.back() {
                self.after = event.seq;
            } else if seen.ended || self.progress.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Reads what comes after the last event that was handed over.
    async fn fill(&mut self) {
        let after = self.after;
        let (written, refused) = self.ledger.refused_after(after);
        let read = match written > after {
            true => {
                let look = move |ledger: &super::Ledger| ledger.events_after(after, MOST_TOGETHER);
                self.ledger.read(look).await
            }
            false => Ok(Vec::new()),
        };
        match read {
            Ok(events) if !events.is_empty() => self.ready.extend(events),
            // Everything that was written then has been handed over, or was removed since.
            Ok(_) => self.ready.extend(refused),
            Err(error) => {
                tracing::error!("{}; what it holds is missing from this log", line(&error));
                self.after = written;
                self.ready.extend(refused);
            }
        }
    }
}
