//! A session as the service describes it.
//!
//! Accepts words that a newer service may send: they are kept, treated as live and billing, and
//! reported.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::units::{Minutes, Region, SessionId, Size, Timestamp};

/// Where a session is in its life, by the service's own word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// A server is being found and booted; nothing is billed yet.
    Starting,
    /// A server is up and billing.
    Ready,
    /// Ended by a stop.
    Stopped,
    /// Ended by its lease.
    Expired,
    /// Ended by a failure of the service.
    Error,
    /// A word this version does not know: live and billing as far as we can tell.
    Other(Arc<str>),
}

impl Status {
    /// True where nothing can happen to the session any more, and nothing is billed.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Stopped | Self::Expired | Self::Error)
    }

    /// How far the session is in its life. A session never goes back, so an answer with a lower
    /// rank is an older one.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Starting => 0,
            Self::Ready | Self::Other(_) => 1,
            Self::Stopped | Self::Expired | Self::Error => 2,
        }
    }

    /// The service's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Starting => "Starting",
            Self::Ready => "Ready",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
            Self::Error => "Error",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        [
            Self::Starting,
            Self::Ready,
            Self::Stopped,
            Self::Expired,
            Self::Error,
        ]
        .into_iter()
        .find(|s| s.as_str().eq_ignore_ascii_case(&word))
        .unwrap_or_else(|| Self::Other(word.into()))
    }
}
impl From<Status> for String {
    fn from(s: Status) -> Self {
        s.as_str().into()
    }
}
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One session, as one answer of the service described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id, chosen by whoever created it.
    pub id: SessionId,
    /// The region that told of it, where the policy names more than one.
    pub region: Option<Region>,
    /// The kind of server.
    pub size: Size,
    /// Where it is in its life.
    pub status: Status,
    /// Its lease, counted from Ready.
    pub max_lease: Minutes,
    /// Whole minutes in Ready, rounded down; final once the status is terminal.
    pub elapsed: Minutes,
    /// When it was created, if the service says.
    pub created: Option<Timestamp>,
    /// Where a client connects, while Ready.
    #[serde(flatten)]
    pub address: Option<Address>,
    /// The server's speed, once known, as the service writes the number.
    pub teraflops: Option<String>,
    /// Why it ended in Error: the service's `code: message`.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_word_and_reads_back_whatever_its_case() {
        for word in ["Starting", "Ready", "Stopped", "Expired", "Error", "Odd"] {
            let status = Status::from(word.to_owned());
            assert_eq!(String::from(status.clone()), word);
            let shouted = Status::from(word.to_uppercase());
            match status {
                Status::Other(_) => assert_eq!(shouted.as_str(), "ODD"),
                known => assert_eq!(shouted, known),
            }
        }
    }
}
