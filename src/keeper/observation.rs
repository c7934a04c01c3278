//! Observation: what one pass read from the service, and how an operation failed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::policy::ActivitySource;
use crate::units::{Region, SessionId, Timestamp};

use super::evidence::Evidence;
use super::session::Session;

/// One answer about one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReading {
    /// When the request that was answered was sent; for a retried request, its last sending.
    pub sent: Timestamp,
    /// When the answer had arrived.
    pub received: Timestamp,
    /// What it said.
    pub session: Session,
}

/// The answer to a list: all pages of it. A list may lag behind newer answers about the same
/// sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// When its first page was asked for.
    pub sent: Timestamp,
    /// When its last page had arrived.
    pub received: Timestamp,
    /// The sessions that are Starting or Ready, ours and others'.
    pub sessions: Vec<Session>,
    /// The regions that answered, where the policy names more than one.
    pub listed: BTreeSet<Region>,
    /// Those that did not, and why. Nothing is known of what they hold.
    pub unreachable: BTreeMap<Region, String>,
}

/// One session that a pass must ask for by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionQuery {
    /// The session.
    pub id: SessionId,
    /// The region to ask; `None` for the policy's only one, or where it is not known.
    pub region: Option<Region>,
}

/// What one pass read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The list; `None` where the service did not answer it.
    pub listing: Option<Listing>,
    /// What the service, or the way to it, said instead of a list. Never a secret.
    pub unlisted: Option<String>,
    /// Answers about single sessions.
    pub readings: Vec<SessionReading>,
    /// Sessions that the service said it does not know, and when it was asked.
    pub unknown: Vec<(SessionId, Timestamp)>,
}

/// The latest that an activity source said of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityReading {
    /// The session.
    pub session: SessionId,
    /// The source.
    pub source: ActivitySource,
    /// When it said so.
    pub at: Timestamp,
    /// What it said.
    pub answer: ActivityAnswer,
    /// The last use that it saw, also where it has said otherwise since: it is asked more often
    /// than it is heard.
    pub used: Option<SignOfUse>,
}

/// A sign that a session was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOfUse {
    /// When.
    pub at: Timestamp,
    /// By whom or what, where the source can name it.
    pub by: Option<Evidence>,
}

impl ActivityAnswer {
    /// The use that it tells of.
    pub fn sign(&self) -> Option<SignOfUse> {
        let Self::Used { at, saw } = self else {
            return None;
        };
        let (at, by) = (*at, saw.clone());
        Some(SignOfUse { at, by })
    }
}

/// What an activity source said of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivityAnswer {
    /// It was used.
    Used {
        /// When last.
        at: Timestamp,
        /// By whom or what, where the source can name it.
        saw: Option<Evidence>,
    },
    /// Nothing shows that it is used.
    Unused {
        /// What was seen instead, where the source can name it.
        saw: Option<Evidence>,
    },
    /// The source has nothing yet to compare what it saw with, and will have it by one of its next
    /// looks.
    NotYet,
    /// The source cannot say, which is not the same as silence.
    Unknown {
        /// What is wrong with it.
        why: String,
    },
}

/// One of the five operations of the session API, or the token exchange before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// PUT a session.
    Create,
    /// GET a session.
    Get,
    /// GET all live sessions.
    List,
    /// PATCH a session's lease.
    Extend,
    /// POST `:stop`.
    Stop,
    /// Exchange a credential for an access token.
    Token,
}

impl Operation {
    /// The verb, as in "could not *extend* the session".
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::List => "list",
            Self::Extend => "extend",
            Self::Stop => "stop",
            Self::Token => "get an access token for",
        }
    }
}

/// What kind of failure it was, as far as the keeper must know to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum FailureKind {
    /// 404: the service knows no such session.
    NotFound,
    /// 409: the id exists with other settings.
    Conflict,
    /// 400 or 422: the request itself was refused, and would be again.
    Refused,
    /// 401 or 403: the credential was refused.
    Unauthorized,
    /// 429: the account is to wait until the instant given.
    Throttled {
        /// When requests may be sent again.
        until: Timestamp,
    },
    /// 5xx, a time-out, a broken connection: whether the request took effect is not known.
    Unavailable,
    /// An answer that is not what the protocol says; whether the request took effect is not known.
    Garbled,
}

impl FailureKind {
    /// Whether the request certainly had no effect.
    pub const fn had_no_effect(&self) -> bool {
        !matches!(self, Self::Unavailable | Self::Garbled)
    }
}

/// An operation that failed, in the words in which it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFailure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// The whole sentence, with the service's own words and request id. Never a secret.
    pub message: String,
}
