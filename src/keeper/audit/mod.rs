//! The audit: the promises, stated a second time and as simply as possible, as a checker of any
//! plan.
//!
//! Tests run it on every plan; the daemon runs it before it executes one, and leaves out any action
//! that fails.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Limits, Policy};
use crate::units::{Minutes, SessionName, SlotId, Span};

use super::action::Action;
use super::mutation;
use super::plan::Plan;
use super::reason::Reason;
use super::state::{KeeperState, ManagedSession};

mod money;
#[cfg(test)]
mod tests;
mod violation;

pub use violation::{BrokenRule, Violation};

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
            _ if !is_ours(state, action) => Some(BrokenRule::NotOurs),
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
                Some(managed) => extension(policy, state.limits, managed, *to, plan),
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
    violations.extend(money::violations(policy, state, plan));
    violations
}

/// Whether an action is about a session of ours in its slot: the one that its id names, or the one
/// that it is known to fill, where its pool had another name before.
fn is_ours(state: &KeeperState, action: &Action) -> bool {
    let Some(name) = SessionName::parse(&state.owner, action.session()) else {
        return false;
    };
    let known = state.sessions.get(action.session());
    *known.map_or(&name.slot, |managed| &managed.slot) == *action.slot()
}

fn extension(
    policy: &Policy,
    limits: Limits,
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
    let largest = limits.extension.map_or(Minutes::ZERO, |e| e.largest_total);
    (to > largest || ahead > lease.span() + Span::minutes(1)).then_some(BrokenRule::LeaseTooLong)
}
