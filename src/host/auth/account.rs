//! The accounts that the service serves.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Builder;

use crate::units::Secret;

use super::key::{self, KeyError};

/// One account and the key that gets in.
#[derive(Clone, Debug)]
pub struct HostAccount {
    /// Its id, a UUID.
    pub id: String,
    /// Its key.
    pub key: Secret,
}

impl HostAccount {
    /// An account with a key made afresh.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn fresh() -> Result<Self, KeyError> {
        Ok(Self::with_key(key::fresh()?))
    }

    /// The account that goes with a key that was made here: the same key gives the same account, so
    /// that a policy that names both is good again after a restart.
    fn with_key(key: Secret) -> Self {
        // One way only: of a random key of that length an id tells nothing.
        let hash = digest(&SHA256, key.expose().as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        Self {
            id: Builder::from_custom_bytes(bytes).into_uuid().to_string(),
            key,
        }
    }

    /// An account whose key stands in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn from_file(id: &str, path: &Path) -> Result<Self, KeyError> {
        Ok(Self {
            id: id.into(),
            key: key::read(path)?,
        })
    }

    /// The account that an earlier start made, by the file that it wrote the key to; none where
    /// there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn from_key_file(path: &Path) -> Result<Option<Self>, KeyError> {
        Ok(key::find(path)?.map(Self::with_key))
    }

    /// Sees to it that the key stands in a file that only its owner can read. A file that is there
    /// is never written over.
    ///
    /// # Errors
    /// If the file holds anything else, or cannot be read or written.
    pub fn place_key(&self, path: &Path) -> Result<(), KeyError> {
        key::place(&self.key, path)
    }
}
