//! What the modelled service shows of the promises, whatever the keeper believes.

use std::collections::BTreeMap;

use crate::keeper::scope::BudgetScope;
use crate::units::Cost;

use super::{Server, TestWorld};

impl TestWorld {
    /// What the service's own sessions must show whatever happens.
    pub(super) fn check_promises(&self) {
        let mut slots: BTreeMap<_, usize> = BTreeMap::new();
        for server in self.servers.values().filter(|s| s.ended.is_none()) {
            if let Some(slot) = self.state.slot_of(&server.session.id) {
                *slots.entry(slot).or_default() += 1;
            }
        }
        assert!(slots.values().all(|n| *n <= 2), "{slots:?}");
        self.check_exposure();
    }

    /// What live servers could still bill is within every cap of the policy.
    fn check_exposure(&self) {
        if self.exempt_from_cap.is_some_and(|until| self.now < until) {
            return;
        }
        for scope in BudgetScope::all(&self.policy) {
            let Some(limit) = scope.budget(&self.policy).max_exposure else {
                continue;
            };
            let live = self.servers.values().filter(|s| s.ended.is_none());
            let bounded = live.filter(|s| {
                let slot = self.state.slot_of(&s.session.id);
                slot.is_some_and(|slot| scope.bounds(&slot.pool))
            });
            let left = |s: &Server| {
                let end = s.ready + s.session.max_lease.span();
                (end - self.now.max(s.ready)).floor_minutes()
            };
            let cost = bounded.map(|s| self.policy.prices.of(&s.session.size).cost(left(s)));
            let sum: Cost = cost.sum();
            assert!(
                sum <= limit.as_cost(),
                "{scope:?}: {} of {limit}",
                sum.to_money(2)
            );
        }
    }
}
