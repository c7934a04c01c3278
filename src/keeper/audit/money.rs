//! The promises about money, stated a second time.

use std::collections::BTreeMap;

use crate::keeper::action::Action;
use crate::keeper::budget::BudgetLine;
use crate::keeper::plan::Plan;
use crate::keeper::scope::BudgetScope;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::{Cost, Minutes, PoolName, SessionId, Span, Timestamp};

use super::violation::{BrokenRule, Violation};

/// The bounds on money that the requests of a plan would pass together. The last request is named:
/// without it the others may fit.
pub(super) fn violations(policy: &Policy, state: &KeeperState, plan: &Plan) -> Vec<Violation> {
    let asks: Vec<&Action> = plan
        .actions
        .iter()
        .filter(|a| !matches!(a, Action::Stop { .. }))
        .collect();
    let Some(last) = asks.last() else {
        return Vec::new();
    };
    let extended: BTreeMap<&SessionId, Minutes> = asks
        .iter()
        .filter_map(|a| match a {
            Action::Extend { id, to, .. } => Some((id, *to)),
            _ => None,
        })
        .collect();
    let over_budget =
        budgets(policy, state, plan, &asks, &extended) || teams(policy, state, plan, &extended);
    let exposed = exposure(policy, state, plan, &asks, &extended);
    let broken = [
        (over_budget, BrokenRule::Budget),
        (exposed, BrokenRule::Exposure),
    ];
    broken
        .into_iter()
        .filter(|(is_broken, _)| *is_broken)
        .map(|(_, broken)| Violation {
            session: last.session().clone(),
            broken,
        })
        .collect()
}

/// Promise 9: what is left of all leases, with what is asked for, fits every exposure cap whose
/// sessions ask for more.
fn exposure(
    policy: &Policy,
    state: &KeeperState,
    plan: &Plan,
    asks: &[&Action],
    extended: &BTreeMap<&SessionId, Minutes>,
) -> bool {
    BudgetScope::all(policy).iter().any(|scope| {
        let Some(limit) = scope.budget(policy).max_exposure else {
            return false;
        };
        let is_new = |action: &&&Action| match action {
            Action::Create { id, .. } => !state.sessions.contains_key(id),
            Action::Extend { id, to, .. } => {
                state.sessions.get(id).is_some_and(|k| *to > k.reserved)
            }
            Action::Stop { .. } => false,
        };
        let mut new = asks
            .iter()
            .filter(|a| scope.bounds(&a.slot().pool))
            .filter(is_new);
        if new.clone().next().is_none() {
            return false;
        }
        let mut sum = Cost::ZERO;
        for session in state
            .sessions
            .values()
            .filter(|k| scope.bounds(&k.slot.pool))
        {
            let lease = extended
                .get(&session.id)
                .copied()
                .unwrap_or_default()
                .max(session.reserved);
            // Whatever may still become Ready has all of its lease left.
            let left = session.clock.map_or(lease, |clock| {
                (clock.latest_expiry(lease) - plan.now)
                    .ceil_minutes()
                    .min(lease)
            });
            let adopted = session.is_ready() && session.clock.is_none();
            let left = if adopted {
                lease.minus(session.elapsed)
            } else {
                left
            };
            sum += policy.prices.of(&session.size).cost(left);
        }
        let created = new.try_fold(Cost::ZERO, |sum, action| match action {
            Action::Create { size, lease, .. } => Some(sum + policy.prices.of(size).cost(*lease)),
            _ => Some(sum),
        });
        sum + created.unwrap_or_default() > limit.as_cost()
    })
}

