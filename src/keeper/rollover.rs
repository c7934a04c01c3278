//! Rollover: a session cannot outlive its cap, its slot can.
//!
//! Before a session reaches the end of its life a successor is created, early enough to be Ready by
//! then. The old one is stopped as soon as its successor is Ready and nobody uses it, at the latest
//! at the end of its life.

use crate::policy::{Limits, Pool};
use crate::units::{Span, Timestamp};

use super::rules::lifetime::{end_of_life, lifetime};
use super::state::ManagedSession;

/// When the successor is to be asked for: one boot time-out before the end, but not in the first
/// three quarters of a short life.
pub(super) fn successor_due(
    pool: &Pool,
    limits: Limits,
    session: &ManagedSession,
) -> Option<Timestamp> {
    let lead = pool.boot_timeout.min(lifetime(pool, limits).span().div(4));
    Some(end_of_life(pool, limits, session)? - lead)
}

/// Whether two sessions of one slot are old and successor. Bounds that were measured afresh may
/// differ by a minute, so a successor is still known as one when its time seems not quite come.
pub(super) fn may_have_successor(
    pool: &Pool,
    limits: Limits,
    session: &ManagedSession,
    now: Timestamp,
) -> bool {
    successor_due(pool, limits, session).is_some_and(|due| due - Span::minutes(2) <= now)
}
