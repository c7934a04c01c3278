//! Renewal: a lease is renewed when half of it is spent, by just enough.
//!
//! Due at half of the lease (T1 of DHCP), an alarm when an eighth is left (T2). The new total
//! reaches one lease ahead, so exposure never grows. Decided by the earliest possible expiry.
//! Leases that would be due within a sixteenth are renewed with one that is due, so that many
//! sessions do not each need a pass of their own. No wait between two tries takes more than a
//! quarter of the time that is left. A lease that has run out is not renewed, unless the service
//! says afterwards that the session is Ready. What the budgets allow of it is not decided here.

use crate::keeper::lease::{LeaseClock, alarm_at, renew_at, renewable_at, renewed_total};
use crate::keeper::reason::Reason;
use crate::keeper::state::ManagedSession;
use crate::policy::{Limits, Pool};
use crate::units::{Minutes, Span, Timestamp};

use super::lifetime::lifetime;

/// How soon to look again while a lease is about to end or a renewal is urgent.
const SOON: Span = Span::seconds(5);
/// The longest wait between two tries to renew a lease.
const LONGEST_WAIT: Span = Span::minutes(1);
/// A renewal that is due within this part of its lease is due shortly.
const SHORTLY: i64 = 16;

/// One session that stays, as the rule sees it.
pub(in crate::keeper) struct RenewalContext<'a> {
    pub(in crate::keeper) now: Timestamp,
    pub(in crate::keeper) pool: &'a Pool,
    pub(in crate::keeper) limits: Limits,
    pub(in crate::keeper) session: &'a ManagedSession,
    /// The lease that it can have at the most: its pool's, unless a cap on exposure is smaller.
    pub(in crate::keeper) lease: Minutes,
    /// Whether some lease is due for certain, so that a pass asks the service anyway.
    pub(in crate::keeper) any_due: bool,
}

/// What the rule says.
pub(in crate::keeper) struct Renewal {
    /// The total to ask for now, if any, before budgets have their say.
    pub(in crate::keeper) ask: Option<Minutes>,
    /// Why, or why not.
    pub(in crate::keeper) reason: Reason,
    /// Whether an eighth of the lease or less is left and it could not be renewed yet.
    pub(in crate::keeper) alarm: bool,
    /// When to look again.
    pub(in crate::keeper) recheck: Recheck,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Recheck {
    /// Other rules know.
    Unneeded,
    /// When the service is expected to have news.
    Soon,
    /// At an instant.
    At(Timestamp),
}

impl Renewal {
    const fn none(reason: Reason, recheck: Recheck) -> Self {
        Self {
            ask: None,
            reason,
            alarm: false,
            recheck,
        }
    }
}

/// When a session's lease is due for renewal; `None` while it is not Ready.
pub(in crate::keeper) fn due_at(session: &ManagedSession, lease: Minutes) -> Option<Timestamp> {
    let clock = session.clock.filter(|_| session.is_ready())?;
    Some(renew_at(clock, session.granted, lease))
}

/// Whether a lease is to be renewed now.
pub(in crate::keeper) fn rule(context: &RenewalContext<'_>) -> Renewal {
    let (now, pool, session) = (context.now, context.pool, context.session);
    let Some(clock) = session.clock.filter(|_| session.is_ready()) else {
        let (since, until) = (session.created, session.created + pool.boot_timeout);
        return Renewal::none(Reason::Booting { since, until }, Recheck::Unneeded);
    };
    let (granted, lease) = (session.granted, context.lease);
    let due = renew_at(clock, granted, lease);
    let shortly = context.any_due && due - lease.span().div(SHORTLY) <= now;
    if due > now && !shortly {
        return Renewal::none(Reason::NotDue { renew_at: due }, Recheck::At(due));
    }
    let cap = lifetime(pool, context.limits);
    let step = context.limits.extension.map(|e| e.smallest_step);
    let ends = clock.latest_expiry(granted);
    let Some((step, renewable)) =
        step.and_then(|step| Some((step, renewable_at(clock, granted, lease, step, cap)?)))
    else {
        let recheck = if ends < now {
            Recheck::Soon
        } else {
            Recheck::At(ends + Span::seconds(1))
        };
        return Renewal::none(Reason::RunsOut { ends }, recheck);
    };
    let urgent = alarm_at(clock, granted, lease) <= now;
    // A pass may wait for a silent service from before the last eighth until after the end.
    let alarm = urgent && session.retry.failures > 0;
    if ends < now && !outlives_lease(session) {
        return Renewal {
            alarm,
            ..Renewal::none(Reason::RunsOut { ends }, Recheck::Soon)
        };
    }
    let recheck = if urgent {
        now + longest_wait(now, clock.earliest_expiry(granted))
    } else {
        alarm_at(clock, granted, lease)
    };
    let wait = |renew_at: Timestamp, recheck: Timestamp| Renewal {
        alarm,
        ..Renewal::none(Reason::NotDue { renew_at }, Recheck::At(recheck))
    };
    let Some(wanted) = renewed_total(now, clock, granted, pool.lease, step, cap) else {
        return wait(due, recheck.min(renewable));
    };
    if !session.retry.allows(now) {
        let at = session.retry.not_before.unwrap_or(now);
        return wait(at, recheck.min(at));
    }
    Renewal {
        ask: Some(wanted),
        reason: half_spent(now, clock, granted, pool.lease),
        // What comes of this try says whether there is anything to be alarmed about.
        alarm: false,
        recheck: Recheck::At(recheck),
    }
}

/// The longest wait between two tries to renew a lease that can end at `ends`: a quarter of what is
/// left, so that there is always another one.
pub(in crate::keeper) fn longest_wait(now: Timestamp, ends: Timestamp) -> Span {
    (ends - now).div(4).max(SOON).min(LONGEST_WAIT)
}

/// Whether the service said that a session is Ready after its lease must have run out.
pub(in crate::keeper) fn outlives_lease(session: &ManagedSession) -> bool {
    let ends = session
        .clock
        .map(|clock| clock.latest_expiry(session.granted));
    session.is_ready()
        && session
            .last_read
            .zip(ends)
            .is_some_and(|(read, ends)| read > ends)
}

fn half_spent(now: Timestamp, clock: LeaseClock, granted: Minutes, lease: Minutes) -> Reason {
    Reason::LeaseHalfSpent {
        left: clock.earliest_expiry(granted) - now,
        lease,
    }
}

/// The least by which a lease that an exposure cap shortens is extended: an eighth, so that a cap
/// that binds does not cost a request a minute for each session; the smallest step that the service
/// takes where it is urgent.
pub(in crate::keeper) fn least_step(lease: Minutes, limits: Limits, urgent: bool) -> Minutes {
    let smallest = limits
        .extension
        .map_or(Minutes::new(1), |e| e.smallest_step);
    if urgent {
        smallest
    } else {
        Minutes::new(lease.get() / 8).max(smallest)
    }
}

/// Whether an eighth of a lease or less is left.
pub(in crate::keeper) fn is_urgent(
    now: Timestamp,
    session: &ManagedSession,
    lease: Minutes,
) -> bool {
    session
        .clock
        .is_some_and(|clock| alarm_at(clock, session.granted, lease) <= now)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, LIMITS, case, minutes, now};
    use super::*;
    use crate::policy::ExtensionLimits;

