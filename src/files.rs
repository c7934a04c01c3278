//! Files of this program's own: made private, and kept by one process at a time.
//!
//! Promises: nothing that somebody else wrote is written over, no symbolic link is followed to a
//! file that is written, and nothing that is read has no end.
//!
//! The lock is an advisory one of the operating system on a file beside the one that is kept. The
//! kernel drops it with the process, however that ends, so a lock file that is merely there means
//! nothing and is never removed: removing it would let two processes hold locks on two files of one
//! name.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

/// They say which clients use which servers, and hold keys, so nobody else reads them.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The most bytes of a lock file that are read: no process id is longer.
const LONGEST_PID: u64 = 20;

/// Why a file cannot be had.
#[derive(Debug)]
pub(crate) enum FileError {
    /// Another process keeps it.
    Kept {
        /// The file.
        path: PathBuf,
        /// The process, where it says so.
        pid: Option<u32>,
    },
    /// The system refuses.
    Refused {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    /// What was being done, to which file, and why it failed.
    pub(crate) fn into_parts(self) -> (&'static str, PathBuf, io::Error) {
        match self {
            Self::Kept { path, pid } => {
                let why = format!("another process ({}) has it", holder(pid));
                ("lock", path, io::Error::new(io::ErrorKind::WouldBlock, why))
            }
            Self::Refused {
                doing,
                path,
                source,
            } => (doing, path, source),
        }
    }

    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

fn refused<'a>(path: &'a Path, doing: &'static str) -> impl Fn(io::Error) -> FileError + use<'a> {
    move |source| FileError::Refused {
        doing,
        path: path.into(),
        source,
    }
}

/// Which file it is, whatever its name: another one of the same name is another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The file at a path; a symbolic link is a file of its own.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|found| Self::of(&found))
    }

    pub(crate) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }

    /// Whether this file is the one at a path.
    pub(crate) fn is_at(self, path: &Path) -> bool {
        Self::at(path).is_ok_and(|there| there == self)
    }
}

/// The right to write a file, held until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    name: PathBuf,
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
            .custom_flags(UNFOLLOWED)
            .open(&name)
            .and_then(regular)
            .map_err(|error| refused(&name, "open the lock file")(unfollowed(&name, error)))?;
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
        if !is_lock(&file).map_err(refused(&name, "read the lock file"))? {
            let why = io::Error::new(io::ErrorKind::InvalidData, "it holds something else");
            return Err(refused(&name, "use the lock file")(why));
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(refused(&name, "write the lock file"))?;
        Ok(Self { file, name })
    }

    /// Whether whoever asks for the lock meets this one. Where its file was removed, somebody else
    /// can have it too.
    pub(crate) fn is_in_place(&self) -> bool {
        let ours = self.file.metadata();
        ours.is_ok_and(|ours| FileIdentity::of(&ours).is_at(&self.name))
    }
}

/// Whether a lock file holds what this program writes, the number of a process, or nothing yet.
fn is_lock(mut file: &File) -> io::Result<bool> {
    let mut bytes = Vec::new();
    file.take(LONGEST_PID + 1).read_to_end(&mut bytes)?;
    io::Seek::rewind(&mut file)?;
    let digits = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(bytes.len() as u64 <= LONGEST_PID && digits.iter().all(u8::is_ascii_digit))
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
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
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

/// Makes a folder where there is none, and those that it is in.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(folder)
        .map_err(refused(folder, "make the folder"))
}

/// Refuses a path that is a symbolic link.
pub(crate) fn refuse_link(path: &Path) -> Result<(), FileError> {
    if path.is_symlink() {
        return Err(refused(path, "use")(unfollowed(
            path,
            io::ErrorKind::Other.into(),
        )));
    }
    Ok(())
}

/// Neither through a symbolic link, nor until somebody writes into a pipe.
const UNFOLLOWED: i32 = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .bits()
    .cast_signed();
/// Not until somebody writes into a pipe.
const UNBLOCKED: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// A file that is one: not a folder, a pipe or a device, which can be read without end.
fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        let why = "it is not a regular file";
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }
}

/// The error in plainer words where a symbolic link is the cause.
fn unfollowed(path: &Path, error: io::Error) -> io::Error {
    if path.is_symlink() {
        let why = "it is a symbolic link, which could lead anywhere";
        io::Error::new(io::ErrorKind::InvalidInput, why)
    } else {
        error
    }
}

/// Reads a text of somebody's, up to a length.
pub(crate) fn read_text(path: &Path, longest: u64) -> Result<String, FileError> {
    read_with(path, longest, UNBLOCKED).map_err(refused(path, "read"))
}

/// Reads a text of this program's own, up to a length, and follows no symbolic link to it.
pub(crate) fn read_private(path: &Path, longest: u64) -> Result<String, FileError> {
    read_with(path, longest, UNFOLLOWED)
        .map_err(|error| refused(path, "read")(unfollowed(path, error)))
}

/// Reads a file of somebody's, up to a length, for whoever says in words of its own what failed.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    read_bytes(path, longest, UNBLOCKED)
}

/// The same of a text.
pub(crate) fn read_string(path: &Path, longest: u64) -> io::Result<String> {
    read_with(path, longest, UNBLOCKED)
}

fn read_with(path: &Path, longest: u64, flags: i32) -> io::Result<String> {
    String::from_utf8(read_bytes(path, longest, flags)?).map_err(|error| {
        let why = not_utf8(error.as_bytes(), error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

/// Where bytes stop being text, in words. Some editors save UTF-16, whose first two bytes show it.
fn not_utf8(bytes: &[u8], valid: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..valid]);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let what = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "it is UTF-16, and must be saved as UTF-8",
        _ => "it is not text in UTF-8",
    };
    format!("{what} (line {line}, column {column})")
}

fn read_bytes(path: &Path, longest: u64, flags: i32) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut bytes = Vec::new();
    regular(file?)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        let why = format!("it is longer than {longest} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

/// Takes from everyone but its owner what they may do with a file.
pub(crate) fn narrow(path: &Path) -> Result<(), FileError> {
    let narrowed = || {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(UNFOLLOWED)
            .open(path)?;
        let mode = file.metadata()?.permissions().mode();
        if mode & !PRIVATE_FILE & 0o777 == 0 {
            return Ok(());
        }
        file.set_permissions(Permissions::from_mode(mode & PRIVATE_FILE))
    };
    narrowed().map_err(refused(path, "narrow the mode of"))
}

/// A new private file beside another, for what will take the other's place.
fn open_aside(path: &Path) -> Result<(PathBuf, File), FileError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(&aside)
        .map_err(refused(&aside, "make"))?;
    Ok((aside, file))
}

/// The same, to be written by whoever opens it.
pub(crate) fn make_aside(path: &Path) -> Result<PathBuf, FileError> {
    open_aside(path).map(|(aside, _)| aside)
}

/// Writes a text to a new private file, which appears as a whole or not at all. What is there
/// already stays.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), FileError> {
    let (aside, mut file) = open_aside(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| name_new(&aside, path));
    // Where it stays, it is private, and nobody reads it.
    let _ = fs::remove_file(&aside);
    written.map_err(refused(path, "write"))
}

/// Gives a file a name that nothing has yet. Not every file system can rename without replacing,
/// and not every one has links, but hardly one lacks both.
fn name_new(aside: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, aside, CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(aside, path),
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
