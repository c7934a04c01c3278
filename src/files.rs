//! Files of this program's own: made private, and kept by one process at a time.
//!
//! The lock is an advisory one of the operating system on a file beside the one that is kept. The kernel drops it with
//! the process, however that ends, so a lock file that is merely there means nothing and is never
//! removed: removing it would let two processes hold locks on two files of one name.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// They say which clients use which servers, and hold keys, so nobody else reads them.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The most bytes of a lock file that are read: no process id is longer.
const LONGEST_PID: u64 = 20;

/// Why a file cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Another process keeps it.
    #[error("another process ({}) keeps {}", holder(*pid), path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// The process, where it says so.
        pid: Option<u32>,
    },
    /// The system refuses.
    #[error("could not {doing} {}", path.display())]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads a file as a whole. Only a plain file of at most `largest` bytes is read: a pipe may never
/// end, and nor may a device.
pub(crate) fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(largest + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        let why = format!("it is larger than {} KiB", largest / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// The same of a file that is text.
pub(crate) fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    String::from_utf8(read(path, largest)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let why = format!("it is not text in UTF-8, at byte {at}");
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

fn refused<'a>(path: &'a Path, doing: &'static str) -> impl Fn(io::Error) -> FileError + use<'a> {
    move |source| FileError::Refused {
        doing,
        path: path.into(),
        source,
    }
}

/// The right to write a file, held until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, or says who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, FileError> {
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
            .map_err(refused(&name, "open the lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FileError::Kept {
                    path: path.into(),
                    pid: read_pid(&file),
                });
            }
            Err(TryLockError::Error(e)) => return Err(refused(&name, "lock")(e)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(refused(&name, "write the lock file"))?;
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(LONGEST_PID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Who holds a lock, in words.
pub(crate) fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "pid unknown".into(), |pid| format!("pid {pid}"))
}

/// Makes the folder and an empty file where there is none, and says where the file really is, so
/// that two paths to one file have one lock.
pub(crate) fn make(path: &Path) -> Result<PathBuf, FileError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_FOLDER)
            .create(folder)
            .map_err(refused(folder, "make the folder"))?;
    }
    // SQLite gives the files that it makes beside this one the same mode.
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path)
    {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(refused(path, "make the file")(e)),
    }
    path.canonicalize().map_err(refused(path, "find"))
}
