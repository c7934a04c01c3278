//! The idle rule.
//!
//! A session is idle since the latest of: ready, acquired, last activity, given back. After
//! `idle_timeout` it is stopped and its slot parked until a client asks, the schedule opens again,
//! or a person wakes it. Spare sessions are not idle, they are stock: the schedule and the budget
//! bound them.

use std::collections::BTreeSet;

use crate::policy::Pool;
use crate::units::{SessionId, Timestamp};

use super::lease::LeaseClock;
use super::mutation::{self, Mutation};
use super::state::ManagedSession;

/// Since when a Ready session is idle; `None` while its ready time is not known and nothing else
/// is.
pub(super) fn idle_since(managed: &ManagedSession) -> Option<Timestamp> {
    let ready = managed.clock.map(LeaseClock::latest);
    let acquired = managed.hold.as_ref().map(|h| h.since);
    ready
        .max(acquired)
        .max(managed.active)
        .max(managed.released)
}

/// When the idle rule stops a session; `None` where it never does.
pub(super) fn idle_deadline(pool: &Pool, managed: &ManagedSession) -> Option<Timestamp> {
    managed.is_ready().then_some(())?;
    let timeout = pool.idle_timeout?;
    let timeout = if mutation::on(Mutation::StopIdleLate) {
        timeout.times(2)
    } else {
        timeout
    };
    Some(idle_since(managed)? + timeout)
}

/// Which of a pool's sessions, given in the order of their slots, are stock: the first `spare` that
/// nobody uses, those that are Ready before those that boot.
pub(super) fn stock<'a>(
    pool: &Pool,
    sessions: &[&'a ManagedSession],
    now: Timestamp,
) -> BTreeSet<&'a SessionId> {
    let unused = |ready: bool| {
        let fits = move |k: &&&'a ManagedSession| {
            k.is_ready() == ready && !k.in_use(now, pool.idle_timeout)
        };
        sessions.iter().filter(fits).map(|k| &k.id)
    };
    unused(true)
        .chain(unused(false))
        .take(pool.spare as usize)
        .collect()
}
