//! Small states, and which empty slots are filled in them, when, and with what.

use super::fixtures::{ago, id, knowing, now, policy, pool, ready, slot};
use crate::keeper::state::{KeeperState, ManagedSession, Parked, ParkedBy, SlotState, Waiter};
use crate::keeper::*;
use crate::policy::{Policy, Schedule};
use crate::units::{Minutes, Size, SlotId, Span, Timestamp};

/// Which creates there are, with their sizes, and what is due next.
fn creates(at: Timestamp, policy: &Policy, state: &mut KeeperState) -> Vec<String> {
    state.fresh = true;
    let planned = plan(at, policy, state);
    assert_eq!(audit(policy, state, &planned), []);
    let created = planned.actions.iter().filter_map(|action| match action {
        Action::Create { slot, size, .. } => Some(format!("{slot} {size}")),
        _ => None,
    });
    created.collect()
}

/// It opens at nine, and boots for ten minutes.
fn opens(prewarm: bool) -> Policy {
    let mut policy = policy();
    let window = "Mon 09:00-18:00 UTC".parse().expect("a window");
    policy.pools[0].schedule = Schedule::new(vec![window]);
    policy.pools[0].prewarm = prewarm;
    policy
}

fn parked(by: ParkedBy, since: Timestamp, why: Option<Reason>) -> SlotState {
    SlotState {
        parked: Some(Parked { by, since, why }),
        ..SlotState::default()
    }
}

fn remembering(slots: impl IntoIterator<Item = (SlotId, SlotState)>) -> KeeperState {
    let mut state = knowing([]);
    state.slots.extend(slots);
    state
}

fn after(minutes: i64) -> Timestamp {
    now() + Span::minutes(minutes)
}

#[test]
fn what_is_due_is_the_opening_or_where_it_is_warmed_up_one_boot_before() {
    let due = |prewarm, at| {
        let mut policy = opens(prewarm);
        policy.pools[0].min = 0;
        plan(at, &policy, &knowing([])).next_due
    };
    assert_eq!(due(false, now()), Some(after(60)));
    assert_eq!(due(true, now()), Some(after(50)));
    assert_eq!(due(true, after(50)), Some(after(60)));
    assert_eq!(due(true, after(55)), Some(after(60)));
}

#[test]
fn what_a_rule_keeps_empty_is_filled_once_the_pool_opens_or_is_warmed_up() {
    let fills = |prewarm, at, by, since| {
        let mut state = remembering([(slot(0), parked(by, since, None))]);
        !creates(at, &opens(prewarm), &mut state).is_empty()
    };
    let moment = Span::millis(1);
    for (prewarm, begins) in [(false, after(60)), (true, after(50))] {
        let rule = |at, since| fills(prewarm, at, ParkedBy::Rule, since);
        assert!(rule(begins, begins - moment));
        assert!(rule(begins + moment, begins - moment));
        assert!(
            !rule(begins - moment, begins - moment - moment),
            "it is closed"
        );
        assert!(!rule(begins, begins), "emptied since");
        let person = fills(prewarm, begins, ParkedBy::Person, ago(60));
        assert!(!person, "what a person parked a person wakes");
    }
}

#[test]
fn stock_that_nobody_took_is_made_up_for_by_no_other_of_its_pool() {
    let mut policy = policy();
    policy.pools.push(pool("b"));
    policy.pools[1].min = 0;
    (policy.pools[0].min, policy.pools[0].spare) = (0, 2);
    let since = ago(5);
    let ttl = Span::minutes(5);
    let filled = |pool: &str, why: Reason| {
        let slot = format!("{pool}/3").parse().expect("a slot");
        let parked = parked(ParkedBy::Rule, ago(1), Some(why));
        creates(now(), &policy, &mut remembering([(slot, parked)])).len()
    };
    assert_eq!(filled("a", Reason::NotTaken { since, ttl }), 1);
    assert_eq!(filled("b", Reason::NotTaken { since, ttl }), 2);
    let timeout = ttl;
    assert_eq!(filled("a", Reason::Idle { since, timeout }), 2);
}

#[test]
fn an_empty_slot_says_why_and_for_what_is_not_remembered_since_when_it_was_idle() {
    let why = |remembered: Option<Reason>| {
        let parked = parked(ParkedBy::Rule, ago(1), remembered);
        let state = remembering([(slot(0), parked)]);
        plan(now(), &policy(), &state).slots.remove(0).why
    };
    let timeout = Span::minutes(15);
    let since = ago(16);
    assert_eq!(why(None), Reason::Idle { since, timeout });
    assert_eq!(why(Some(Reason::Surplus)), Reason::Surplus);
}

#[test]
fn a_successor_is_of_the_size_that_its_client_asked_for_where_the_pool_has_it() {
    let succeeds = |asked: Option<Size>, fallback: Vec<Size>, life| {
        let mut policy = policy();
        policy.pools[0].max_lifetime = Minutes::new(life);
        policy.pools[0].boot_timeout = Span::minutes(1);
        policy.pools[0].fallback_sizes = fallback;
        let hold = Hold {
            size: asked,
            ..Hold::of("ann", ago(4))
        };
        let held = ManagedSession {
            hold: Some(hold),
            ..ready(0, 0)
        };
        assert_eq!(held.id, id(0, 0));
        creates(now(), &policy, &mut knowing([held]))
    };
    let premium = || Some(Size::Premium);
    // It is due now.
    assert_eq!(succeeds(premium(), vec![Size::Premium], 6), ["a/0 Premium"]);
    assert_eq!(succeeds(premium(), vec![], 6), ["a/0 Standard"]);
    assert_eq!(succeeds(None, vec![Size::Premium], 6), ["a/0 Standard"]);
    let none: [&str; 0] = [];
    assert_eq!(succeeds(None, vec![], 7), none, "in a minute");
}

#[test]
fn a_size_that_is_waited_for_is_asked_for_where_the_pool_has_it_and_no_session_is_of_it() {
    let mut policy = policy();
    policy.pools[0].min = 0;
    let waits = Waiter {
        hold: Hold {
            size: Some(Size::Premium),
            ..Hold::of("ann", ago(2))
        },
        pool: slot(0).pool,
        asked: ago(1),
    };
    let filled = |policy: &Policy, sessions: &[ManagedSession]| {
        let mut state = knowing(sessions.iter().cloned());
        state.queue.insert(waits.hold.id, waits.clone());
        creates(now(), policy, &mut state)
    };
    let free = ready(0, 0);
    // The pool has lost that size since she asked.
    assert_eq!(filled(&policy, &[]), ["a/0 Standard"]);
    let none: [&str; 0] = [];
    assert_eq!(filled(&policy, std::slice::from_ref(&free)), none);
    policy.pools[0].size = Size::Premium;
    assert_eq!(filled(&policy, &[]), ["a/0 Premium"]);
    assert_eq!(
        filled(&policy, std::slice::from_ref(&free)),
        ["a/1 Premium"]
    );
    let hers = ManagedSession {
        size: Size::Premium,
        ..free
    };
    assert_eq!(filled(&policy, &[hers]), none);
}
