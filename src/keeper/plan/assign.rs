//! Step 1: who fills which slot.

use std::collections::BTreeMap;

use crate::keeper::reason::Reason;
use crate::keeper::rollover::may_have_successor;
use crate::keeper::rules::{beyond_max, duplicate};
use crate::keeper::state::ManagedSession;
use crate::units::PoolName;

use super::planner::Planner;

impl Planner<'_> {
    /// Step 1: who fills which slot.
    pub(super) fn assign_slots(&mut self) {
        let index: BTreeMap<&PoolName, usize> = self
            .policy
            .pools
            .iter()
            .enumerate()
            .map(|(i, p)| (&p.name, i))
            .collect();
        // Ids are sorted, so a pool's sessions come one after the other.
        let mut last: (Option<&PoolName>, Option<usize>) = (None, None);
        for managed in self.state.sessions.values() {
            if last.0 != Some(&managed.slot.pool) {
                last = (
                    Some(&managed.slot.pool),
                    index.get(&managed.slot.pool).copied(),
                );
            }
            let Some(pool) = last.1 else {
                self.orphans.push(managed);
                continue;
            };
            let pool = &mut self.pools[pool];
            let place = pool.place_of(managed.slot.ordinal);
            let slot = &mut pool.slots[place];
            if managed.stop.is_some() {
                slot.ending.push(managed);
            } else {
                slot.staying.push(managed);
            }
        }
        for session in self.orphans.clone() {
            self.stop(session, Reason::PoolRemoved);
        }
        for i in 0..self.pools.len() {
            for place in 0..self.pools[i].slots.len() {
                self.stop_duplicates(i, place);
                for k in 0..self.pools[i].slots[place].ending.len() {
                    let managed = self.pools[i].slots[place].ending[k];
                    if let Some(asked) = &managed.stop {
                        self.stop(managed, asked.reason.clone());
                    }
                }
            }
            self.shrink(i);
        }
    }

    /// Of a pool with more sessions than it has slots now, those that are missed least are stopped.
    fn shrink(&mut self, pool: usize) {
        let rules = self.policy_pool(pool);
        if self.pools[pool].slots.len() == rules.slots() as usize {
            return;
        }
        let staying: Vec<&ManagedSession> = self.pools[pool].staying().collect();
        for session in beyond_max::leaving(rules, &staying, self.now) {
            self.end(pool, session, Reason::BeyondMax { max: rules.slots() });
        }
    }

    /// Of several live sessions in one slot those that may not stay are stopped.
    fn stop_duplicates(&mut self, pool: usize, place: usize) {
        let staying = &mut self.pools[pool].slots[place].staying;
        if staying.len() < 2 {
            return;
        }
        staying.sort_by(|a, b| a.id.drawn().cmp(b.id.drawn()));
        let sessions = std::mem::take(staying);
        let pair = may_have_successor(
            self.policy_pool(pool),
            self.state.limits,
            sessions[0],
            self.now,
        );
        let (stay, go) = duplicate::split(sessions, pair);
        self.pools[pool].slots[place].staying = stay;
        for (session, why) in go {
            self.end(pool, session, why);
        }
    }
}
