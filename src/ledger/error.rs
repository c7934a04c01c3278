//! Why the ledger could not be opened, read or written, and what to do about it.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::files::holder;
use crate::report::Hint;

/// What went wrong with a ledger. Whatever it was, the ledger is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process holds the ledger's lock.
    #[error("another leasekeeper ({}) keeps this ledger: {path}", holder(*pid))]
    Kept {
        /// The ledger.
        path: PathBuf,
        /// The process that holds it, where the lock file tells.
        pid: Option<u32>,
    },
    /// There is no ledger to read.
    #[error("there is no ledger at {path}: no daemon has run with it yet")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not a leasekeeper ledger and was left as it is")]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A newer program has written it.
    #[error("the ledger {path} has version {found}, and this program knows versions up to {known}")]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// An older program has written it, and it may only be read.
    #[error(
        "the ledger {path} has version {found} and is brought to version {known} when the daemon \
         starts"
    )]
    Older {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The version that this program reads.
        known: usize,
    },
    /// The disk has no room.
    #[error("no room on the disk for the ledger {path}; nothing was written")]
    Full {
        /// The ledger.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What the file holds makes no sense.
    #[error("could not {doing} the ledger {path}: it is damaged")]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What was being done, as in "could not *read events from* the ledger".
        doing: &'static str,
        /// What SQLite or the value said.
        source: rusqlite::Error,
    },
    /// The folder or a file beside the ledger could not be made or read.
    #[error("could not {doing} {path}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Its file was removed and cannot be written again.
    #[error(
        "the ledger {path} was removed while this daemon runs, and cannot be written again: what \
         is written goes to a file that nobody will find"
    )]
    Lost {
        /// The ledger.
        path: PathBuf,
        /// Why not.
        source: Box<Self>,
    },
    /// Another file stands in its place.
    #[error(
        "another file stands where the ledger {path} was: what is written goes to a file that \
         nobody will find"
    )]
    Replaced {
        /// The ledger.
        path: PathBuf,
    },
    /// Somebody has cut its file short.
    #[error("the ledger {path} was cut short while this daemon runs, and is damaged")]
    Cut {
        /// The ledger.
        path: PathBuf,
    },
    /// The disk does not answer.
    #[error("the ledger {path} has not taken a write for {seconds} seconds")]
    Slow {
        /// The ledger.
        path: PathBuf,
        /// How long somebody has waited.
        seconds: u64,
    },
    /// The daemon is ending.
    #[error("the ledger {path} is closed: the daemon is ending")]
    Closed {
        /// The ledger.
        path: PathBuf,
    },
    /// There is no thread to write it.
    #[error("the thread that writes the ledger cannot be started")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that SQLite refused.
    #[error("could not {doing} the ledger {path}")]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What was being done, as in "could not *read events from* the ledger".
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl Hint for LedgerError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Kept { .. } => "stop it or give this one its own `ledger`",
            Self::Missing { .. } => {
                "start one with `leasekeeper run`, or set `ledger` to where it is"
            }
            Self::NotALedger { .. } => "set `ledger` to another path",
            Self::Newer { .. } => {
                "run the newer leasekeeper that wrote it, or give this one its own `ledger`"
            }
            Self::Older { .. } => "start it once with `leasekeeper run`",
            Self::Full { .. } => "free some space and it goes on",
            Self::Damaged { .. } => {
                "restore a copy, or move it away and live sessions are adopted anew"
            }
            Self::Folder { .. } => "check who may write there, or set `ledger` to another path",
            Self::Lost { .. } => "see to it that it can be written again, and it goes on",
            Self::Replaced { .. } => {
                "move that file away and this daemon writes its own again; to use that file \
                 instead, end the daemon first"
            }
            Self::Cut { .. } => {
                "end the daemon, then restore a copy, or move it away and live sessions are \
                 adopted anew"
            }
            Self::Slow { .. } => {
                "check its disk; what has happened since is kept and written once it answers"
            }
            Self::Closed { .. } | Self::Thread { .. } => return None,
            Self::Sqlite { .. } => "check the file's owner and permissions, and its disk",
        };
        Some(hint.into())
    }
}

impl LedgerError {
    /// Sorts an error of SQLite by what the user can do about it.
    pub(super) fn sorted(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType,
        };
        let path = path.to_path_buf();
        match (source.sqlite_error_code(), &source) {
            (Some(ErrorCode::DiskFull), _) => Self::Full { path, source },
            (Some(ErrorCode::NotADatabase), _) => Self::NotALedger { path },
            (Some(ErrorCode::DatabaseCorrupt), _)
            | (
                _,
                FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..),
            ) => Self::Damaged {
                path,
                doing,
                source,
            },
            _ => Self::Sqlite {
                path,
                doing,
                source,
            },
        }
    }

    /// [`Self::sorted`] as a function to map errors with.
    pub(super) fn at<'a>(
        path: &'a Path,
        doing: &'static str,
    ) -> impl Fn(rusqlite::Error) -> Self + use<'a> {
        move |source| Self::sorted(path, doing, source)
    }
}