    fn judge(case: &Case, limits: Limits, any_due: bool) -> Renewal {
        rule(&RenewalContext {
            now: now(),
            pool: &case.pool,
            limits,
            session: &case.session,
            lease: case.pool.lease,
            any_due,
        })
    }

    fn renewal(age: i64, any_due: bool, failures: u32) -> Renewal {
        let mut case = case();
        case.ready(
            now() - minutes(age) - Span::seconds(1),
            now() - minutes(age),
        );
        case.session.retry.failures = failures;
        case.session.retry.not_before = (failures > 0).then(|| now() + minutes(3));
        judge(&case, LIMITS, any_due)
    }

    #[test]
    fn a_lease_of_twenty_minutes_is_asked_for_at_ten_and_with_others_a_little_before() {
        assert_eq!(renewal(8, false, 0).ask, None);
        assert_eq!(renewal(9, false, 0).ask, None);
        assert_eq!(renewal(9, true, 0).ask, Some(Minutes::new(29)));
        assert_eq!(renewal(10, false, 0).ask, Some(Minutes::new(30)));
    }

    #[test]
    fn a_failure_is_waited_out_and_raises_the_alarm_when_an_eighth_is_left() {
        let waits = renewal(12, true, 1);
        assert_eq!((waits.ask, waits.alarm), (None, false));
        let urgent = renewal(18, true, 1);
        assert_eq!((urgent.ask, urgent.alarm), (None, true));
    }

    #[test]
    fn a_wait_leaves_time_for_another_try() {
        let left = |seconds| longest_wait(now(), now() + Span::seconds(seconds)).as_secs();
        assert_eq!([600, 100, 40, 20, 3, -90].map(left), [60, 25, 10, 5, 5, 5]);
    }

    fn with_limits(limits: Limits) -> Renewal {
        let mut case = case();
        case.ready(now() - minutes(10) - Span::seconds(1), now() - minutes(10));
        rule(&RenewalContext {
            now: now(),
            pool: &case.pool,
            limits,
            session: &case.session,
            lease: case.pool.lease,
            any_due: false,
        })
    }

    #[test]
    fn a_service_that_extends_no_lease_is_not_asked_to() {
        let limits = Limits {
            extension: None,
            ..LIMITS
        };
        let renewal = with_limits(limits);
        assert!(matches!(renewal.reason, Reason::RunsOut { .. }));
        assert_eq!(renewal.ask, None);
    }

