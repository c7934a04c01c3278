//! What waits to be written, and the thread that writes it.
//!
//! Promises: what was submitted is written in the order in which it was submitted, and whatever
//! waits together shares one transaction; what the ledger refused is kept and goes with the next
//! try, in memory that is bounded; every event gets its number when it is submitted and keeps it;
//! that the ledger refuses is logged once, and once that it takes writes again. It knows nothing of
//! who waits for what.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::keeper::{Changes, Event};
use crate::report::line;
use crate::units::{Owner, Timestamp};

use super::Ledger;
use super::error::LedgerError;
use super::event::{EventSeq, RecordedEvent};

/// How many events that were refused are kept; beyond that the ledger's disk has been full for long
/// and the oldest go.
const MOST_REFUSED: usize = 10_000;

/// What became of a write. Several who wait for one transaction share its error.
pub(super) type Written = Result<(), Arc<LedgerError>>;

/// How far the sequence of events has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The newest event whose write has ended, either way.
    pub(super) decided: EventSeq,
    /// Whether nothing comes any more.
    pub(super) ended: bool,
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Queue {
    changes: Changes,
    events: Vec<RecordedEvent>,
    at: Timestamp,
    waiting: Vec<oneshot::Sender<Written>>,
    last: EventSeq,
    /// Whether somebody has asked for a write since the last one.
    asked: bool,
    closed: bool,
}

/// What the last writes came to.
#[derive(Debug, Default)]
struct Decided {
    /// The newest event that the ledger holds.
    written: EventSeq,
    /// The events that it has refused so far.
    refused: VecDeque<RecordedEvent>,
    /// Why it takes no writes.
    refusal: Option<Arc<LedgerError>>,
}

/// One write that is under way.
pub(super) struct Batch {
    changes: Changes,
    events: Vec<RecordedEvent>,
    at: Timestamp,
    waiting: Vec<oneshot::Sender<Written>>,
    last: bool,
}

/// The queue of writes, and what became of those that were tried.
#[derive(Debug)]
pub(super) struct Writer {
    owner: Owner,
    queue: Mutex<Queue>,
    asked: Condvar,
    decided: Mutex<Decided>,
    progress: watch::Sender<Progress>,
}

/// A lock whose value is whole at every moment; a panic ends the process anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// A queue for an owner, whose events go on after a number.
    pub(super) fn new(owner: Owner, last: EventSeq) -> Self {
        let queue = Queue {
            last,
            ..Queue::default()
        };
        let decided = Decided {
            written: last,
            ..Decided::default()
        };
        let progress = Progress {
            decided: last,
            ended: false,
        };
        Self {
            owner,
            queue: Mutex::new(queue),
            asked: Condvar::new(),
            decided: Mutex::new(decided),
            progress: watch::Sender::new(progress),
        }
    }

    /// Asks for a write of everything that waits, this included. `None` once it is closed.
    pub(super) fn submit(
        &self,
        at: Timestamp,
        changes: Changes,
        events: Vec<Event>,
    ) -> Option<oneshot::Receiver<Written>> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = lock(&self.queue);
        if queue.closed {
            return None;
        }
        queue.changes.then(changes);
        for event in events {
            let seq = queue.last.next();
            queue.last = seq;
            queue.events.push(RecordedEvent { seq, event });
        }
        (queue.at, queue.asked) = (at, true);
        queue.waiting.push(sender);
        drop(queue);
        self.asked.notify_one();
        Some(receiver)
    }

    /// Takes no more. What waits is tried once more, and then the sequence ends.
    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.asked.notify_one();
    }

    /// What is to be written now, if somebody asks for it.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut queue = lock(&self.queue);
        Self::take_from(&mut queue)
    }

    /// Waits until something is to be written.
    fn wait(&self) -> Batch {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(batch) = Self::take_from(&mut queue) {
                return batch;
            }
            queue = self
                .asked
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take_from(queue: &mut Queue) -> Option<Batch> {
        let last = queue.closed;
        (std::mem::take(&mut queue.asked) || last).then(|| Batch {
            changes: std::mem::take(&mut queue.changes),
            events: std::mem::take(&mut queue.events),
            at: queue.at,
            waiting: std::mem::take(&mut queue.waiting),
            last,
        })
    }

    /// Writes a batch, tells whoever waits for it, and returns its events. What the ledger refuses
    /// goes back to the front of the queue.
    pub(super) fn write(&self, ledger: &mut Ledger, mut batch: Batch) -> Vec<RecordedEvent> {
        let (owner, at) = (&self.owner, batch.at);
        let result = ledger
            .write_numbered(owner, at, &batch.changes, &batch.events)
            .map_err(Arc::new);
        let waiting = std::mem::take(&mut batch.waiting);
        let events = batch.events.clone();
        self.decide(batch, &result);
        for waits in waiting {
            // Who does not wait any more has gone on without the answer.
            let _ = waits.send(result.clone());
        }
        events
    }

    fn decide(&self, batch: Batch, result: &Written) {
        let newest = batch.events.last().map(|event| event.seq);
        let mut decided = lock(&self.decided);
        match result {
            Ok(()) => {
                decided.refused.clear();
                decided.written = newest.unwrap_or(decided.written);
            }
            Err(_) => {
                let known = decided.refused.back().map(|event| event.seq);
                let new = batch.events.iter().filter(|event| Some(event.seq) > known);
                decided.refused.extend(new.cloned());
                let beyond = decided.refused.len().saturating_sub(MOST_REFUSED);
                decided.refused.drain(..beyond);
                self.put_back(batch);
            }
        }
        let before = std::mem::replace(&mut decided.refusal, result.clone().err());
        drop(decided);
        self.progress.send_if_modified(|progress| {
            let newer = newest.is_some_and(|seq| seq > progress.decided);
            progress.decided = newest.map_or(progress.decided, |seq| seq.max(progress.decided));
            newer
        });
        match (before, result) {
            (None, Err(error)) => log_refusal(error),
            (Some(_), Ok(())) => tracing::info!(
                "the ledger can be written again, and knows everything that has happened since"
            ),
            _ => {}
        }
    }

    fn put_back(&self, batch: Batch) {
        let mut queue = lock(&self.queue);
        let mut changes = batch.changes;
        changes.then(std::mem::take(&mut queue.changes));
        queue.changes = changes;
        let mut events = batch.events;
        events.append(&mut queue.events);
        let beyond = events.len().saturating_sub(MOST_REFUSED);
        events.drain(..beyond);
        queue.events = events;
    }

    /// Notes that a write takes too long. It counts as refused until the ledger has taken a write.
    pub(super) fn late(&self, error: &Arc<LedgerError>) {
        let before = lock(&self.decided).refusal.replace(error.clone());
        if before.is_none() {
            log_refusal(error);
        }
    }

    /// Why the ledger takes no writes, where it takes none.
    pub(super) fn refusal(&self) -> Option<Arc<LedgerError>> {
        lock(&self.decided).refusal.clone()
    }

    /// How far the ledger itself has come, and which events it has refused after a number.
    pub(super) fn refused_after(&self, seq: EventSeq) -> (EventSeq, Vec<RecordedEvent>) {
        let decided = lock(&self.decided);
        let later = decided.refused.iter().filter(|event| event.seq > seq);
        (decided.written, later.cloned().collect())
    }

    /// How far the sequence has come, to be watched.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Writes until it is closed; then lets the ledger go.
    pub(super) fn run(&self, mut ledger: Ledger) {
        loop {
            let batch = self.wait();
            let last = batch.last;
            self.write(&mut ledger, batch);
            if last {
                break;
            }
        }
        // Reports may still read, and their connection cannot do it when it closes.
        if self.refusal().is_none() {
            ledger.fold_log();
        }
        drop(ledger);
        self.end();
    }

    /// Says that nothing comes any more.
    pub(super) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }
}

