//! Step 3: what live sessions cost is reserved, and what no longer fits is stopped.

use crate::keeper::budget::{CostWindow, TeamShare, UNKNOWN_BOOT};
use crate::keeper::lease::LeaseClock;
use crate::keeper::rules::over_budget;
use crate::keeper::state::ManagedSession;
use crate::policy::Pool;
use crate::units::Minutes;

use super::planner::Planner;

impl<'a> Planner<'a> {
    /// Every live session with the index of its pool.
    fn live(&self) -> Vec<(&'a ManagedSession, Option<usize>, bool)> {
        let mut live = Vec::with_capacity(self.state.sessions.len());
        live.extend(self.orphans.iter().map(|k| (*k, None, true)));
        for (i, pool) in self.pools.iter().enumerate() {
            for slot in &pool.slots {
                live.extend(slot.staying.iter().map(|k| (*k, Some(i), false)));
                live.extend(slot.ending.iter().map(|k| (*k, Some(i), true)));
            }
        }
        live
    }

    /// What a live session may cost from beginning to end.
    pub(super) fn cost_window(&self, managed: &ManagedSession, pool: Option<usize>) -> CostWindow {
        let boot_timeout = pool.map_or(UNKNOWN_BOOT, |i| self.pools[i].pool.boot_timeout);
        CostWindow::of(managed, boot_timeout, self.now, managed.reserved)
    }

    /// What a session has cost so far at the most, rounded up to the minute.
    fn so_far(&self, managed: &ManagedSession) -> Minutes {
        let since = managed.clock.map(LeaseClock::earliest);
        since
            .map_or(Minutes::ZERO, |at| (self.now - at).ceil_minutes())
            .max(managed.elapsed)
            .min(managed.reserved)
    }

    /// Step 3a: every live session is entered, ending or not: until the service reports its end it
    /// is paid for.
    pub(super) fn reserve_live_sessions(&mut self) {
        for (managed, pool, ending) in self.live() {
            let price = self.policy.prices.of(&managed.size);
            let ends_after = ending.then(|| self.so_far(managed));
            let window = self.cost_window(managed, pool);
            self.reservations.enter(pool, price, window, ends_after);
            let share = TeamShare::of_heir(self.now, self.policy, self.state, managed);
            self.reservations
                .enter_uses(managed, share, window, ends_after);
        }
        if let Some(edge) = self.reservations.next_edge() {
            self.wake_at(edge);
        }
    }

    /// Step 3b: what no longer fits is stopped, in the order that the rule states.
    pub(super) fn stop_over_budget(&mut self) {
        while let Some((exceeded, why)) = self.reservations.exceeded() {
            let pools: Vec<(&Pool, Vec<&'a ManagedSession>)> = self
                .pools
                .iter()
                .map(|state| (state.pool, state.staying().collect()))
                .collect();
            let mut relieved = false;
            for (session, pool) in over_budget::victims(&pools, self.now) {
                // It counts as it was entered: a successor to whoever is to have it.
                let share = TeamShare::of_heir(self.now, self.policy, self.state, session);
                if !self.reservations.concerns(exceeded, pool, share) {
                    continue;
                }
                let left_alone = self.cost_window(session, Some(pool));
                let so_far = self.so_far(session);
                let price = self.policy.prices.of(&session.size);
                let reservations = &mut self.reservations;
                if reservations.relieve(exceeded, pool, price, share, left_alone, so_far) {
                    self.end(pool, session, why);
                    relieved = true;
                    break;
                }
            }
            if !relieved {
                self.reservations.accept(exceeded);
            }
        }
    }
}