    #[test]
    fn no_extension_is_smaller_than_the_service_takes() {
        let in_steps_of = |step| Limits {
            extension: Some(ExtensionLimits {
                largest_total: Minutes::new(600),
                smallest_step: Minutes::new(step),
            }),
            ..LIMITS
        };
        assert_eq!(with_limits(in_steps_of(10)).ask, Some(Minutes::new(30)));
        let waits = with_limits(in_steps_of(11));
        assert_eq!(waits.ask, None);
        assert_eq!(waits.recheck, Recheck::At(now() + Span::millis(1)));
    }

    #[test]
    fn a_lease_that_has_run_out_is_not_asked_for_again() {
        let over = renewal(21, true, 0);
        assert!(matches!(over.reason, Reason::RunsOut { .. }));
        assert_eq!((over.ask, over.recheck), (None, Recheck::Soon));
        assert!(!over.alarm);
    }

    #[test]
    fn a_lease_that_ran_out_while_a_pass_waited_for_the_service_is_an_alarm_all_the_same() {
        let over = renewal(21, true, 1);
        assert_eq!((over.ask, over.alarm), (None, true));
    }

    /// A lease of 20 minutes of a session that is Ready since an instant or up to a second before.
    fn since(ready: Timestamp, change: impl FnOnce(&mut ManagedSession)) -> Renewal {
        let mut case = case();
        case.ready(ready - Span::seconds(1), ready);
        change(&mut case.session);
        judge(&case, LIMITS, false)
    }

    #[test]
    fn what_boots_is_given_until_its_time_out() {
        let boots = since(now(), |session| {
            session.status = crate::keeper::Status::Starting;
        });
        let since = now() - minutes(6);
        let until = since + crate::keeper::tests::world::pool("a").boot_timeout;
        assert_eq!(boots.reason, Reason::Booting { since, until });
        assert_eq!((boots.ask, boots.recheck), (None, Recheck::Unneeded));
    }

    #[test]
    fn a_lease_is_due_at_the_very_instant_and_looked_at_then() {
        let half = now() - minutes(10);
        let before = since(half + Span::seconds(1) + Span::millis(1), |_| {});
        let due = now() + Span::millis(1);
        assert_eq!((before.ask, before.recheck), (None, Recheck::At(due)));
        let at = since(half + Span::seconds(1), |_| {});
        assert_eq!(at.ask, Some(Minutes::new(30)));
        // From then on it is looked at when an eighth is left.
        let eighth = now() + minutes(10) - Span::seconds(150);
        assert_eq!(at.recheck, Recheck::At(eighth));
    }

    #[test]
    fn at_its_very_end_a_lease_is_still_asked_for_and_an_instant_later_not() {
        let end = now() - minutes(20);
        assert_eq!(since(end, |_| {}).ask, Some(Minutes::new(40)));
        assert_eq!(since(end - Span::millis(1), |_| {}).ask, None);
    }

    #[test]
    fn a_session_outlives_its_lease_where_an_answer_after_it_says_so() {
        let over = |read: Option<Timestamp>| {
            let end = now() - minutes(21);
            since(end, |session| session.last_read = read).ask
        };
        let end = now() - minutes(1);
        assert_eq!(over(None), None);
        assert_eq!(over(Some(end)), None);
        assert_eq!(over(Some(end + Span::millis(1))), Some(Minutes::new(41)));
    }

    #[test]
    fn what_cannot_be_extended_is_looked_at_a_second_after_its_end() {
        let over = |age: Span| {
            let renewal = since(now() - age, |session| session.granted = Minutes::new(1439));
            assert_eq!(renewal.ask, None);
            renewal.recheck
        };
        let life = minutes(1439);
        let second = Span::seconds(1);
        assert_eq!(over(life - second), Recheck::At(now() + second.times(2)));
        assert_eq!(over(life), Recheck::At(now() + second));
        assert_eq!(over(life + Span::millis(1)), Recheck::Soon);
    }

    #[test]
    fn a_renewal_is_urgent_from_an_eighth_of_its_lease_on() {
        let urgent = |session: &ManagedSession| is_urgent(now(), session, Minutes::new(20));
        let mut case = case();
        let eighth = now() + Span::seconds(150) - minutes(20);
        case.ready(eighth, eighth + Span::seconds(1));
        assert!(urgent(&case.session));
        case.ready(eighth + Span::millis(1), eighth + Span::seconds(1));
        assert!(!urgent(&case.session));
        case.session.clock = None;
        assert!(!urgent(&case.session));
    }

    #[test]
    fn what_an_exposure_cap_shortens_grows_by_an_eighth_unless_it_is_urgent() {
        let step = |lease, urgent| least_step(Minutes::new(lease), LIMITS, urgent).get();
        assert_eq!([step(40, false), step(7, false), step(40, true)], [5, 1, 1]);
        let in_threes = Limits {
            extension: Some(ExtensionLimits {
                largest_total: Minutes::new(600),
                smallest_step: Minutes::new(3),
            }),
            ..LIMITS
        };
        let step = |urgent| least_step(Minutes::new(16), in_threes, urgent).get();
        assert_eq!([step(false), step(true)], [3, 3]);
    }
}
