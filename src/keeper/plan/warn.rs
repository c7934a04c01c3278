//! Step 7: warnings. A client that holds a session learns a while before that it is about to end.

use crate::keeper::action::Action;
use crate::keeper::hold::{HoldEnd, HoldRule};
use crate::keeper::hold_end::hold_end;
use crate::keeper::rollover::successor_due;
use crate::keeper::rules::lifetime::end_of_life;
use crate::keeper::state::ManagedSession;

use super::decision::Warning;
use super::planner::Planner;

impl<'a> Planner<'a> {
    /// Warns of every hold that ends within its pool's `warn_before`, and looks again when the next
    /// one does.
    pub(super) fn warn(&mut self) {
        for pool in 0..self.pools.len() {
            let Some(before) = self.policy_pool(pool).warn_before else {
                continue;
            };
            for place in 0..self.pools[pool].slots.len() {
                for session in self.pools[pool].slots[place].staying.clone() {
                    let Some(end) = self.end_of_hold(pool, place, session) else {
                        continue;
                    };
                    if end.at - before > self.now {
                        self.wake_at(end.at - before);
                        continue;
                    }
                    let session = session.id.clone();
                    self.warnings.push(Warning { session, end });
                }
            }
        }
    }

    /// When a hold ends, as far as is known now: by a rule about it, at the end of its session's
    /// life where no successor is in sight, or with a lease that a budget does not pay to renew.
    fn end_of_hold(
        &self,
        pool: usize,
        place: usize,
        session: &'a ManagedSession,
    ) -> Option<HoldEnd> {
        session.hold.as_ref()?;
        let (rules, limits) = (self.policy_pool(pool), self.state.limits);
        let slot = self.slot_id(pool, place);
        let succeeded = self.pools[pool].slots[place].staying.len() > 1
            || self
                .creates
                .iter()
                .any(|create| *Action::slot(create) == slot);
        let due = successor_due(rules, limits, session).filter(|due| *due <= self.now);
        let life = due.filter(|_| !succeeded);
        let life = life.and_then(|_| end_of_life(rules, limits, session));
        let by = |by| move |at| HoldEnd { at, by };
        let lease = self.unrenewed.get(&session.id).copied();
        let ends = [
            hold_end(self.now, rules, session),
            life.map(by(HoldRule::Lifetime)),
            lease.map(by(HoldRule::Budget)),
        ];
        ends.into_iter().flatten().min_by_key(|end| end.at)
    }
}
