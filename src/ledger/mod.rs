//! The ledger: the durable record of intents, live sessions, slots, final accounts and events, in
//! one SQLite file.
//!
//! Promises: what [`Ledger::write_numbered`] has acknowledged survives `kill -9` and power loss; a
//! write happens as a whole or not at all; one process writes at a time, and any number read beside
//! it. Money is kept as minutes and price, never as a sum. It knows the keeper's types and nothing
//! of where they come from; it reads no clock and draws no random number.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::files::Lock;
use crate::units::Timestamp;

#[cfg(test)]
mod arbitrary;
mod charges;
mod csv_text;
mod error;
mod event;
mod feed;
mod files;
mod focus;
mod handle;
#[cfg(test)]
mod handle_tests;
mod holders;
mod load;
#[cfg(test)]
mod load_tests;
mod place;
#[cfg(test)]
mod place_tests;
mod range;
#[cfg(test)]
mod read_only_tests;
mod render;
mod rows;
mod schema;
mod spend;
mod spend_entry;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;
mod writer;

pub use charges::{Charge, ChargeReport};
pub use error::LedgerError;
pub use event::{EventFilter, EventSeq, MOST_EVENTS, OLDEST_EVENT, RecordedEvent};
pub use feed::EventFeed;
pub use focus::FocusError;
pub use handle::{LedgerHandle, PendingWrite, WRITE_TIMEOUT};
pub use range::{BadRange, DateRange};
pub use spend::{Amount, By, SpendReport, SpendRequest, SpendRow};

use place::Place;
use schema::STEPS;

/// How long a statement waits for another process that reads or checks the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a new ledger begins with. An existing ledger keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Seed of the id streams.
    pub seed: u64,
    /// When the ledger is made: it knows nothing of sessions that ended before.
    pub made: Timestamp,
}

/// What a ledger knew when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// What happened before.
    Known,
    /// Nothing: there was none.
    New,
    /// Nothing: there was an empty file.
    Emptied,
}

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    // Closed before the lock is let go: fields are dropped in order.
    connection: Connection,
    lock: Option<Lock>,
    path: PathBuf,
    /// Where its file is watched over.
    place: Option<Place>,
    beginning: Beginning,
    /// Events written since the last pruning.
    unpruned: usize,
}

