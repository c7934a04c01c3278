//! What a session service allows, whichever it is.
//!
//! Plain data: the implementation of a service states it, and the keeper plans within it.

use crate::units::Minutes;

/// What a session service allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest lease that a session can be created with.
    pub largest_create: Minutes,
    /// How a lease can be extended; `None` where it cannot.
    pub extension: Option<ExtensionLimits>,
}

impl Limits {
    /// The longest that any lease can be.
    pub fn longest_lease(self) -> Minutes {
        let extended = self.extension.map(|extension| extension.largest_total);
        self.largest_create.max(extended.unwrap_or_default())
    }

    /// How long a session can live that is wanted for `wanted` minutes: no longer than the service
    /// extends a lease, and no longer than its first `lease` where it extends none.
    pub fn longest_life(self, wanted: Minutes, lease: Minutes) -> Minutes {
        match self.extension {
            Some(extension) => wanted.min(extension.largest_total),
            None => wanted.min(lease).min(self.largest_create),
        }
    }
}

/// How a lease can be extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionLimits {
    /// The longest a lease can become, counted from Ready.
    pub largest_total: Minutes,
    /// The least that an extension must add.
    pub smallest_step: Minutes,
}
