//! Exposure: what could still be billed if the daemon died this instant.
//!
//! It is the sum, over live sessions, of what is left of each lease at the most, times its price.

use std::collections::BTreeMap;

use crate::keeper::scope::{BudgetKind, BudgetName, BudgetScope, scopes_of};
use crate::keeper::state::KeeperState;
use crate::policy::Policy;
use crate::units::{Cost, Money, PoolName, Timestamp};

use super::window::CostWindow;

/// What could still be billed, and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// What all live sessions could still cost.
    pub cost: Cost,
    /// When the last of them ends at the latest; `None` where there is none.
    pub last_end: Option<Timestamp>,
    /// Every cap of the policy, with what counts to it.
    pub caps: Vec<ExposureLine>,
}

/// One exposure cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposureLine {
    /// Whose it is.
    pub budget: BudgetName,
    /// The cap.
    pub limit: Money,
    /// What the sessions that it bounds could still cost.
    pub committed: Cost,
}

/// For every pool the smallest exposure cap that bounds its sessions.
pub(in crate::keeper) fn smallest_caps(policy: &Policy) -> Vec<Option<Cost>> {
    let caps: Vec<Option<Cost>> = BudgetScope::all(policy)
        .iter()
        .map(|scope| Some(scope.budget(policy).max_exposure?.as_cost()))
        .collect();
    let pools = policy.pools.len();
    let smallest = |pool| scopes_of(Some(pool), pools).filter_map(|s| caps[s]).min();
    (0..pools).map(smallest).collect()
}

/// The exposure at an instant, from what is known.
pub fn exposure(now: Timestamp, policy: &Policy, state: &KeeperState) -> Exposure {
    let mut all = Exposure::default();
    let mut by_pool: BTreeMap<&PoolName, Cost> = BTreeMap::new();
    for session in state.sessions.values() {
        let window = CostWindow::reserved(policy, session, now);
        let cost = policy.prices.of(&session.size).cost(window.remaining(now));
        all.cost += cost;
        all.last_end = all.last_end.max(Some(window.ends()));
        *by_pool.entry(&session.slot.pool).or_default() += cost;
    }
    for scope in BudgetScope::all(policy) {
        let Some(limit) = scope.budget(policy).max_exposure else {
            continue;
        };
        let counted = by_pool.iter().filter(|(pool, _)| scope.bounds(pool));
        let committed = counted.map(|(_, cost)| *cost).sum();
        let kind = BudgetKind::Exposure;
        all.caps.push(ExposureLine {
            budget: BudgetName { scope, kind },
            limit,
            committed,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::state::ManagedSession;
    use crate::keeper::tests::fixtures::{ago, knowing, now, policy, pool, ready};
    use crate::units::{Minutes, Span};

    #[test]
    fn exposure_is_what_is_left_of_every_lease_and_each_cap_counts_its_own_pools() {
        let mut policy = policy();
        policy.pools.push(pool("b"));
        policy.budget.max_exposure = "20".parse().ok();
        policy.pools[1].budget.max_exposure = "5".parse().ok();
        policy.pools[0].boot_timeout = Span::minutes(20);
        policy.pools[1].boot_timeout = Span::minutes(10);
        let in_b = |mut session: ManagedSession| {
            session.slot.pool = pool("b").name;
            session
        };
        // Of 20 minutes at 6.00 an hour four are gone for certain.
        let booting = ManagedSession {
            status: crate::keeper::Status::Starting,
            clock: None,
            reserved: Minutes::new(30),
            ..ready(2, 0)
        };
        let state = knowing([ready(0, 0), in_b(ready(1, 0)), in_b(booting)]);
        let found = exposure(now(), &policy, &state);
        let money = |cost: Cost| cost.to_money(2).to_string();
        assert_eq!(money(found.cost), "6.20");
        // Asked for at 07:54, Ready by 08:04 and over by 08:34.
        assert_eq!(found.last_end, Some(ago(6) + Span::minutes(40)));
        let caps: Vec<_> = found
            .caps
            .iter()
            .map(|cap| (cap.budget.to_string(), money(cap.committed)))
            .collect();
        let named = |name: &str, cost: &str| (name.to_owned(), cost.to_owned());
        let expected = [
            named("exposure cap of b", "4.60"),
            named("exposure cap", "6.20"),
        ];
        assert_eq!(caps, expected);
        assert_eq!(exposure(now(), &policy, &knowing([])).last_end, None);
    }

    #[test]
    fn the_smallest_cap_that_bounds_a_pool_counts() {
        let mut policy = policy();
        policy.pools.push(pool("b"));
        let caps = |policy: &Policy| {
            let caps = smallest_caps(policy).into_iter();
            caps.map(|cap| cap.map(|cap| cap.to_money(2).to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(caps(&policy), [None, None]);
        policy.pools[1].budget.max_exposure = "5".parse().ok();
        assert_eq!(caps(&policy), [None, Some("5.00".into())]);
        policy.budget.max_exposure = "4".parse().ok();
        assert_eq!(caps(&policy), [Some("4.00".into()), Some("4.00".into())]);
    }
}
