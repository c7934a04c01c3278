//! Step 1: who fills which slot.

use std::collections::BTreeMap;

use crate::keeper::rollover::may_have_successor;
use crate::keeper::rules::{duplicate, not_in_policy};
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
            let pool = last.1;
            let slot =
                pool.and_then(|i| self.pools[i].slots.get_mut(managed.slot.ordinal as usize));
            match (slot, pool) {
                (Some(slot), _) if managed.stop.is_some() => slot.ending.push(managed),
                (Some(slot), _) => slot.staying.push(managed),
                (None, _) => {
                    let reason = not_in_policy::reason(pool.map(|i| self.policy_pool(i)));
                    self.orphans.push((managed, pool, reason));
                }
            }
        }
        for (session, _, reason) in self.orphans.clone() {
            self.stop(session, reason);
        }
        for i in 0..self.pools.len() {
            for ordinal in 0..self.pools[i].slots.len() {
                self.stop_duplicates(i, ordinal);
                for k in 0..self.pools[i].slots[ordinal].ending.len() {
                    let managed = self.pools[i].slots[ordinal].ending[k];
                    if let Some(asked) = &managed.stop {
                        self.stop(managed, asked.reason.clone());
                    }
                }
            }
        }
    }

    /// Of several live sessions in one slot those that may not stay are stopped.
    fn stop_duplicates(&mut self, pool: usize, ordinal: usize) {
        let staying = &mut self.pools[pool].slots[ordinal].staying;
        if staying.len() < 2 {
            return;
        }
        let sessions = std::mem::take(staying);
        let pair = may_have_successor(
            self.policy_pool(pool),
            self.state.limits,
            sessions[0],
            self.now,
        );
        let (stay, go) = duplicate::split(sessions, pair);
        self.pools[pool].slots[ordinal].staying = stay;
        for (session, why) in go {
            self.end(pool, ordinal, session, why);
        }
    }
}
