//! The seam between the keeper and the live session service.
//!
//! [`Service`] is what the executor talks to. It has a real form, `arr::Client`, and an in-memory form in the simulator.
//! Every answer carries the instants between which the service worked it out, because a reading takes time.

use std::fmt;
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::keeper::Session;
use crate::units::{Minutes, SessionId, Size, Timestamp};

/// One answer about one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When the request that was answered was sent; for a retried request, its last sending.
    pub sent: Timestamp,
    /// When the answer had arrived.
    pub received: Timestamp,
    /// What it said.
    pub session: Session,
}

/// The answer to a list: all pages of it. A list may lag behind newer answers about the same sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// When its first page was asked for.
    pub sent: Timestamp,
    /// When its last page had arrived.
    pub received: Timestamp,
    /// The sessions that are Starting or Ready, ours and others'.
    pub sessions: Vec<Session>,
}

/// One of the five operations of the session API, or the token exchange before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// A request to the service that failed, after all the retries it was entitled to.
#[derive(Clone, Debug, thiserror::Error)]
pub struct ServiceError {
    /// What was being done.
    pub operation: Operation,
    /// To which session, if to one.
    pub session: Option<SessionId>,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What happened, in words, with the service's own `code: message` where it sent one. Never a secret.
    pub detail: String,
    /// The service's `MS-CV`, for whoever runs it.
    pub request_id: Option<String>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} ", self.operation.verb())?;
        match (&self.session, self.operation) {
            (Some(id), _) => write!(f, "session {id}")?,
            (None, Operation::Token) => write!(f, "the account")?,
            (None, _) => write!(f, "sessions")?,
        }
        write!(f, ": {}", self.detail)?;
        match &self.request_id {
            Some(cv) => write!(f, " (MS-CV {cv})"),
            None => Ok(()),
        }
    }
}

/// What the executor asks of the live session service. Implementations retry inside a deadline of their own.
pub trait Service: Send + Sync {
    /// PUT: creates the session, or finds that the same one exists.
    fn create(
        &self,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> impl Future<Output = Result<Answer, ServiceError>> + Send;
    /// GET one session, live or ended.
    fn get(&self, id: &SessionId) -> impl Future<Output = Result<Answer, ServiceError>> + Send;
    /// GET all live sessions of the account.
    fn list(&self) -> impl Future<Output = Result<Listing, ServiceError>> + Send;
    /// PATCH: sets the total lease, which must be larger than the present one.
    fn extend(&self, id: &SessionId, lease: Minutes) -> impl Future<Output = Result<Answer, ServiceError>> + Send;
    /// POST `:stop`. Success means the stop was accepted, not yet that the session has ended.
    fn stop(&self, id: &SessionId) -> impl Future<Output = Result<(), ServiceError>> + Send;
}
