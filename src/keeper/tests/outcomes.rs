//! What becomes of one action: what is noted before it is sent, and after it was answered.

use super::fixtures::{ago, blank, id, knowing, now, policy, ready, slot};
use crate::keeper::state::{KeeperState, ManagedSession, Retry, StopAsked, Waiter, Wish, WishedBy};
use crate::keeper::*;
use crate::units::{Minutes, Size, Span};

fn create(n: u32) -> Action {
    Action::Create {
        slot: slot(0),
        id: id(0, n),
        region: None,
        size: Size::Standard,
        lease: Minutes::new(20),
        why: Reason::Requested,
    }
}

fn extend(to: u32) -> Action {
    Action::Extend {
        slot: slot(0),
        id: id(0, 1),
        from: Minutes::new(20),
        to: Minutes::new(to),
        why: Reason::Requested,
    }
}

fn stop(why: Reason) -> Action {
    Action::Stop {
        slot: slot(0),
        id: id(0, 1),
        why,
    }
}

fn start(state: &mut KeeperState, action: &Action) -> Vec<String> {
    let events = state.start_action(now(), &policy(), action);
    events.iter().map(|event| event.what.to_string()).collect()
}

fn fail(state: &mut KeeperState, action: &Action, kind: FailureKind) -> Vec<Event> {
    let failure = RequestFailure {
        kind,
        message: "refused".into(),
    };
    state.finish_action(now(), &policy(), action, &Err(failure))
}

fn answer(state: &mut KeeperState, action: &Action, lease: u32) -> Vec<Event> {
    let session = Session {
        status: Status::Ready,
        max_lease: Minutes::new(lease),
        elapsed: Minutes::new(4),
        ..blank(action.session())
    };
    let reading = SessionReading {
        sent: now(),
        received: now(),
        session,
    };
    state.finish_action(now(), &policy(), action, &Ok(Some(reading)))
}

#[test]
fn each_id_of_a_slot_is_drawn_once() {
    let mut state = knowing([]);
    start(&mut state, &create(1));
    start(&mut state, &create(1));
    assert_eq!(state.slots[&slot(0)].drawn, 1, "asking again draws none");
    start(&mut state, &create(2));
    assert_eq!(state.slots[&slot(0)].drawn, 2);
}

#[test]
fn an_extension_is_reserved_before_it_is_sent_and_told_where_it_is_tried_first() {
    let mut state = knowing([ready(0, 1)]);
    let told = start(&mut state, &extend(30));
    assert_eq!(told, ["extending the lease 20m → 30m: it was asked for"]);
    assert_eq!(state.sessions[&id(0, 1)].reserved, Minutes::new(30));
    start(&mut state, &extend(25));
    assert_eq!(state.sessions[&id(0, 1)].reserved, Minutes::new(30));
    let _ = fail(&mut state, &extend(31), FailureKind::Unavailable);
    assert_eq!(start(&mut state, &extend(31)), [""; 0]);
}

#[test]
fn an_end_hands_hold_and_activity_to_the_first_later_session_that_can_be_had() {
    let held = ManagedSession {
        hold: Some(Hold::of("ann", ago(4))),
        active: Some(ago(1)),
        ..ready(0, 1)
    };
    let taken_by = |others: Vec<ManagedSession>| {
        let mut state = knowing(others.into_iter().chain([held.clone()]));
        start(&mut state, &stop(Reason::Surplus));
        let by_ann =
            |session: &&ManagedSession| session.hold.as_ref().is_some_and(|h| h.client == "ann");
        let holder = state.sessions.values().find(by_ann).cloned();
        holder.expect("she holds one")
    };
    let boots = ManagedSession {
        status: Status::Starting,
        ..ready(0, 2)
    };
    let bobs = ManagedSession {
        hold: Some(Hold::of("bob", ago(4))),
        ..ready(0, 2)
    };
    let moved = taken_by(vec![ready(0, 2)]);
    assert_eq!((moved.id, moved.active), (id(0, 2), Some(now())));
    assert_eq!(taken_by(vec![ready(0, 0)]).id, id(0, 1), "an older one");
    assert_eq!(taken_by(vec![boots]).id, id(0, 1));
    assert_eq!(taken_by(vec![bobs.clone()]).id, id(0, 1));
    assert_eq!(taken_by(vec![bobs, ready(0, 3)]).id, id(0, 3));
    // Where nobody holds it, what was seen of use goes along all the same.
    let used = ManagedSession {
        active: Some(ago(1)),
        ..ready(0, 1)
    };
    let mut state = knowing([used, ready(0, 2)]);
    let told = start(&mut state, &stop(Reason::Surplus));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(state.sessions[&id(0, 2)].active, Some(ago(1)));
}