/// Counts only what falls into the period as a whole: spent, reserved and asked for must fit its
/// bound together.
fn budgets(
    policy: &Policy,
    state: &KeeperState,
    plan: &Plan,
    asks: &[&Action],
    extended: &BTreeMap<&SessionId, Minutes>,
) -> bool {
    let boots: BTreeMap<&PoolName, Span> = policy
        .pools
        .iter()
        .map(|p| (&p.name, p.boot_timeout))
        .collect();
    for line in plan
        .budgets
        .iter()
        .filter(|line| grows(state, asks, line, plan.now))
    {
        let concerns = |pool: &PoolName| line.budget.scope.bounds(pool);
        let kind = line.budget.kind.period();
        let in_scope = |kind| state.spent.in_scope(kind, line.start, &line.budget.scope);
        let mut sum = kind.map_or(Cost::ZERO, in_scope);
        let inside = |k: &ManagedSession, lease: Minutes| match k.clock {
            Some(c) => line.start <= c.earliest() && c.latest() + lease.span() <= line.end,
            None => {
                let boot = boots.get(&k.slot.pool).copied().unwrap_or_default();
                line.start <= k.created && plan.now.max(k.created + boot) + lease.span() <= line.end
            }
        };
        for managed in state.sessions.values().filter(|k| concerns(&k.slot.pool)) {
            let lease = managed
                .reserved
                .max(extended.get(&managed.id).copied().unwrap_or_default());
            if inside(managed, lease) {
                sum += policy.prices.of(&managed.size).cost(lease);
            }
        }
        let mut asked_now = Cost::ZERO;
        for action in asks {
            if let Action::Create {
                slot,
                id,
                size,
                lease,
                ..
            } = action
                && concerns(&slot.pool)
                && !state.sessions.contains_key(id)
                && plan.now + Span::hours(1) + lease.span() <= line.end
            {
                asked_now += policy.prices.of(size).cost(*lease);
            }
        }
        if sum + asked_now > line.limit.as_cost() {
            return true;
        }
    }
    false
}

/// Promise 2 for teams: what their holds have cost, and what is left of their sessions' leases with
/// what is asked for, fits their budgets. Only what falls into the period as a whole is counted,
/// and only teams of whose sessions one asks for more are looked at.
fn teams(
    policy: &Policy,
    state: &KeeperState,
    plan: &Plan,
    extended: &BTreeMap<&SessionId, Minutes>,
) -> bool {
    plan.budgets.iter().any(|line| {
        let (BudgetScope::Team(team), Some(kind)) = (&line.budget.scope, line.budget.kind.period())
        else {
            return false;
        };
        let mut sum = state.spent.in_scope(kind, line.start, &line.budget.scope);
        let mut grows = false;
        for managed in state.sessions.values() {
            let price = policy.prices.of(&managed.size);
            let asked = extended.get(&managed.id).copied().unwrap_or_default();
            let ends = managed
                .clock
                .map_or(plan.now, |c| c.earliest_expiry(managed.reserved.max(asked)));
            for used in managed.uses_until(ends.max(plan.now)) {
                let inside = line.start <= used.from && used.to <= line.end;
                if used.team.as_ref() == Some(team) && inside {
                    sum += price.cost((used.to - used.from).floor_minutes());
                    let present = managed.hold.as_ref().is_some_and(|h| h.id == used.hold);
                    grows |= present && asked > managed.reserved;
                }
            }
        }
        grows && sum > line.limit.as_cost()
    })
}

/// Whether any request certainly adds to what is reserved in the line's present period. What begins
/// after its end is a matter of the next.
fn grows(state: &KeeperState, asks: &[&Action], line: &BudgetLine, now: Timestamp) -> bool {
    asks.iter()
        .filter(|a| line.budget.scope.bounds(&a.slot().pool))
        .any(|action| match action {
            Action::Create { id, lease, .. } => {
                !state.sessions.contains_key(id) && now + Span::hours(1) + lease.span() <= line.end
            }
            Action::Extend { id, to, .. } => state.sessions.get(id).is_some_and(|managed| {
                let ends = managed
                    .clock
                    .map(|clock| clock.latest_expiry(managed.reserved));
                *to > managed.reserved && ends.is_some_and(|at| at < line.end)
            }),
            Action::Stop { .. } => false,
        })
}
