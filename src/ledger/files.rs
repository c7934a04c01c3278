//! Where an existing ledger is.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::FileError;

use super::error::LedgerError;

impl From<FileError> for LedgerError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Kept { path, pid } => Self::Kept { path, pid },
            FileError::Refused {
                doing,
                path,
                source,
            } => Self::Folder {
                path,
                doing,
                source,
            },
        }
    }
}

/// Where an existing ledger's file really is.
pub(super) fn find(path: &Path) -> Result<PathBuf, LedgerError> {
    path.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => LedgerError::Missing { path: path.into() },
        _ => LedgerError::Folder {
            path: path.into(),
            doing: "find",
            source: e,
        },
    })
}