#[test]
fn a_stop_is_told_once_and_its_reason_says_what_it_means_for_the_slot() {
    let idle = || Reason::Idle {
        since: ago(4),
        timeout: Span::minutes(4),
    };
    let waiter = |n: u8, asked| Waiter {
        hold: Hold::of(&n.to_string(), ago(i64::from(n))),
        pool: slot(0).pool,
        asked,
    };
    let asked_for = || {
        let mut state = knowing([ready(0, 1)]);
        state.slots.entry(slot(0)).or_default().wish = Some(Wish {
            by: WishedBy::Person,
            at: ago(6),
        });
        // One has not asked again since the session was Ready, one has.
        for waiter in [waiter(9, ago(4)), waiter(8, ago(3))] {
            state.queue.insert(waiter.hold.id, waiter);
        }
        state
    };
    let after = |why: Reason| {
        let mut state = asked_for();
        assert_eq!(start(&mut state, &stop(why.clone())).len(), 1);
        assert_eq!(start(&mut state, &stop(why)), [""; 0], "told once");
        let slot = &state.slots[&slot(0)];
        (
            slot.wish.is_some(),
            slot.parked.is_some(),
            state.queue.len(),
        )
    };
    assert_eq!(after(idle()), (false, true, 1));
    assert_eq!(
        after(Reason::ScheduleClosed { opens: None }),
        (false, false, 2)
    );
    assert_eq!(after(Reason::Surplus), (true, false, 2));
    // A create ends what kept the slot empty.
    let mut state = asked_for();
    start(&mut state, &stop(idle()));
    start(&mut state, &create(2));
    assert_eq!(state.slots[&slot(0)].parked, None);
}

#[test]
fn a_stop_that_failed_or_is_not_seen_to_have_worked_is_repeated() {
    let stopping = || {
        let mut state = knowing([ready(0, 1)]);
        state.fresh = true;
        start(&mut state, &stop(Reason::Surplus));
        state
    };
    let repeats_at = |state: &KeeperState, at| {
        let planned = plan(at, &policy(), state);
        planned
            .actions
            .iter()
            .any(|a| matches!(a, Action::Stop { .. }))
    };
    let mut failed = stopping();
    let _ = fail(
        &mut failed,
        &stop(Reason::Surplus),
        FailureKind::Unavailable,
    );
    let at = failed.sessions[&id(0, 1)]
        .retry
        .not_before
        .expect("an instant");
    assert_eq!(at, now() + Span::seconds(2));
    assert!(!repeats_at(&failed, at - Span::millis(1)) && repeats_at(&failed, at));

    let mut accepted = stopping();
    let told = accepted.finish_action(now(), &policy(), &stop(Reason::Surplus), &Ok(None));
    assert_eq!(told, []);
    let at = now() + Span::seconds(10);
    assert!(!repeats_at(&accepted, at - Span::millis(1)) && repeats_at(&accepted, at));
}

#[test]
fn only_a_create_that_certainly_had_no_effect_is_forgotten() {
    let until = now() + Span::minutes(3);
    for (kind, forgotten, waits) in [
        (FailureKind::NotFound, true, Some(now() + Span::seconds(10))),
        (FailureKind::Refused, true, Some(now() + Span::seconds(10))),
        (
            FailureKind::Unauthorized,
            true,
            Some(now() + Span::seconds(10)),
        ),
        (FailureKind::Throttled { until }, true, Some(until)),
        // The id exists: it is there, with other settings.
        (FailureKind::Conflict, false, None),
        (FailureKind::Unavailable, false, None),
        (FailureKind::Garbled, false, None),
    ] {
        let mut state = knowing([]);
        start(&mut state, &create(1));
        let events = fail(&mut state, &create(1), kind.clone());
        assert_eq!(events.len(), 1, "{kind:?}");
        assert_eq!(state.sessions.is_empty(), forgotten, "{kind:?}");
        assert_eq!(state.slots[&slot(0)].retry.not_before, waits, "{kind:?}");
        let changes = state.take_changes();
        assert_eq!(!changes.dropped.is_empty(), forgotten, "{kind:?}");
        assert_eq!(changes.sessions.is_empty(), forgotten, "{kind:?}");
    }
}

