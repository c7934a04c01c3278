//! The ledger's files: made private, and kept by one process at a time.
//!
//! The lock is an advisory `flock` on a file beside the ledger. The kernel drops it with the process, however that ends,
//! so a lock file that is merely there means nothing and is never removed: removing it would let two processes hold locks
//! on two files of one name.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::LedgerError;

/// The ledger says which clients use which servers, so nobody else reads it.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The most bytes of a lock file that are read: no process id is longer.
const LONGEST_PID: u64 = 20;

/// The right to write a ledger, held until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the ledger at `path`, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, LedgerError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .open(&name)
            .map_err(LedgerError::folder(&name, "open the lock file"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(LedgerError::Kept { path: path.into(), pid: read_pid(&file) }),
            Err(e) => return Err(LedgerError::folder(&name, "lock")(e.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(LedgerError::folder(&name, "write the lock file"))?;
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(LONGEST_PID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Makes the folder and an empty file where there is none, and says where the file really is, so that two paths to one
/// file have one lock.
pub(super) fn make(path: &Path) -> Result<PathBuf, LedgerError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_FOLDER)
            .create(folder)
            .map_err(LedgerError::folder(folder, "make the folder"))?;
    }
    // SQLite gives the files that it makes beside this one the same mode.
    match OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(LedgerError::folder(path, "make the file")(e)),
    }
    path.canonicalize().map_err(LedgerError::folder(path, "find"))
}

/// Where an existing ledger's file really is.
pub(super) fn find(path: &Path) -> Result<PathBuf, LedgerError> {
    path.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => LedgerError::Missing { path: path.into() },
        _ => LedgerError::folder(path, "find")(e),
    })
}
