//! Step 2: endings. The stop rules are asked about every session that fills its slot.

use crate::keeper::rules::idle::stock;
use crate::keeper::rules::{ScheduleNow, SessionContext, needed, stop_or_recheck};
use crate::keeper::state::ManagedSession;

use super::planner::Planner;

impl<'a> Planner<'a> {
    /// Stops what a rule says must end, and looks again when the next can become due.
    pub(super) fn apply_stop_rules(&mut self) {
        for i in 0..self.pools.len() {
            let pool = self.policy_pool(i);
            let staying: Vec<&'a ManagedSession> = self.pools[i].staying().collect();
            let counts = self.pools[i].counts;
            // What was started for a reservation may have booted faster than it was expected to.
            let reserved = pool.reserved_within(self.now, pool.boot_timeout);
            let all = counts.spare.saturating_add(reserved);
            let stock_of = |count| stock(pool, &staying, self.now, count);
            let (stock, reserved) = (stock_of(all), stock_of(reserved));
            let wished = |k: &ManagedSession| {
                self.state
                    .slots
                    .get(&k.slot)
                    .and_then(|s| s.wish)
                    .is_some_and(|wish| wish.is_alive(self.now))
            };
            let needed = needed(pool, &staying, wished, self.waiting(i), self.now, counts);
            let schedule = ScheduleNow::of(pool, self.now);
            let used = staying.iter().filter_map(|k| k.active.max(k.released));
            let needs_since = used.max().max(pool.last_counts(self.now));
            for (n, session) in staying.iter().copied().enumerate() {
                // A successor waits for whoever uses the old one: it is no more idle than stock is.
                let succeeds = n > 0 && staying[n - 1].slot == session.slot;
                let successor = staying.get(n + 1).filter(|next| next.slot == session.slot);
                let context = SessionContext {
                    now: self.now,
                    pool,
                    limits: self.state.limits,
                    session,
                    slot: self.state.slots.get(&session.slot),
                    schedule,
                    is_stock: succeeds || stock.contains(&session.id),
                    is_spare: !succeeds
                        && stock.contains(&session.id)
                        && !reserved.contains(&session.id),
                    needs_since,
                    is_surplus: n >= needed,
                    ready_successor: successor.filter(|s| s.is_ready()).map(|s| &s.id),
                };
                if let Some(lapses) = session.hold_lapses(pool.hold_timeout) {
                    self.wake_at(lapses);
                }
                let mut rechecks = None;
                let why = stop_or_recheck(&context, |at| {
                    rechecks =
                        Some(rechecks.map_or(at, |first: crate::units::Timestamp| first.min(at)));
                });
                match (why, rechecks) {
                    (Some(why), _) => self.end(i, session, why),
                    (None, Some(at)) => self.wake_at(at),
                    (None, None) => {}
                }
                if !session.is_ready() {
                    self.look_soon();
                }
            }
        }
    }
}