fn log_refusal(error: &LedgerError) {
    tracing::error!(
        "{}; nothing is created or extended until the ledger can be written",
        line(error)
    );
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::super::testing::{FRESH, ledger, owner};
    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile, a line each.
    fn logged(log: impl FnOnce()) -> Vec<String> {
        let (lines, sink) = {
            let log = Log::default();
            (log.0.clone(), move || log.clone())
        };
        let subscriber = tracing_subscriber::fmt()
            .with_writer(sink)
            .with_ansi(false)
            .without_time()
            .finish();
        with_default(subscriber, log);
        let text = String::from_utf8(lock(&lines).clone()).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    fn write(writer: &Writer, ledger: &mut Ledger) {
        let renamed = Changes {
            dropped: vec!["s".parse().expect("an id")],
            ..Changes::default()
        };
        let _ = writer.submit(FRESH.made, renamed, Vec::new());
        let batch = writer.take().expect("it waits");
        let _ = writer.write(ledger, batch);
    }

    #[test]
    fn that_nothing_can_be_written_is_logged_once_and_so_is_that_it_can_again() {
        let (writer, mut ledger) = (Writer::new(owner(), EventSeq::default()), ledger());
        assert_eq!(logged(|| write(&writer, &mut ledger)), [""; 0]);
        ledger.refuse_writes(true).expect("sets");
        let refused = logged(|| {
            write(&writer, &mut ledger);
            write(&writer, &mut ledger);
        });
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("nothing is created or extended"));
        assert!(writer.refusal().is_some());
        ledger.refuse_writes(false).expect("sets");
        let again = logged(|| {
            write(&writer, &mut ledger);
            write(&writer, &mut ledger);
        });
        assert_eq!(again.len(), 1, "{again:?}");
        assert!(again[0].contains("can be written again"));
        assert!(writer.refusal().is_none());
    }

    #[test]
    fn a_write_that_takes_too_long_counts_as_refused_until_one_is_taken() {
        let (writer, mut ledger) = (Writer::new(owner(), EventSeq::default()), ledger());
        let slow = Arc::new(LedgerError::Slow {
            path: "ledger".into(),
            seconds: 10,
        });
        let said = logged(|| {
            writer.late(&slow);
            writer.late(&slow);
        });
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(writer.refusal().is_some());
        write(&writer, &mut ledger);
        assert!(writer.refusal().is_none());
    }
}
