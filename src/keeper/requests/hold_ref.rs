//! The name of a hold, as its client has it.

use std::fmt;
use std::str::FromStr;

use crate::keeper::state::ManagedSession;
use crate::units::{BadId, HoldId, SessionId};

/// What a client names to give it back: the hold, or a session that it was given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldRef {
    /// The hold, or a place in the queue.
    Hold(HoldId),
    /// The session that is held, or one that it succeeds.
    Session(SessionId),
}

impl HoldRef {
    /// Whether a session is on that hold.
    pub(super) fn names(&self, managed: &ManagedSession) -> bool {
        managed.hold.as_ref().is_some_and(|hold| match self {
            Self::Hold(id) => hold.id == *id,
            Self::Session(id) => managed.id == *id || hold.former.contains(id),
        })
    }
}

impl FromStr for HoldRef {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        text.parse()
            .map(Self::Hold)
            .or_else(|_| text.parse().map(Self::Session))
    }
}

impl fmt::Display for HoldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(id) => id.fmt(f),
            Self::Session(id) => id.fmt(f),
        }
    }
}