#[test]
fn the_fourth_failure_of_a_slot_in_a_row_is_an_alarm_and_no_other() {
    let mut state = knowing([]);
    let mut alarms = Vec::new();
    for n in 1..=6 {
        start(&mut state, &create(n));
        let events = fail(&mut state, &create(n), FailureKind::Refused);
        let alarm = |e: &Event| matches!(e.what, EventKind::SlotAlarm { .. });
        alarms.push(events.iter().any(alarm));
    }
    assert_eq!(alarms, [false, false, false, true, false, false]);
    let waits = state.slots[&slot(0)].retry.not_before.expect("an instant") - now();
    assert_eq!(waits, Span::seconds(320));
    state.slots.entry(slot(0)).or_default().retry = Retry {
        failures: 7,
        not_before: None,
    };
    start(&mut state, &create(7));
    let _ = fail(&mut state, &create(7), FailureKind::Refused);
    let waits = state.slots[&slot(0)].retry.not_before.expect("an instant") - now();
    assert_eq!(waits, Span::minutes(10), "the longest wait");
}

#[test]
fn what_was_granted_is_what_the_answer_says() {
    let renewed = |lease: u32| {
        let mut state = knowing([ready(0, 1)]);
        start(&mut state, &extend(30));
        let events = answer(&mut state, &extend(30), lease);
        let told: Vec<_> = events.iter().map(|e| e.what.to_string()).collect();
        let session = &state.sessions[&id(0, 1)];
        (told.join("; "), session.granted.get(), session.retry)
    };
    let none = Retry::default();
    let (told, granted, retry) = renewed(30);
    assert_eq!((granted, retry), (30, none));
    assert_eq!(told, "lease renewed to 30m, ends by 2026-03-02T08:26:00Z");
    // More, as somebody else has asked for more: the longest that can be, and what cannot be.
    let (told, granted, _) = renewed(1440);
    assert_eq!(granted, 1440);
    assert!(told.starts_with("lease renewed to 1d"), "{told}");
    let (told, granted, _) = renewed(1441);
    assert_eq!(granted, 30);
    assert!(
        told.contains("cannot be") && told.contains("renewed to 30m"),
        "{told}"
    );
    // Less: it is believed, and half of it is waited for.
    let (told, granted, retry) = renewed(26);
    assert_eq!(granted, 26);
    assert!(told.starts_with("lease renewed to 26m"), "{told}");
    assert_eq!(retry.not_before, Some(now() + Span::minutes(11)));
    // Nothing, which is a failure.
    let (told, granted, retry) = renewed(20);
    assert_eq!((granted, retry.failures), (20, 1));
    assert!(told.contains("left the lease at 20m"), "{told}");
}

#[test]
fn a_throttled_extension_is_tried_again_before_its_lease_ends() {
    let mut state = knowing([ready(0, 1)]);
    start(&mut state, &extend(30));
    let until = now() + Span::hours(1);
    let _ = fail(&mut state, &extend(30), FailureKind::Throttled { until });
    let at = state.sessions[&id(0, 1)]
        .retry
        .not_before
        .expect("an instant");
    assert!(at < ago(5) + Span::minutes(20), "{at}");
    // A stop waits as long as it is told.
    let mut state = state_with_stop();
    let _ = fail(
        &mut state,
        &stop(Reason::Surplus),
        FailureKind::Throttled { until },
    );
    assert_eq!(state.sessions[&id(0, 1)].retry.not_before, Some(until));
}

fn state_with_stop() -> KeeperState {
    knowing([ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..ready(0, 1)
    }])
}

#[test]
fn each_operation_is_told_by_its_verb() {
    use Operation::{Create, Extend, Get, List, Stop, Token};
    let verbs = [Create, Get, List, Extend, Stop, Token].map(Operation::verb);
    let expected = [
        "create",
        "get",
        "list",
        "extend",
        "stop",
        "get an access token for",
    ];
    assert_eq!(verbs, expected);
}
