//! The ledger as the daemon has it: a handle to whoever writes it.
//!
//! Two forms. [`LedgerHandle::spawn`] gives the ledger a thread of its own, so that a slow disk
//! delays only what waits for its write, and reads through a second connection. In
//! [`LedgerHandle::inline`] whoever submits a write carries it out, so that a run on virtual time
//! is the same every time. Promises: [`LedgerHandle::submit`] never waits for a disk; a write that
//! takes longer than [`WRITE_TIMEOUT`] counts as refused until the ledger has taken one. It must
//! not be asked to read from under a lock.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::keeper::{Changes, Event};
use crate::units::{Owner, Timestamp};

use super::Ledger;
use super::error::LedgerError;
use super::event::{EventSeq, RecordedEvent};
use super::writer::{Progress, Writer, Written};

/// How long a write may take before whoever waits for it goes on without it.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A ledger that is written by somebody else. Clones are handles to the same ledger.
#[derive(Clone, Debug)]
pub struct LedgerHandle {
    writer: Arc<Writer>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Thread(Arc<Reports>),
    Inline(Arc<Mutex<Ledger>>, Sink),
}

/// The connection that reports read through; opened when the first one is asked for.
#[derive(Debug)]
struct Reports {
    path: PathBuf,
    connection: Mutex<Option<Ledger>>,
    writer: Arc<Writer>,
}

impl Drop for Reports {
    /// The last handle has gone, so nobody can submit any more.
    fn drop(&mut self) {
        self.writer.close();
    }
}

/// Whoever is given each event of an inline ledger once its write has ended, in order.
#[derive(Clone)]
struct Sink(Arc<dyn Fn(&RecordedEvent) + Send + Sync>);

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

