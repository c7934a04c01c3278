//! When a hold ends by itself, as far as is known now, and by which rule.

use std::iter::successors;

use crate::policy::{Edge, Pool};
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

/// How many closings are looked at that may end nothing: two a day for a week, after which they
/// come again.
const MOST_CLOSINGS: usize = 14;

/// When the schedule ends whatever is held now: its next closing, and where the pool drains that
/// much later. A pool that is open or warmed up again by then ends nothing.
pub(super) fn closes(now: Timestamp, pool: &Pool) -> Option<Timestamp> {
    let schedule = &pool.schedule;
    let drains = pool.drain_limit.unwrap_or_default();
    let closing = |after| {
        let next = schedule.next_edge(after)?;
        // What is held before the schedule opens was warmed up for it.
        match next.opens {
            true => schedule.next_edge(next.at),
            false => Some(next),
        }
    };
    let last = schedule.last_edge(now);
    let draining = last.filter(|edge| !edge.opens && edge.at + drains > now);
    let first = draining.or_else(|| closing(now));
    let ends = |edge: &Edge| {
        let at = edge.at + drains;
        let opens = schedule.next_edge(edge.at);
        opens.is_none_or(|opens| at < opens.at) && !pool.is_open_within(at, pool.boot_timeout)
    };
    let mut closings = successors(first, |edge| closing(edge.at)).take(MOST_CLOSINGS);
    closings.find(ends).map(|edge| edge.at + drains)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::hold::Hold;
    use crate::keeper::tests::fixtures::{ago, now, pool, ready};
    use crate::policy::{Reservation, Schedule};
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
    fn what_opens_again_before_it_has_drained_or_is_warmed_up_for_that_ends_nothing() {
        let open = |windows: [&str; 2]| {
            Schedule::new(windows.map(|w| w.parse().expect("a window")).into())
        };
        let mut pool = Pool {
            schedule: open(["Mon 08:00-12:00 UTC", "Mon 13:00-18:00 UTC"]),
            boot_timeout: Span::minutes(10),
            ..pool("a")
        };
        // In minutes from eight.
        let at = |pool: &Pool, minutes| {
            let at = closes(now() + Span::minutes(minutes), pool);
            at.map(|at| (at - now()).as_secs() / 60)
        };
        pool.drain_limit = Some(Span::minutes(59));
        assert_eq!(at(&pool, 60), Some(4 * 60 + 59));
        assert_eq!(at(&pool, 4 * 60 + 30), Some(4 * 60 + 59));
        pool.drain_limit = Some(Span::minutes(60));
        assert_eq!(at(&pool, 60), Some(11 * 60));
        assert_eq!(at(&pool, 4 * 60 + 30), Some(11 * 60));
        pool.prewarm = true;
        pool.drain_limit = Some(Span::minutes(49));
        assert_eq!(at(&pool, 60), Some(4 * 60 + 49));
        pool.drain_limit = Some(Span::minutes(50));
        assert_eq!(at(&pool, 60), Some(10 * 60 + 50));
        pool.drain_limit = Some(Span::hours(24 * 7));
        assert_eq!(at(&pool, 60), None, "it opens again every week");
    }

    #[test]
    fn what_a_reservation_is_warmed_up_for_when_the_pool_closes_ends_with_that_reservation() {
        let ends = |minutes| {
            let mut pool = Pool {
                boot_timeout: Span::minutes(10),
                reservation_grace: Span::ZERO,
                drain_limit: None,
                ..drains()
            };
            let closes_at = now() + Span::hours(10);
            pool.book(vec![Reservation {
                from: closes_at + Span::minutes(minutes),
                to: closes_at + Span::hours(1),
                uid: String::new(),
                summary: String::new(),
            }]);
            closes(now(), &pool).map(|at| at - closes_at)
        };
        assert_eq!(ends(10), Some(Span::hours(1)));
        assert_eq!(ends(11), Some(Span::ZERO));
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
