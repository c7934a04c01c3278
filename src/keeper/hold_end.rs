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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::hold::Hold;
    use crate::keeper::tests::fixtures::{ago, now, pool, ready};
    use crate::policy::Schedule;
    use crate::units::Span;

    /// It is open on Mondays from eight to six, and drains for an hour.
    fn drains() -> Pool {
        let window = "Mon 08:00-18:00 UTC".parse().expect("a window");
        Pool {
            schedule: Schedule::new(vec![window]),
            drain_limit: Some(Span::hours(1)),
            ..pool("a")
        }
    }

    #[test]
    fn a_pool_closes_when_it_has_drained_after_the_end_of_its_present_or_next_window() {
        let at = |minutes: i64| closes(now() + Span::minutes(minutes), &drains());
        let today = Some(now() + Span::hours(11));
        assert_eq!(at(-30), today, "warmed up for this window");
        assert_eq!(at(0), today);
        assert_eq!(at(30), today, "an opening does not drain");
        assert_eq!(at(10 * 60), today);
        assert_eq!(at(11 * 60 - 1), today);
        let next_week = today.map(|at| at + Span::hours(7 * 24));
        assert_eq!(at(11 * 60), next_week, "nothing of today is left");
        assert_eq!(closes(now(), &pool("a")), None);
    }

    #[test]
    fn who_asked_to_stay_is_ended_by_nothing_before_but_the_schedule() {
        let mut session = ready(0, 0);
        let until = now() + Span::hours(20);
        session.hold = Some(Hold {
            snoozed: Some(until),
            ..Hold::of("ann", ago(4))
        });
        let mut pool = Pool {
            max_hold: Some(Span::hours(1)),
            ..drains()
        };
        let ends = |pool: &Pool| hold_end(now(), pool, &session);
        let (at, by) = (now() + Span::hours(11), HoldRule::Schedule);
        assert_eq!(ends(&pool), Some(HoldEnd { at, by }));
        pool.schedule = Schedule::always();
        let (at, by) = (until, HoldRule::MaxHold);
        assert_eq!(ends(&pool), Some(HoldEnd { at, by }));
    }
}
