//! Small states, and what parking, waking and heartbeats make of them.

use super::fixtures::{ago, id, intent, knowing, now, pool, ready, slot, target, three};
use crate::keeper::state::{
    KeeperState, ManagedSession, Parked, ParkedBy, Retry, SlotState, StopAsked, Wish, WishedBy,
};
use crate::keeper::*;
use crate::policy::{ActivitySource, Policy, Pool};
use crate::report::Hint;
use crate::units::{SlotId, Span};

fn parked(by: ParkedBy, minutes: i64) -> SlotState {
    SlotState {
        parked: Some(Parked {
            by,
            since: ago(minutes),
            why: None,
        }),
        ..SlotState::default()
    }
}

#[test]
fn parking_keeps_every_slot_that_is_named_empty_and_ends_what_was_wished_for() {
    let mut state = knowing([]);
    state.slots.entry(slot(1)).or_default().wish = Some(Wish {
        by: WishedBy::Client,
        at: ago(1),
    });
    state.park(now(), &three(), &target("a")).expect("a pool");
    assert_eq!(state.slots.len(), 3);
    for remembered in state.slots.values() {
        assert_eq!(*remembered, parked(ParkedBy::Person, 0));
    }
    let mut state = knowing([]);
    state.park(now(), &three(), &target("a/1")).expect("a slot");
    assert_eq!(state.slots.keys().collect::<Vec<_>>(), [&slot(1)]);
}

/// The slots that a wake wishes for, and those that are not parked any more.
fn woken(policy: &Policy, state: &mut KeeperState, name: &str) -> (Vec<u32>, Vec<u32>) {
    let was_parked: Vec<SlotId> = state.slots.keys().cloned().collect();
    let events = state.wake(now(), policy, &target(name)).expect("a target");
    let wished = events.iter().map(|e| e.slot.as_ref().expect("a slot"));
    let free = was_parked
        .iter()
        .filter(|s| state.slots[s].parked.is_none());
    (
        wished.map(|s| s.ordinal).collect(),
        free.map(|s| s.ordinal).collect(),
    )
}

#[test]
fn waking_a_pool_fills_what_the_policy_keeps_filled_and_frees_the_rest() {
    let all_parked = || {
        let mut state = knowing([]);
        for ordinal in 0..3 {
            state
                .slots
                .insert(slot(ordinal), parked(ParkedBy::Person, 5));
        }
        state
    };
    assert_eq!(
        woken(&three(), &mut all_parked(), "a"),
        (vec![0, 1], vec![0, 1, 2])
    );
    let mut none_kept = three();
    none_kept.pools[0].min = 0;
    assert_eq!(
        woken(&none_kept, &mut all_parked(), "a"),
        (vec![0], vec![0, 1, 2])
    );
    // One slot that is named is filled, whatever its number is.
    assert_eq!(
        woken(&three(), &mut all_parked(), "a/2"),
        (vec![2], vec![2])
    );
    // The pool that is named is the one whose `min` counts.
    let mut two = three();
    two.pools.insert(0, pool("b"));
    two.pools[0].min = 0;
    assert_eq!(woken(&two, &mut all_parked(), "a").0, [0, 1]);
    // What was never parked is not touched.
    let mut state = knowing([]);
    state.wake(now(), &three(), &target("a")).expect("a pool");
    assert_eq!(state.slots.keys().collect::<Vec<_>>(), [&slot(0), &slot(1)]);
}

#[test]
fn a_person_wakes_what_has_failed_and_a_client_does_not_hurry_it() {
    let failed = || {
        let mut state = knowing([]);
        let remembered = SlotState {
            retry: Retry {
                failures: 3,
                not_before: Some(now() + Span::minutes(5)),
            },
            wish: Some(Wish {
                by: WishedBy::Client,
                at: ago(1),
            }),
            ..SlotState::default()
        };
        state.slots.insert(slot(0), remembered);
        state
    };
    let mut state = failed();
    let told = state.wake(now(), &three(), &target("a/0")).expect("a slot");
    assert_eq!(told.len(), 1);
    assert_eq!(state.slots[&slot(0)].retry, Retry::default());
    let mut state = failed();
    let told = state
        .touch(now(), &three(), &target("a/0"))
        .expect("a slot");
    assert_eq!(told, [], "it was told when it first asked");
    let remembered = &state.slots[&slot(0)];
    assert_eq!(remembered.retry.failures, 3);
    assert_eq!(remembered.wish.map(|w| w.at), Some(now()), "a minute later");
    // Within the minute nothing is noted at all.
    state.take_changes();
    let soon = now() + Span::minutes(1) - Span::millis(1);
    let told = state.touch(soon, &three(), &target("a/0")).expect("a slot");
    assert_eq!((told, state.take_changes().slots), (vec![], vec![]));
    // A wish that has lapsed is another one.
    let later = now() + Span::minutes(10);
    let told = state
        .touch(later, &three(), &target("a/0"))
        .expect("a slot");
    assert_eq!(told.len(), 1);
    assert_eq!(state.slots[&slot(0)].retry, Retry::default());
}

