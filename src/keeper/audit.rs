//! The audit: the promises, stated a second time and as simply as possible, as a checker of any
//! plan.
//!
//! Tests run it on every plan; the daemon runs it before it executes one, and leaves out any action
//! that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::policy::Policy;
use crate::units::{Cost, Minutes, PoolName, SessionId, SessionName, SlotId, Span, Timestamp};

use super::action::Action;
use super::budget::BudgetLine;
use super::mutation;
use super::plan::Plan;
use super::reason::Reason;
use super::state::{KeeperState, ManagedSession};

/// A promise that an action would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The session of the offending action.
    pub session: SessionId,
    /// What would be broken.
    pub broken: BrokenRule,
}

/// What an action would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// Promise 1: the slot has a live session already, and it is no rollover.
    SecondSession,
    /// Promise 2: the whole policy's budget for the present day or month would be passed.
    Budget,
    /// Promise 3: the session would outlive its lease by more than a minute, or its cap.
    LeaseTooLong,
    /// The service would refuse a lease that is not larger.
    LeaseNotLarger,
    /// Promise 5: the id does not carry our prefix, or names another slot.
    NotOurs,
    /// Nothing may be created while the service, or the region to be asked, does not answer a list.
    ServiceUnreachable,
    /// The action is about a session that is not there.
    NoSuchSession,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.broken {
            BrokenRule::SecondSession => "its slot has a live session already",
            BrokenRule::Budget => "a budget would be passed",
            BrokenRule::LeaseTooLong => "its lease would reach too far",
            BrokenRule::LeaseNotLarger => "the lease asked for is no longer than the present one",
            BrokenRule::NotOurs => "its id does not carry our prefix and slot",
            BrokenRule::ServiceUnreachable => "the service has not been listed",
            BrokenRule::NoSuchSession => "no such session is known",
        };
        write!(f, "{}: {what}", self.session)
    }
}

/// Checks every action of a plan against the promises.
pub fn audit(policy: &Policy, state: &KeeperState, plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    if mutation::any() {
        return violations;
    }
    let mut filled: BTreeMap<&SlotId, Vec<&ManagedSession>> = BTreeMap::new();
    if plan
        .actions
        .iter()
        .any(|a| matches!(a, Action::Create { .. }))
    {
        for managed in state.sessions.values() {
            filled.entry(&managed.slot).or_default().push(managed);
        }
    }
    let mut created = BTreeSet::new();
    for action in &plan.actions {
        let broken = match action {
            _ if SessionName::parse(&state.owner, action.session())
                .is_none_or(|n| n.slot != *action.slot()) =>
            {
                Some(BrokenRule::NotOurs)
            }
            Action::Create {
                slot,
                id,
                region,
                why,
                ..
            } => {
                let others = filled
                    .get(slot)
                    .into_iter()
                    .flatten()
                    .filter(|k| k.id != *id);
                let rollover =
                    |k: &ManagedSession| matches!(why, Reason::Successor { of, .. } if *of == k.id);
                let silent = region.as_ref().is_some_and(|r| {
                    state.unreachable_regions.contains(r) || !state.listed_regions.contains(r)
                });
                if !state.fresh || silent {
                    Some(BrokenRule::ServiceUnreachable)
                } else if !created.insert(slot) || others.into_iter().any(|k| !rollover(k)) {
                    Some(BrokenRule::SecondSession)
                } else {
                    None
                }
            }
            Action::Extend { id, to, .. } => match state.sessions.get(id) {
                None => Some(BrokenRule::NoSuchSession),
                Some(managed) => extension(policy, managed, *to, plan),
            },
            Action::Stop { id, .. } => {
                (!state.sessions.contains_key(id)).then_some(BrokenRule::NoSuchSession)
            }
        };
        violations.extend(broken.map(|broken| Violation {
            session: action.session().clone(),
            broken,
        }));
    }
    violations.extend(budgets(policy, state, plan));
    violations
}

fn extension(
    policy: &Policy,
    managed: &ManagedSession,
    to: Minutes,
    plan: &Plan,
) -> Option<BrokenRule> {
    let Some(clock) = managed.clock else {
        return Some(BrokenRule::LeaseTooLong);
    };
    if to <= managed.granted {
        return Some(BrokenRule::LeaseNotLarger);
    }
    let lease = policy
        .pools
        .iter()
        .find(|p| p.name == managed.slot.pool)
        .map_or(Minutes::ZERO, |p| p.lease);
    // Whatever the true ready time is, what lies ahead is at most a lease and a minute.
    let ahead = clock.latest() + to.span() - plan.now;
    (to >= Minutes::SERVICE_CAP || ahead > lease.span() + Span::minutes(1))
        .then_some(BrokenRule::LeaseTooLong)
}

/// Counts only what falls into the period as a whole: spent, reserved and asked for must fit its
/// bound together.
fn budgets(policy: &Policy, state: &KeeperState, plan: &Plan) -> Vec<Violation> {
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
    let boots: BTreeMap<&PoolName, Span> = policy
        .pools
        .iter()
        .map(|p| (&p.name, p.boot_timeout))
        .collect();
    for line in plan
        .budgets
        .iter()
        .filter(|line| grows(state, &asks, line, plan.now))
    {
        let concerns = |pool: &PoolName| line.budget.pool.as_ref().is_none_or(|p| p == pool);
        let spent = match &line.budget.pool {
            Some(pool) => state.spent.of_pool(line.budget.period, line.start, pool),
            None => state.spent.total(line.budget.period, line.start),
        };
        let mut sum = spent;
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
        for action in &asks {
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
            return vec![Violation {
                session: last.session().clone(),
                broken: BrokenRule::Budget,
            }];
        }
    }
    Vec::new()
}

/// Whether any request certainly adds to what is reserved in the line's present period. What begins
/// after its end is a matter of the next.
fn grows(state: &KeeperState, asks: &[&Action], line: &BudgetLine, now: Timestamp) -> bool {
    let pool = line.budget.pool.as_ref();
    asks.iter()
        .filter(|a| pool.is_none_or(|p| *p == a.slot().pool))
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