impl Ledger {
    /// Opens the ledger at a path for reading and writing, and keeps every other process from
    /// writing it. Makes the folder (mode 0700) and the file (0600) where there are none, and
    /// brings an older ledger up to date.
    ///
    /// # Errors
    /// If another process keeps it, if it is newer than this program or not a ledger (it is left as
    /// it was), or if the folder or the file cannot be made or written.
    pub fn open(path: &Path, fresh: Fresh) -> Result<Self, LedgerError> {
        let was_there = path.exists();
        let path = crate::files::make(path)?;
        let lock = Lock::take(&path)?;
        let mut ledger = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, Some(lock))?;
        ledger.beginning = match (ledger.prepare(fresh)?, was_there) {
            (1.., _) => Beginning::Known,
            (0, false) => Beginning::New,
            (0, true) => Beginning::Emptied,
        };
        // Only now is it known to be ours.
        crate::files::narrow(&ledger.path)?;
        let found = Place::of(&ledger.path).map_err(|source| LedgerError::Folder {
            path: ledger.path.clone(),
            doing: "find",
            source,
        })?;
        ledger.place = Some(found);
        Ok(ledger)
    }

    /// Opens the ledger at a path for reading, also while a daemon keeps it, and also where nothing
    /// can be written beside it.
    ///
    /// # Errors
    /// If there is none, if its version is not this program's, if it is not a ledger, or if it
    /// cannot be read.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        let found = files::find(path)?;
        let mut ledger = Self::connect(found, OpenFlags::SQLITE_OPEN_READ_ONLY, None)?;
        ledger.place = Place::of(&ledger.path).ok();
        let (ledger, version) = match schema::version(&ledger.connection, &ledger.path) {
            Ok(version) => (ledger, version),
            Err(error) => ledger.reopened_as_it_stands(error)?,
        };
        match version {
            0 => Err(LedgerError::Missing { path: ledger.path }),
            version if version < STEPS.len() => Err(LedgerError::Older {
                path: ledger.path,
                found: version,
                known: STEPS.len(),
            }),
            _ => Ok(ledger),
        }
    }

    /// The same ledger where SQLite cannot make its files beside it, as on a disk that is mounted
    /// for reading only. Where nothing waits in the log of writes, the file alone is all of it.
    fn reopened_as_it_stands(self, error: LedgerError) -> Result<(Self, usize), LedgerError> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let waits = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
        let url = url::Url::from_file_path(&self.path);
        let (Ok(mut url), false) = (url, waits) else {
            return Err(error);
        };
        url.set_query(Some("immutable=1"));
        let how = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let Ok(connection) = Connection::open_with_flags(url.as_str(), how) else {
            return Err(error);
        };
        let ledger = Self { connection, ..self };
        let version = schema::version(&ledger.connection, &ledger.path).map_err(|_| error)?;
        Ok((ledger, version))
    }

    /// A ledger that ends with its process.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn in_memory(fresh: Fresh) -> Result<Self, LedgerError> {
        let mut ledger = Self::connect(":memory:".into(), OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
        ledger.prepare(fresh)?;
        // There is no disk that can fail amid a write, so nothing is ever rolled back.
        let failed = ledger.failed("open");
        ledger
            .connection
            .pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))
            .map_err(failed)?;
        Ok(ledger)
    }

    /// The seed that was drawn when the ledger was made.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn seed(&self) -> Result<u64, LedgerError> {
        self.connection
            .query_one("SELECT seed FROM ledger", [], |row| row.get(0))
            .map(i64::cast_unsigned)
            .map_err(self.failed("read the seed from"))
    }

    /// When the ledger was made. It knows nothing of sessions that ended before.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn made(&self) -> Result<Timestamp, LedgerError> {
        self.connection
            .query_one("SELECT made_ms FROM ledger", [], |row| row.get(0))
            .map(Timestamp::from_millis)
            .map_err(self.failed("read"))
    }

    /// What it knew when it was opened.
    pub const fn beginning(&self) -> Beginning {
        self.beginning
    }

    /// Refuses every write from now on, as a disk without room does, or takes them again.
    ///
    /// # Errors
    /// If SQLite does not take the setting.
    pub fn refuse_writes(&self, refuse: bool) -> Result<(), LedgerError> {
        self.connection
            .pragma_update(None, "query_only", refuse)
            .map_err(self.failed("write to"))
    }

    fn connect(path: PathBuf, how: OpenFlags, lock: Option<Lock>) -> Result<Self, LedgerError> {
        let failed = LedgerError::at(&path, "open");
        let connection = Connection::open_with_flags(&path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(&failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
        drop(failed);
        // The first write of every process prunes, so that many short runs do not pile events up.
        Ok(Self {
            connection,
            lock,
            path,
            place: None,
            beginning: Beginning::Known,
            unpruned: event::PRUNE_EVERY,
        })
    }

    /// Makes sure that the file is a ledger, brings it up to date, and sets how it is written.
    /// Returns the version that it had.
    fn prepare(&mut self, fresh: Fresh) -> Result<usize, LedgerError> {
        let failed = LedgerError::at(&self.path, "open");
        let connection = &self.connection;
        // Until the file is known to be a ledger, closing it must not tidy up another program's
        // database.
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(keep_log, true).map_err(&failed)?;
        let version = schema::version(connection, &self.path)?;
        connection.set_db_config(keep_log, false).map_err(&failed)?;
        self.be_durable()?;
        schema::migrate(&mut self.connection, version, STEPS, fresh).map_err(failed)?;
        Ok(version)
    }

    /// Sets how it is written.
    fn be_durable(&self) -> Result<(), LedgerError> {
        let failed = LedgerError::at(&self.path, "open");
        self.connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(&failed)?;
        // Where a file system cannot do this, SQLite stays with a journal that is slower and just
        // as safe.
        self.connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(&failed)
    }

    fn failed(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> LedgerError {
        LedgerError::at(&self.path, doing)
    }
}
