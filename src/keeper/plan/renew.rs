//! Step 4: renewals. Held sessions come first, because a budget may not suffice for all.

use crate::keeper::action::Action;
use crate::keeper::budget::{CostWindow, Fit, Request, TeamShare};
use crate::keeper::reason::Reason;
use crate::keeper::rules::renewal::{self, Recheck, RenewalContext};
use crate::keeper::state::ManagedSession;
use crate::units::{Minutes, Span};

use super::decision::Decision;
use super::planner::{PlannedPool, Planner};

impl<'a> Planner<'a> {
    /// Renews what is due, as far as the budgets allow.
    pub(super) fn renew(&mut self) {
        let mut staying = Vec::with_capacity(self.state.sessions.len());
        for (i, pool) in self.pools.iter().enumerate() {
            staying.extend(pool.staying().map(|session| (session, i)));
        }
        staying.sort_by_key(|(session, pool)| {
            !session.in_use(self.now, self.policy_pool(*pool).idle_timeout)
        });
        let any_due = staying.iter().any(|(session, pool)| {
            let lease = self.longest_lease(*pool, session);
            renewal::due_at(session, lease).is_some_and(|at| at <= self.now)
        });
        for (session, pool) in staying {
            let (decision, why) = self.renewal(pool, session, any_due);
            let place = self.pools[pool].place_of(session.slot.ordinal);
            let slot = &mut self.pools[pool].slots[place];
            if slot.decision.is_none() {
                slot.decision = Some((Some(session), decision, why));
            }
        }
    }

    fn renewal(
        &mut self,
        index: usize,
        session: &'a ManagedSession,
        any_due: bool,
    ) -> (Decision, Reason) {
        let pool = self.policy_pool(index);
        let renewal = renewal::rule(&RenewalContext {
            now: self.now,
            pool,
            limits: self.state.limits,
            session,
            lease: self.longest_lease(index, session),
            any_due,
        });
        match renewal.recheck {
            Recheck::Unneeded => {}
            Recheck::Soon => self.look_soon(),
            Recheck::At(at) => self.wake_at(at),
        }
        if renewal.alarm {
            self.alarms.push(session.id.clone());
        }
        let Some(wanted) = renewal.ask else {
            return (Decision::Keep, renewal.reason);
        };
        let (to, why) = match self.fit_renewal(index, session, wanted) {
            Fit::Whole => (wanted, renewal.reason),
            Fit::Shortened(to, budget) => {
                self.note_unrenewed(session, to.min(wanted));
                (to.min(wanted), Reason::LeaseShortened { budget, wanted })
            }
            Fit::Refused(why) => {
                if renewal::outlives_lease(session) {
                    // What may not be renewed is to end, and its lease does not end it.
                    self.end(index, session, why.clone());
                    return (Decision::Stop, why);
                }
                self.note_unrenewed(session, session.granted);
                return (Decision::Keep, self.refused(session, why));
            }
        };
        let (slot, id) = (session.slot.clone(), session.id.clone());
        self.extends.push(Action::Extend {
            slot,
            id,
            from: session.granted,
            to,
            why: why.clone(),
        });
        (Decision::Extend, why)
    }

    /// A budget keeps a lease from being renewed as it should be: it ends so early at the earliest.
    fn note_unrenewed(&mut self, session: &ManagedSession, lease: Minutes) {
        if let Some(clock) = session.clock {
            let ends = clock.earliest_expiry(lease);
            self.unrenewed.insert(session.id.clone(), ends);
        }
    }

    /// The longest lease that a session can have: its pool's, or what the exposure caps leave for
    /// one that has them to itself.
    fn longest_lease(&self, pool: usize, session: &ManagedSession) -> Minutes {
        let PlannedPool { pool, cap, .. } = &self.pools[pool];
        let allowed = cap.map(|cap| cap.minutes_at(self.policy.prices.of(&session.size)));
        allowed.map_or(pool.lease, |allowed| {
            pool.lease.min(allowed.max(Minutes::new(1)))
        })
    }

    /// As much of a renewal as the budgets have room for.
    fn fit_renewal(&mut self, pool: usize, session: &ManagedSession, wanted: Minutes) -> Fit {
        let before = self.cost_window(session, Some(pool));
        let asked = CostWindow {
            length: wanted.max(session.reserved),
            ..before
        };
        let lease = self.longest_lease(pool, session);
        let urgent = renewal::is_urgent(self.now, session, lease);
        self.reservations.request(Request {
            pool: Some(pool),
            team: TeamShare::of_heir(self.now, self.policy, self.state, session),
            price: self.policy.prices.of(&session.size),
            asked,
            before: Some(before),
            least: session.granted.plus(Minutes::new(1)),
            least_exposed: session.granted.plus(renewal::least_step(
                lease,
                self.state.limits,
                urgent,
            )),
        })
    }

    /// A budget refuses to renew a lease: it runs out, unless the budget has room again before.
    fn refused(&mut self, session: &ManagedSession, why: Reason) -> Reason {
        if let (Reason::Budget { until, .. }, Some(clock)) = (&why, session.clock) {
            if let Some(until) = until {
                self.wake_at(*until);
            }
            self.wake_at(clock.latest_expiry(session.granted) + Span::seconds(1));
        }
        why
    }
}
