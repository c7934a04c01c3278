//! Whether the ledger's file still stands in its place, and what is done where it does not.
//!
//! SQLite goes on writing to a file that was removed, and nobody will ever find it again. Promises:
//! that is noticed before the next write. A ledger that was removed is written again from the open
//! connection, which has all of it. What somebody else has put in its place is left as it is, and
//! one that was cut short is not made worse: the ledger then takes no writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use crate::files::{self, FileIdentity, Lock};

use super::Ledger;
use super::error::LedgerError;

/// The file that is written, as it was seen last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    file: FileIdentity,
    /// Its log of writes, where it has one.
    log: Option<FileIdentity>,
    length: u64,
}

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            file: FileIdentity::of(&found),
            log: FileIdentity::at(&beside(path, "-wal")).ok(),
            length: found.len(),
        })
    }

    /// Removes the files that SQLite has made beside the ledger. Left there, its log would be taken
    /// for that of whatever stands in the ledger's place next.
    fn clear(self, path: &Path) {
        let log = beside(path, "-wal");
        if self.log.is_some_and(|ours| ours.is_at(&log)) {
            // Whatever cannot be removed is refused where it would do harm.
            let _ = fs::remove_file(&log);
            let _ = fs::remove_file(beside(path, "-shm"));
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Ledger {
    /// Makes sure that what is written next will be found again.
    pub(super) fn hold_place(&mut self) -> Result<(), LedgerError> {
        let Some(place) = self.place else {
            return Ok(());
        };
        let path = self.path.clone();
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.restore(place).map_err(|source| LedgerError::Lost {
                    path,
                    source: Box::new(source),
                });
            }
            Err(source) => {
                let doing = "find";
                return Err(LedgerError::Folder {
                    path,
                    doing,
                    source,
                });
            }
        };
        if FileIdentity::of(&found) != place.file {
            place.clear(&path);
            return Err(LedgerError::Replaced { path });
        }
        if found.len() < place.length {
            return Err(LedgerError::Cut { path });
        }
        let length = found.len();
        self.place = Some(Place { length, ..place });
        Ok(())
    }

    /// Whether the file that was opened is the one that its path leads to.
    pub(super) fn is_in_place(&self) -> bool {
        let place = self.place;
        place.is_none_or(|place| place.file.is_at(&self.path))
    }

    /// Writes the ledger again, all of it or nothing, and goes on with the new file.
    fn restore(&mut self, place: Place) -> Result<(), LedgerError> {
        let path = self.path.clone();
        let step = |doing: &'static str| {
            let path = path.clone();
            move |source| LedgerError::Folder {
                path,
                doing,
                source,
            }
        };
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        if !self.lock.as_ref().is_some_and(Lock::is_in_place) {
            // Somebody else could have it by now.
            self.lock = Some(Lock::take(&path)?);
        }
        let aside = files::make_aside(&path)?;
        let written = self.copy_to(&aside);
        if written.is_ok() {
            place.clear(&path);
        }
        // Unlike a renaming, a link fails where there is a file.
        let link = || fs::hard_link(&aside, &path).map_err(step("put back"));
        let placed = written.and_then(|()| link());
        let _ = fs::remove_file(&aside);
        placed?;
        // Closing must not touch what belongs to the new file by now.
        let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let failed = LedgerError::at(&path, "write again");
        self.connection.set_db_config(keep, true).map_err(&failed)?;
        let how = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let again = Self::connect(path.clone(), how, self.lock.take())?;
        let before = std::mem::replace(self, again);
        (self.unpruned, self.beginning) = (before.unpruned, before.beginning);
        self.be_durable()?;
        self.place = Some(Place::of(&path).map_err(step("find"))?);
        tracing::warn!(
            "the ledger {} was removed while this daemon runs; it was written again, and nothing \
             that it knew is lost",
            path.display()
        );
        Ok(())
    }

    /// Writes all that the connection has to an empty file, and makes sure that it is all there.
    fn copy_to(&self, aside: &Path) -> Result<(), LedgerError> {
        let failed = LedgerError::at(&self.path, "write again");
        let name = aside.to_string_lossy();
        let copied = self.connection.execute("VACUUM INTO ?1", [&*name]);
        copied.map_err(&failed)?;
        let copy = Self::connect(aside.into(), OpenFlags::SQLITE_OPEN_READ_ONLY, None)?;
        let sound: String = copy
            .connection
            .query_one("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(&failed)?;
        drop(copy);
        if sound != "ok" {
            return Err(failed(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(sound),
            )));
        }
        let synced = fs::File::open(aside).and_then(|file| file.sync_all());
        synced.map_err(|source| LedgerError::Folder {
            path: aside.into(),
            doing: "write",
            source,
        })
    }
}
