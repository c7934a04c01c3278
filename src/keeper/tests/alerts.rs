//! What is told once: a budget's alerts, and that a ledger learns of them.

use super::fixtures::{LIMITS, policy};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Cost, Minutes, Money, Price, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// A daily budget of 10.00 with alerts at half of it and at 80 %.
fn alerting() -> Policy {
    let mut policy = policy();
    policy.pools[0].min = 0;
    policy.budget.daily = "10".parse::<Money>().ok();
    policy.alert_at = ["0.5", "0.8"]
        .map(|share| share.parse().expect("a share"))
        .into();
    policy
}

/// What is told of a plan whose day has cost so much, and whether the ledger is to learn of it.
fn told(
    state: &mut KeeperState,
    policy: &Policy,
    now: Timestamp,
    minutes: u32,
) -> (Vec<u32>, bool) {
    let six: Price = "6".parse().expect("a price");
    let mut planned = plan(now, policy, state);
    planned.budgets[0].committed = Cost::ZERO + six.cost(Minutes::new(minutes));
    let events = state.apply_plan(policy, &planned);
    let percents = events.into_iter().map(|event| match event.what {
        EventKind::BudgetAlert { percent, .. } => percent,
        other => panic!("no alert: {other}"),
    });
    (percents.collect(), state.take_changes().alerts.is_some())
}

#[test]
fn the_highest_line_that_is_reached_is_told_once_and_speaks_for_those_below() {
    let (mut policy, now) = (alerting(), at("2026-03-02T08:00:00Z"));
    let mut state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
    let mut at_minutes = |policy: &Policy, now, minutes| told(&mut state, policy, now, minutes);
    assert_eq!(at_minutes(&policy, now, 49), (vec![], false));
    assert_eq!(at_minutes(&policy, now, 50), (vec![50], true));
    assert_eq!(at_minutes(&policy, now, 79), (vec![], false));
    assert_eq!(at_minutes(&policy, now, 80), (vec![80], true));
    assert_eq!(at_minutes(&policy, now, 60), (vec![], false));
    assert_eq!(at_minutes(&policy, now, 100), (vec![], false));
    // The next day is told anew, and what is passed at once is told once.
    let tomorrow = at("2026-03-03T08:00:00Z");
    assert_eq!(at_minutes(&policy, tomorrow, 90), (vec![90], true));
    assert_eq!(at_minutes(&policy, tomorrow, 50), (vec![], false));
    // So is another bound.
    policy.budget.daily = "20".parse().ok();
    assert_eq!(at_minutes(&policy, tomorrow, 100), (vec![50], true));
}

#[test]
fn what_was_told_is_kept_for_the_ledger_until_it_is_taken() {
    let (policy, now) = (alerting(), at("2026-03-02T08:00:00Z"));
    let mut state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
    let mut planned = plan(now, &policy, &state);
    planned.budgets[0].committed = planned.budgets[0].limit.as_cost();
    assert_eq!(state.apply_plan(&policy, &planned).len(), 1);
    assert_eq!(state.apply_plan(&policy, &planned).len(), 0);
    assert!(state.take_changes().alerts.is_some());
    assert!(state.take_changes().alerts.is_none());
}
