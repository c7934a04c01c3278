//! One client's visit: whom it asks for what, how it behaves, and how far it has come.

use crate::units::{PoolName, SessionId, Span, Timestamp};

/// One client's visit, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientVisit {
    /// The client's name for itself.
    pub client: String,
    /// The pool it wants a session of.
    pub pool: PoolName,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Whether it sends heartbeats, as a client that renders does.
    pub heartbeats: bool,
    /// Whether it releases its session; one that crashed does not.
    pub releases: bool,
    /// What came of it.
    pub progress: VisitProgress,
}

/// What came of a visit so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisitProgress {
    /// How long it waited for its first session; `None` while it has none.
    pub waited: Option<Span>,
    /// Whether its first session was there when it came.
    pub warm: bool,
    /// Sessions that ended under it.
    pub lost: u32,
    /// The session it is connected to.
    pub session: Option<SessionId>,
    /// How often in a row it has asked in vain.
    pub(super) attempts: u32,
    /// When it acts next.
    pub(super) next: Timestamp,
    /// Whether the visit is over.
    pub over: bool,
}

impl ClientVisit {
    /// A visit of a well-behaved client.
    pub fn new(client: String, pool: PoolName, from: Timestamp, to: Timestamp) -> Self {
        Self {
            client,
            pool,
            from,
            to,
            heartbeats: true,
            releases: true,
            progress: VisitProgress::default(),
        }
    }
}
