//! The lease clock, and the rule of renewal.
//!
//! The service never says when a session became Ready; it says `elapsedTimeMinutes`, whole minutes
//! rounded down. One reading `e`, asked for at `sent` and received at `received`, puts the ready
//! time in `(sent − (e+1) min, received − e min]`. Successive readings are intersected. Renewal is
//! decided by the earliest possible expiry, cost by the latest.
//!
//! A list may lag, so what it says of elapsed time is only a lower bound: the true value was at
//! least `e`, which bounds the ready time from above and says nothing about below.

use serde::{Deserialize, Serialize};

use crate::units::{Minutes, Span, Timestamp};

use super::mutation::{self, Mutation};

/// Bounds on the instant at which a session became Ready: after `after`, and not after `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseClock {
    after: Timestamp,
    until: Timestamp,
}

/// The readings contradict each other: a clock stepped, or the service is not telling the truth.
/// Begin again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contradiction;

impl LeaseClock {
    /// Bounds as they were stored. `None` if they are not in order.
    pub fn new(after: Timestamp, until: Timestamp) -> Option<Self> {
        (after < until).then_some(Self { after, until })
    }

    /// What one answer about this session alone says.
    pub fn from_reading(sent: Timestamp, received: Timestamp, elapsed: Minutes) -> Self {
        let after = sent - elapsed.span() - Span::minutes(1);
        Self {
            after,
            until: (received - elapsed.span()).max(after + Span::millis(1)),
        }
    }

    /// The earliest possible ready time.
    pub const fn earliest(self) -> Timestamp {
        self.after
    }

    /// The latest possible ready time.
    pub const fn latest(self) -> Timestamp {
        self.until
    }

    /// How far the bounds are apart.
    pub fn width(self) -> Span {
        self.until - self.after
    }

    /// Both bounds, narrowed by those of another reading.
    ///
    /// # Errors
    /// [`Contradiction`] where no instant satisfies both.
    pub(super) fn intersect(self, other: Self) -> Result<Self, Contradiction> {
        Self::new(self.after.max(other.after), self.until.min(other.until)).ok_or(Contradiction)
    }

    /// Narrowed by an answer that said Starting, asked for at `sent`: the session became Ready
    /// later.
    ///
    /// # Errors
    /// [`Contradiction`] where it must have been Ready before.
    pub(super) fn not_before(self, sent: Timestamp) -> Result<Self, Contradiction> {
        Self::new(self.after.max(sent), self.until).ok_or(Contradiction)
    }

    /// Narrowed by a list received at `received` that said `elapsed`, which may be old: only the
    /// upper bound moves.
    ///
    /// # Errors
    /// [`Contradiction`] where even that cannot be.
    pub(super) fn at_least(
        self,
        received: Timestamp,
        elapsed: Minutes,
    ) -> Result<Self, Contradiction> {
        Self::new(self.after, self.until.min(received - elapsed.span())).ok_or(Contradiction)
    }

    /// The earliest instant at which a lease of so many minutes can end.
    pub fn earliest_expiry(self, lease: Minutes) -> Timestamp {
        self.after + lease.span()
    }

    /// The latest instant at which a lease of so many minutes can end.
    pub fn latest_expiry(self, lease: Minutes) -> Timestamp {
        self.until + lease.span()
    }
}

/// When a lease is to be renewed: as soon as half of it or less may be left (T1 of DHCP, RFC 2131
/// section 4.4.5).
pub(super) fn renew_at(clock: LeaseClock, granted: Minutes, lease: Minutes) -> Timestamp {
    if mutation::on(Mutation::RenewLate) {
        return clock.latest_expiry(granted);
    }
    clock.earliest_expiry(granted) - lease.span().div(2)
}

/// When an unrenewed lease becomes an alarm: an eighth of it or less may be left (T2 of DHCP).
pub(super) fn alarm_at(clock: LeaseClock, granted: Minutes, lease: Minutes) -> Timestamp {
    clock.earliest_expiry(granted) - lease.span().div(8)
}