#[test]
fn a_heartbeat_of_an_empty_pool_wishes_for_the_lowest_slot_that_no_person_parked() {
    let wished = |first: SlotState| {
        let mut state = knowing([]);
        state.slots.insert(slot(0), first);
        let events = state.touch(now(), &three(), &target("a")).expect("a pool");
        let slots = events.into_iter().filter_map(|event| event.slot);
        slots.map(|s| s.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(wished(SlotState::default()), [0]);
    assert_eq!(wished(parked(ParkedBy::Rule, 5)), [0]);
    assert_eq!(wished(parked(ParkedBy::Person, 5)), [1]);
    // What is on its way, or Ready, is not wished for again.
    for session in [intent(1, 0), ready(1, 0)] {
        let mut state = knowing([session]);
        let told = state.touch(now(), &three(), &target("a")).expect("a pool");
        assert_eq!((told, state.slots.len()), (vec![], 0));
    }
}

/// Which sessions count as used now after a heartbeat of a target.
fn touched(sessions: impl IntoIterator<Item = ManagedSession>, name: &str) -> Vec<String> {
    let mut policy = three();
    policy.pools[0].spare = 1;
    let mut state = knowing(sessions);
    let _ = state
        .touch(now(), &policy, &target(name))
        .expect("a target");
    let used = state.sessions.values().filter(|k| k.active == Some(now()));
    used.map(|k| {
        format!(
            "{}.{}",
            k.slot.ordinal,
            &k.id.as_str()[k.id.as_str().len() - 1..]
        )
    })
    .collect()
}

#[test]
fn a_heartbeat_is_one_user_of_what_is_in_use_or_of_one_that_is_no_stock() {
    let used = |ordinal, n| ManagedSession {
        active: Some(ago(1)),
        ..ready(ordinal, n)
    };
    let stops = |session| ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..session
    };
    let none: [&str; 0] = [];
    assert_eq!(
        touched([ready(0, 0), used(1, 0), used(2, 0)], "a"),
        ["1.0", "2.0"]
    );
    // The first is stock.
    assert_eq!(
        touched([ready(0, 0), ready(1, 0), ready(2, 0)], "a"),
        ["1.0"]
    );
    assert_eq!(
        touched([ready(0, 0)], "a"),
        ["0.0"],
        "where there is no other"
    );
    assert_eq!(touched([intent(0, 0)], "a"), none, "it has no user yet");
    assert_eq!(touched([ready(0, 0), used(1, 0)], "a/0"), ["0.0"]);
    let session = id(0, 1).to_string();
    assert_eq!(touched([ready(0, 0), ready(0, 1)], &session), ["0.1"]);
    assert_eq!(touched([stops(used(0, 0)), ready(1, 0)], "a"), ["1.0"]);
}

#[test]
fn only_a_session_that_nobody_used_makes_a_pool_want_another() {
    let wants = |active, idle: Option<Span>| {
        let mut policy = three();
        policy.pools[0].idle_timeout = idle;
        policy.pools.insert(0, pool("b"));
        let mut state = knowing([ManagedSession {
            active,
            ..ready(0, 0)
        }]);
        let _ = state.touch(now(), &policy, &target("a")).expect("a pool");
        assert!(!state.must_be_written());
        assert_eq!(state.take_changes().sessions.len(), 1);
        let mut again = state.clone();
        let _ = again.touch(now(), &policy, &target("a")).expect("a pool");
        assert!(!again.wants_pass());
        let mut state = knowing([ManagedSession {
            active,
            ..ready(0, 0)
        }]);
        let _ = state.touch(now(), &policy, &target("a")).expect("a pool");
        state.wants_pass()
    };
    assert!(wants(None, None));
    assert!(!wants(Some(ago(1)), None));
    assert!(wants(Some(ago(16)), Some(Span::minutes(15))));
    assert!(!wants(Some(ago(16)), Some(Span::minutes(17))));
}

#[test]
fn a_pool_that_counts_no_heartbeats_refuses_them_with_the_remedy() {
    let mut policy = three();
    policy.pools.push(Pool {
        activity: [ActivitySource::Sockets].into(),
        ..pool("b")
    });
    let mut state = knowing([]);
    let refused = state.touch(now(), &policy, &target("b/0"));
    let refused = refused.expect_err("it does not listen");
    assert_eq!(refused.to_string(), "pool b does not count heartbeats");
    let hint = refused.hint().expect("a remedy");
    assert_eq!(hint, "add { heartbeat = true } to its `activity`");
    assert!(state.touch(now(), &policy, &target("a/0")).is_ok());
}
