//! The rule of rollover: a session cannot outlive its cap, its slot can.
//!
//! Before a session reaches the end of its life (`max_lifetime`, and never more than the service's
//! cap) a successor is created, early enough to be Ready by then. The old one is stopped as soon as
//! its successor is Ready and nobody uses it, at the latest at the end of its life.

use crate::policy::Pool;
use crate::units::{Minutes, Span, Timestamp};

use super::lease::LARGEST_UPDATE;
use super::state::ManagedSession;

/// How long sessions of a pool can live: an extension must stay below the service's cap.
pub(super) fn lifetime(pool: &Pool) -> Minutes {
    pool.max_lifetime.min(LARGEST_UPDATE)
}

/// The end of a session's life at the earliest; `None` while its ready time is not known.
pub(super) fn end_of_life(pool: &Pool, managed: &ManagedSession) -> Option<Timestamp> {
    Some(managed.clock?.earliest_expiry(lifetime(pool)))
}

/// When the successor is to be asked for: one boot time-out before the end, but not in the first
/// three quarters of a short life.
pub(super) fn successor_due(pool: &Pool, managed: &ManagedSession) -> Option<Timestamp> {
    let lead = pool.boot_timeout.min(lifetime(pool).span().div(4));
    Some(end_of_life(pool, managed)? - lead)
}

/// Whether two sessions of one slot are old and successor. Bounds that were measured afresh may
/// differ by a minute, so a successor is still known as one when its time seems not quite come.
pub(super) fn may_have_successor(pool: &Pool, managed: &ManagedSession, now: Timestamp) -> bool {
    successor_due(pool, managed).is_some_and(|due| due - Span::minutes(2) <= now)
}
