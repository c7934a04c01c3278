//! Files of this program's own: made private, and kept by one process at a time.
//!
//! The lock is an advisory one of the operating system on a file beside the one that is kept. The kernel drops it with
//! the process, however that ends, so a lock file that is merely there means nothing and is never
//! removed: removing it would let two processes hold locks on two files of one name.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// They say which clients use which servers, and hold keys, so nobody else reads them.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// A link in the place of a file that is written would lead to another file.
const NO_FOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

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
    /// It holds what is not ours.
    #[error("{} holds something that is not of leasekeeper, and was left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
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
        let why = match largest / 1024 {
            0 => format!("it is larger than {largest} bytes"),
            kib => format!("it is larger than {kib} KiB"),
        };
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
            .custom_flags(NO_FOLLOW)
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
        if !holds_only_a_pid(&mut file).map_err(refused(&name, "read the lock file"))? {
            return Err(FileError::Foreign { path: name });
        }
        make_private(&name)?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(refused(&name, "write the lock file"))?;
        Ok(Self { _file: file })
    }
}

/// Whether a lock file is one of ours: empty, or with the number of a process in it.
fn holds_only_a_pid(file: &mut File) -> io::Result<bool> {
    let mut bytes = Vec::new();
    file.take(LONGEST_PID + 1).read_to_end(&mut bytes)?;
    let number = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(bytes.len() as u64 <= LONGEST_PID && number.iter().all(u8::is_ascii_digit))
}

/// Takes a file of ours from everybody else.
pub(crate) fn make_private(path: &Path) -> Result<(), FileError> {
    let mode = std::fs::metadata(path).map(|m| m.permissions().mode());
    let narrowed = mode.and_then(|mode| match mode & 0o077 {
        0 => Ok(()),
        _ => std::fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE)),
    });
    narrowed.map_err(refused(path, "make private"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_that_holds_anything_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let (kept, lock) = (folder.path().join("a"), folder.path().join("a.lock"));
        for theirs in ["somebody's text", "12 and more", &"1".repeat(4_000)] {
            std::fs::write(&lock, theirs).expect("written");
            let refused = Lock::take(&kept).expect_err("it is somebody's");
            assert!(matches!(refused, FileError::Foreign { .. }), "{refused}");
            assert_eq!(std::fs::read_to_string(&lock).expect("there"), theirs);
        }
        std::fs::write(&lock, "123\n").expect("written");
        std::fs::set_permissions(&lock, Permissions::from_mode(0o644)).expect("widened");
        let _lock = Lock::take(&kept).expect("an older one of ours");
        let pid = std::process::id().to_string();
        assert_eq!(std::fs::read_to_string(&lock).expect("there").trim(), pid);
        let mode = std::fs::metadata(&lock)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, PRIVATE_FILE);
    }

    #[test]
    fn a_link_in_the_place_of_a_lock_file_leads_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let (kept, theirs) = (folder.path().join("a"), folder.path().join("theirs"));
        std::fs::write(&theirs, "").expect("written");
        std::os::unix::fs::symlink(&theirs, folder.path().join("a.lock")).expect("linked");
        let refused = Lock::take(&kept).expect_err("a link");
        assert!(matches!(refused, FileError::Refused { .. }), "{refused}");
        assert_eq!(std::fs::read(&theirs).expect("there"), b"");
    }

    #[test]
    fn only_a_plain_file_within_its_bound_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").expect("written");
        assert_eq!(read_text(&path, 5).expect("within"), "12345");
        let larger = read_text(&path, 4).expect_err("too large").to_string();
        assert_eq!(larger, "it is larger than 4 bytes");
        for endless in ["/dev/zero", "/proc/self/fd", "/dev/null"] {
            let refused = read(Path::new(endless), 10).expect_err("no plain file");
            assert_eq!(refused.to_string(), "it is not a regular file", "{endless}");
        }
        std::fs::write(&path, b"a\xff").expect("written");
        let binary = read_text(&path, 5).expect_err("no text").to_string();
        assert_eq!(binary, "it is not text in UTF-8, at byte 1");
    }
}