/// The total to ask for at `now`: minutes since ready, rounded up, plus one lease, at most `cap`;
/// `None` where that is less than a `step` more than what is granted already.
///
/// Minutes since ready are reckoned from the latest possible ready time, so that the session's
/// exposure is at most `lease` + 1 minute whatever the true ready time is.
pub(super) fn renewed_total(
    now: Timestamp,
    clock: LeaseClock,
    granted: Minutes,
    lease: Minutes,
    step: Minutes,
    cap: Minutes,
) -> Option<Minutes> {
    let since_ready = (now - clock.latest()).ceil_minutes();
    let lease = if mutation::on(Mutation::RenewTwice) {
        lease.plus(lease)
    } else {
        lease
    };
    let total = since_ready.plus(lease).min(cap);
    (total >= granted.plus(step)).then_some(total)
}

/// The first instant at which [`renewed_total`] exceeds what is granted by a `step`; it never does
/// once the cap is reached.
pub(super) fn renewable_at(
    clock: LeaseClock,
    granted: Minutes,
    lease: Minutes,
    step: Minutes,
    cap: Minutes,
) -> Option<Timestamp> {
    if granted.plus(step) > cap {
        return None;
    }
    // ceil(now − latest) ≥ granted + step − lease holds just after one whole minute less.
    let before = granted.plus(step).minus(lease).minus(Minutes::new(1));
    Some(clock.latest() + before.span() + Span::millis(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }
    /// What the tests' service allows.
    const CAP: Minutes = Minutes::new(1439);
    const STEP: Minutes = Minutes::new(1);

    const fn min(m: u32) -> Minutes {
        Minutes::new(m)
    }

    /// The service's own arithmetic: whole minutes in Ready, rounded down, worked out at one
    /// instant.
    fn service_says(ready: Timestamp, at: Timestamp) -> Minutes {
        (at - ready).floor_minutes()
    }

    #[test]
    fn a_lease_does_not_double_at_each_renewal() {
        // Microsoft's client left a 10-minute session that was used for 21 minutes leased for 80.
        let ready = at(0);
        let mut granted = min(10);
        let mut now = ready;
        while now < at(21 * 60_000) {
            let elapsed = service_says(ready, now);
            let clock = LeaseClock::from_reading(now, now, elapsed);
            if renew_at(clock, granted, min(10)) <= now
                && let Some(total) = renewed_total(now, clock, granted, min(10), STEP, CAP)
            {
                granted = total;
            }
            now += Span::seconds(10);
        }
        assert!((21..=32).contains(&granted.get()), "{granted}");
    }

    #[test]
    fn a_session_found_running_did_not_begin_when_it_was_first_seen() {
        // Microsoft's client took the moment it joined for the session's start and renewed after
        // the lease had ended.
        let joined = at(100 * 60_000);
        let clock = LeaseClock::from_reading(joined, joined + Span::millis(80), min(17));
        assert_eq!(clock.earliest(), joined - Span::minutes(18));
        assert_eq!(
            clock.latest(),
            joined - Span::minutes(17) + Span::millis(80)
        );
        // 20 minutes granted, 17 to 18 of them gone: renewal is due at once.
        assert!(renew_at(clock, min(20), min(20)) <= joined);
        assert_eq!(
            renewed_total(joined, clock, min(20), min(20), STEP, CAP),
            Some(min(37))
        );
    }

    #[test]
    fn the_cap_ends_renewal() {
        let clock = LeaseClock::from_reading(at(0), at(0), min(0));
        let late = at(1430 * 60_000);
        assert_eq!(
            renewed_total(late, clock, min(1435), min(20), STEP, CAP),
            Some(min(1439))
        );
        assert_eq!(
            renewed_total(late, clock, min(1439), min(20), STEP, CAP),
            None
        );
        assert_eq!(renewable_at(clock, min(1439), min(20), STEP, CAP), None);
        assert!(renewable_at(clock, min(1438), min(20), STEP, CAP).is_some());
    }

    #[test]
    fn a_list_that_says_more_minutes_moves_the_latest_ready_time_and_no_other() {
        let clock = LeaseClock::from_reading(at(0), at(0), min(0));
        let listed = clock.at_least(at(570_000), min(10)).expect("they agree");
        assert_eq!(
            (listed.earliest(), listed.latest()),
            (at(-60_000), at(-30_000))
        );
        let later = clock.at_least(at(700_000), min(10));
        assert_eq!(later, Ok(clock), "it says nothing new");
    }

    #[test]
    fn an_answer_that_came_before_its_question_still_leaves_an_instant() {
        let clock = LeaseClock::from_reading(at(120_000), at(0), min(0));
        assert_eq!((clock.earliest(), clock.latest()), (at(60_000), at(60_001)));
    }

    proptest! {
        #[test]
        fn the_true_ready_time_is_always_inside_and_bounds_never_widen(
            ready in 0i64..10_000_000,
            readings in proptest::collection::vec(
                (1i64..600_000, 0i64..5_000, 0i64..5_000, any::<bool>(), 0i64..120_000), 1..40,
            ),
        ) {
            let ready = at(ready);
            let mut now = ready;
            let mut clock: Option<LeaseClock> = None;
            for (pause, before, after, listed, lag) in readings {
                now += Span::millis(pause);
                let worked_out = now + Span::millis(before);
                let received = worked_out + Span::millis(after);
                let previous = clock;
                if listed {
                    // A list may have worked the value out a good while before it was asked for.
                    let elapsed = service_says(ready, (worked_out - Span::millis(lag)).max(ready));
                    let narrowed = |c: LeaseClock| c.at_least(received, elapsed);
                    clock = clock.map(|c| narrowed(c).expect("true readings agree"));
                } else {
                    let elapsed = service_says(ready, worked_out);
                    let reading = LeaseClock::from_reading(now, received, elapsed);
                    let narrowed = clock.map_or(Ok(reading), |c| c.intersect(reading));
                    clock = Some(narrowed.expect("true readings agree"));
                }
                if let Some(c) = clock {
                    let inside = c.earliest() < ready + Span::millis(1) && ready <= c.latest();
                    prop_assert!(inside, "{ready} outside {c:?}");
                    if let Some(p) = previous {
                        prop_assert!(c.earliest() >= p.earliest() && c.latest() <= p.latest());
                    }
                }
                now = received;
            }
        }

        #[test]
        fn exposure_after_a_renewal_is_at_most_a_lease_and_a_minute(
            since_ready in 0i64..80_000_000,
            lease in 1u32..600,
            rtt in 0i64..5_000,
            granted in 1u32..1440,
        ) {
            let (ready, now) = (at(0), at(since_ready));
            let elapsed = service_says(ready, now - Span::millis(rtt / 2));
            let clock = LeaseClock::from_reading(now - Span::millis(rtt), now, elapsed);
            if let Some(total) = renewed_total(now, clock, min(granted), min(lease), STEP, CAP) {
                let exposure = ready + total.span() - now;
                prop_assert!(exposure <= min(lease).span() + Span::minutes(1), "{exposure}");
            }
        }

        #[test]
        fn renewable_at_is_the_first_instant_at_which_a_renewal_says_more(
            since in 0i64..80_000_000, lease in 1u32..600, granted in 1u32..1439,
        ) {
            let clock = LeaseClock::from_reading(at(since), at(since), min(0));
            let first = renewable_at(clock, min(granted), min(lease), STEP, CAP);
            let first = first.expect("below the cap");
            let total = |t| renewed_total(t, clock, min(granted), min(lease), STEP, CAP);
            prop_assert!(total(first).is_some());
            if granted >= lease { prop_assert!(total(first - Span::millis(1)).is_none()); }
        }
    }
}
