//! Usage: who wants a session of which pool, and when.

use crate::units::{PoolName, Timestamp};

/// One client's wish for a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The pool it wants a session of.
    pub pool: PoolName,
    /// The client's name for itself.
    pub client: String,
}
