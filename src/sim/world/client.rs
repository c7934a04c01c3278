//! Clients: whoever wants a session for a while.
//!
//! A client asks until it is given one, connects, shows that it is there, and gives the session
//! back. Where its session ends under it, it asks again.

use crate::units::{PoolName, SessionId, Span, Timestamp};

/// The pause between two tries to acquire.
pub(super) const ASK_AGAIN: Span = Span::seconds(10);
/// After so many tries in a row, a client is patient.
pub(super) const EAGER_TRIES: u32 = 18;
/// The pause of a patient client.
pub(super) const ASK_LATER: Span = Span::minutes(2);

/// One client's visit, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The client's name for itself.
    pub client: String,
    /// The pool it wants a session of.
    pub pool: PoolName,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Whether it shows that it is there, as a client that renders does.
    pub beats: bool,
    /// Whether it gives its session back; one that crashed does not.
    pub releases: bool,
    /// What came of it.
    pub served: Served,
}

/// What came of a visit so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// How long it waited for its first session; `None` while it has none.
    pub waited: Option<Span>,
    /// Whether its first session was there when it came.
    pub warm: bool,
    /// Sessions that ended under it.
    pub lost: u32,
    /// The session it is connected to.
    pub session: Option<SessionId>,
    /// How often in a row it has asked in vain.
    pub(super) tries: u32,
    /// When it acts next.
    pub(super) next: Timestamp,
    /// Whether the visit is over.
    pub over: bool,
}

impl Guest {
    /// A well-behaved client's wish.
    pub fn new(client: String, pool: PoolName, from: Timestamp, to: Timestamp) -> Self {
        Self {
            client,
            pool,
            from,
            to,
            beats: true,
            releases: true,
            served: Served::default(),
        }
    }
}
