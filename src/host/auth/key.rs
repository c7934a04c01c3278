//! Keys: bytes that nobody can guess, their text, and the file that holds one.
//!
//! Promises: a file that is there is read or refused, and never written over; a new one appears as
//! a whole, and only its owner can read it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use aws_lc_rs::{constant_time, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::files::{self, FileError};
use crate::units::Secret;

/// The bytes of a key: as long as the hash that signs with it.
pub(in crate::host) const KEY_BYTES: usize = 32;
/// The most bytes of a key file that are read.
const LONGEST_FILE: u64 = 4_096;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a key")]
    Random(#[source] aws_lc_rs::error::Unspecified),
    /// The key's file cannot be read or written.
    #[error("could not {doing} {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds nothing.
    #[error("the key file {} is empty", .0.display())]
    Empty(PathBuf),
    /// The file of a made account's key holds something else.
    #[error(
        "{} holds something other than a key that was made here, and was left as it is",
        .0.display()
    )]
    Foreign(PathBuf),
    /// The file of a made account's key holds another one.
    #[error("{} holds another account's key, and was left as it is", .0.display())]
    Another(PathBuf),
}

impl crate::report::Hint for KeyError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Random(_) | Self::File { .. } => None,
            Self::Empty(_) => Some("write the account's key into it".into()),
            Self::Foreign(_) | Self::Another(_) => Some("give another --key-file".into()),
        }
    }
}

impl From<FileError> for KeyError {
    fn from(error: FileError) -> Self {
        let (doing, path, source) = error.into_parts();
        Self::File {
            doing,
            path,
            source,
        }
    }
}

/// Random bytes that nobody can guess.
pub(in crate::host) fn random() -> Result<[u8; KEY_BYTES], KeyError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// A new key.
pub(super) fn fresh() -> Result<Secret, KeyError> {
    Ok(Secret::new(&STANDARD.encode(random()?)))
}

/// Compares without telling by its duration where the first difference is.
pub(in crate::host) fn is_same(given: &str, right: &Secret) -> bool {
    constant_time::verify_slices_are_equal(given.as_bytes(), right.expose().as_bytes()).is_ok()
}

/// The key in a file that somebody wrote for an account of their own.
pub(super) fn read(path: &Path) -> Result<Secret, KeyError> {
    let key = Secret::new(&files::read_text(path, LONGEST_FILE)?);
    if key.expose().is_empty() {
        return Err(KeyError::Empty(path.into()));
    }
    Ok(key)
}

/// The key that an earlier start wrote to a file, if the file is there. The file is made private
/// again where others could read it.
pub(super) fn find(path: &Path) -> Result<Option<Secret>, KeyError> {
    let text = match files::read_private(path, LONGEST_FILE) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let key = Secret::new(&text);
    let made_here = STANDARD
        .decode(key.expose())
        .is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    if !made_here {
        return Err(KeyError::Foreign(path.into()));
    }
    files::narrow(path)?;
    Ok(Some(key))
}

/// Writes a key to a new file, or finds it there.
pub(super) fn place(key: &Secret, path: &Path) -> Result<(), KeyError> {
    match find(path)? {
        Some(there) if is_same(there.expose(), key) => Ok(()),
        Some(_) => Err(KeyError::Another(path.into())),
        None => Ok(files::write_new(path, &format!("{}\n", key.expose()))?),
    }
}
