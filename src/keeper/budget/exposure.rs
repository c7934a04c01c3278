//! Exposure: what could still be billed if the daemon died this instant.
//!
//! It is the sum, over live sessions, of what is left of each lease at the most, times its price.

use crate::keeper::scope::{BudgetKind, BudgetName, BudgetScope, scopes_of};
use crate::keeper::state::KeeperState;
use crate::policy::Policy;
use crate::units::{Cost, Money, PoolName, Timestamp};

use super::window::{CostWindow, UNKNOWN_BOOT};

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
    let mut by_pool: Vec<(&PoolName, Cost)> = Vec::new();
    for session in state.sessions.values() {
        let pool = policy.pools.iter().find(|p| p.name == session.slot.pool);
        let boot = pool.map_or(UNKNOWN_BOOT, |p| p.boot_timeout);
        let window = CostWindow::of(session, boot, now, session.reserved);
        let cost = policy.prices.of(&session.size).cost(window.remaining(now));
        all.cost += cost;
        all.last_end = all.last_end.max(Some(window.ends()));
        match by_pool.last_mut() {
            Some((name, sum)) if **name == session.slot.pool => *sum += cost,
            _ => by_pool.push((&session.slot.pool, cost)),
        }
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