/// A value that is whole at every moment; a panic ends the process anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LedgerHandle {
    /// Gives a ledger of an owner a thread of its own, which ends once the handle is closed or the
    /// last clone of it is dropped.
    ///
    /// # Errors
    /// If the ledger cannot be read or the thread cannot be started.
    pub fn spawn(ledger: Ledger, owner: Owner) -> Result<Self, LedgerError> {
        let writer = Arc::new(Writer::new(owner, ledger.last_seq()?));
        let path = ledger.path.clone();
        let thread = writer.clone();
        std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || thread.run(ledger))
            .map_err(|source| LedgerError::Thread { source })?;
        let reports = Reports {
            path,
            connection: Mutex::new(None),
            writer: writer.clone(),
        };
        Ok(Self {
            writer,
            form: Form::Thread(Arc::new(reports)),
        })
    }

    /// A ledger that is written by whoever submits a write, before `submit` returns. `sink` is
    /// given each event once its write has ended, whatever it came to.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn inline(
        ledger: Arc<Mutex<Ledger>>,
        owner: Owner,
        sink: impl Fn(&RecordedEvent) + Send + Sync + 'static,
    ) -> Result<Self, LedgerError> {
        let last = lock(&ledger).last_seq()?;
        Ok(Self {
            writer: Arc::new(Writer::new(owner, last)),
            form: Form::Inline(ledger, Sink(Arc::new(sink))),
        })
    }

    /// Asks for a write of changes and events, together with whatever was refused before. Returns
    /// at once: what it came to is known by waiting for the write.
    pub fn submit(&self, at: Timestamp, changes: Changes, events: Vec<Event>) -> PendingWrite {
        let receiver = self.writer.submit(at, changes, events);
        self.write_inline();
        PendingWrite {
            receiver,
            ledger: self.clone(),
        }
    }

    /// Carries out what waits, where there is no thread that does.
    fn write_inline(&self) {
        let Form::Inline(ledger, Sink(sink)) = &self.form else {
            return;
        };
        if let Some(batch) = self.writer.take() {
            let known = self.writer.progress().borrow().decided;
            let events = self.writer.write(&mut lock(ledger), batch);
            let new = events.iter().filter(|event| event.seq > known);
            new.for_each(|event| sink(event));
        }
    }

    /// The events that the ledger has refused after a number, and how far it has come itself.
    pub(super) fn refused_after(&self, seq: EventSeq) -> (EventSeq, Vec<RecordedEvent>) {
        self.writer.refused_after(seq)
    }

    /// Asks for another try of what was refused.
    pub fn retry(&self, at: Timestamp) -> PendingWrite {
        self.submit(at, Changes::default(), Vec::new())
    }

    /// Why the ledger takes no writes at present.
    pub fn refusal(&self) -> Option<Arc<LedgerError>> {
        self.writer.refusal()
    }

    /// Reads on a connection of its own, off the loop; sees every write that was acknowledged.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let reports = match &self.form {
            Form::Inline(ledger, _) => return look(&lock(ledger)),
            Form::Thread(reports) => reports.clone(),
        };
        let path = reports.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            if let Some(error) = reports.writer.refusal()
                && let LedgerError::Replaced { path } = &*error
            {
                // What stands there is not what was written.
                return Err(LedgerError::Replaced { path: path.clone() });
            }
            let mut connection = lock(&reports.connection);
            let ledger = match connection.take().filter(Ledger::is_in_place) {
                Some(ledger) => ledger,
                None => Ledger::open_read_only(&reports.path)?,
            };
            look(connection.insert(ledger))
        });
        // A look that panics ends the process, but for tests.
        read.await.map_err(|_| LedgerError::Closed { path })?
    }

    /// How far the writer is, as it goes on.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.writer.progress()
    }

    /// Takes no more writes, tries once more what waits, and ends the thread. Waits no longer than
    /// [`WRITE_TIMEOUT`].
    pub async fn close(&self) {
        self.writer.close();
        match &self.form {
            Form::Inline(..) => {
                self.write_inline();
                self.writer.end();
            }
            Form::Thread(_) => {
                let mut progress = self.writer.progress();
                let ended = progress.wait_for(|progress| progress.ended);
                if tokio::time::timeout(WRITE_TIMEOUT, ended).await.is_err() {
                    tracing::error!("{}", self.slow());
                }
            }
        }
    }

    fn path(&self) -> PathBuf {
        match &self.form {
            Form::Thread(reports) => reports.path.clone(),
            Form::Inline(ledger, _) => lock(ledger).path.clone(),
        }
    }

    fn slow(&self) -> LedgerError {
        LedgerError::Slow {
            path: self.path(),
            seconds: WRITE_TIMEOUT.as_secs(),
        }
    }
}

/// A write that was asked for. Dropping it takes nothing back.
#[derive(Debug)]
#[must_use = "whoever needs the write to be durable waits for it; others say so with `let _`"]
pub struct PendingWrite {
    receiver: Option<oneshot::Receiver<Written>>,
    ledger: LedgerHandle,
}

impl PendingWrite {
    /// Waits until the write is on the disk.
    ///
    /// # Errors
    /// If the ledger refuses it, or has not answered within [`WRITE_TIMEOUT`]. What was to be
    /// written is kept and goes with the next write.
    pub async fn acknowledged(self) -> Result<(), Arc<LedgerError>> {
        let closed = || {
            Err(Arc::new(LedgerError::Closed {
                path: self.ledger.path(),
            }))
        };
        let Some(mut receiver) = self.receiver else {
            return closed();
        };
        if let Form::Inline(..) = self.ledger.form {
            // Whoever submitted it has carried it out. To await what is there already could still
            // have to wait: the runtime makes a task that has done much come back later.
            return receiver.try_recv().unwrap_or_else(|_| closed());
        }
        match tokio::time::timeout(WRITE_TIMEOUT, receiver).await {
            Ok(written) => written.unwrap_or_else(|_| closed()),
            Err(_) => {
                let slow = Arc::new(self.ledger.slow());
                self.ledger.writer.late(&slow);
                Err(slow)
            }
        }
    }
}
