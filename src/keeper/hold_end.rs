//! When a hold ends by itself, as far as is known now, and by which rule.

use crate::policy::Pool;
use crate::units::Timestamp;

use super::hold::{HoldEnd, HoldRule};
use super::rules::idle::idle_since;
use super::state::ManagedSession;

/// When the hold on a session ends if nothing more is heard of its client; `None` where no rule
/// ends it. Of rules that end it at one instant the one is told that cannot be put off.
pub(super) fn hold_end(now: Timestamp, pool: &Pool, session: &ManagedSession) -> Option<HoldEnd> {
    let hold = session.hold.as_ref()?;
    let after = |from: Option<Timestamp>, length| Some(from? + length?);
    let closes = closes(now, pool);
    let ends = [
        (HoldRule::MaxHold, after(Some(hold.since), pool.max_hold)),
        (HoldRule::Schedule, closes),
        (
            HoldRule::HoldTimeout,
            after(session.last_sign(), pool.hold_timeout),
        ),
        (
            HoldRule::IdleTimeout,
            after(idle_since(session), pool.idle_timeout),
        ),
    ];
    // Whoever asked to stay is not ended before by what can be put off.
    let put_off = |by, at| match by {
        HoldRule::Schedule => at,
        _ => hold.snoozed.map_or(at, |until| until.max(at)),
    };
    ends.into_iter()
        .filter_map(|(by, at)| {
            let at = put_off(by, at?);
            Some(HoldEnd { at, by })
        })
        .min_by_key(|end| end.at)
}

/// When the schedule ends whatever is held now: its next closing, and where the pool drains that
/// much later.
pub(super) fn closes(now: Timestamp, pool: &Pool) -> Option<Timestamp> {
    let drains = pool.drain_limit.unwrap_or_default();
    let last = pool.schedule.last_edge(now).map(|edge| edge.at + drains);
    let draining = last.filter(|at| *at > now && !pool.schedule.is_open(now));
    draining.or_else(|| {
        let next = pool.schedule.next_edge(now)?;
        // What is held before the schedule opens was warmed up for it.
        let closes = match next.opens {
            true => pool.schedule.next_edge(next.at)?,
            false => next,
        };
        Some(closes.at + drains)
    })
}
