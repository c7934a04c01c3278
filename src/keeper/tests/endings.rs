//! What outlives a session that ends, and what a step of the clock moves.

use super::fixtures::{LIMITS, ago, answering, blank, id, knowing, now, policy, pool, ready, slot};
use crate::keeper::state::{
    KeeperState, ManagedSession, Parked, ParkedBy, Retry, SlotState, StopAsked, UnknownSource,
    Waiter, Wish, WishedBy,
};
use crate::keeper::*;
use crate::policy::{ActivitySource, Policy};
use crate::units::{HoldKey, Minutes, Span};

/// Ready for an hour, of a pool that ends what was idle for a quarter of one.
fn session() -> ManagedSession {
    ManagedSession {
        granted: Minutes::new(80),
        reserved: Minutes::new(80),
        created: ago(62),
        clock: LeaseClock::new(ago(61), ago(60)),
        ..ready(0, 0)
    }
}

/// Another pool, listed first, has a longer patience.
fn two_pools() -> Policy {
    let mut policy = policy();
    policy.pools.insert(0, pool("b"));
    policy.pools[0].idle_timeout = Some(Span::hours(2));
    policy
}

fn ended(managed: ManagedSession, wish: Option<Wish>, status: Status) -> KeeperState {
    let policy = two_pools();
    let mut state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
    state.sessions.insert(id(0, 0), managed);
    let remembered = SlotState {
        wish,
        ..SlotState::default()
    };
    state.slots.insert(slot(0), remembered);
    let observation = answering(Session {
        status,
        max_lease: Minutes::new(80),
        elapsed: Minutes::new(60),
        ..blank(&id(0, 0))
    });
    let _ = state.apply_observation(now(), &policy, &observation);
    assert_eq!(state.sessions.len(), 0);
    state
}

#[test]
fn whoever_asked_for_a_session_and_used_it_to_its_end_is_taken_to_ask_for_another_then() {
    let wish = Wish {
        by: WishedBy::Client,
        at: ago(62),
    };
    let used = |minutes| ManagedSession {
        active: Some(ago(minutes)),
        ..session()
    };
    let renewed = |managed, wish| {
        let state = ended(managed, wish, Status::Expired);
        state.slots[&slot(0)].wish.map(|wish| wish.at)
    };
    assert_eq!(renewed(used(14), Some(wish)), Some(now()));
    assert_eq!(renewed(used(15), Some(wish)), Some(ago(62)), "it was idle");
    assert_eq!(renewed(session(), Some(wish)), Some(ago(62)));
    assert_eq!(renewed(used(14), None), None, "nobody asked");
}

#[test]
fn a_client_whose_session_is_lost_waits_again_unless_it_was_silent_or_its_hold_is_over() {
    let held = |sign: i64, stop: Option<Reason>| ManagedSession {
        hold: Some(Hold::of("ann", ago(60))),
        active: Some(ago(sign)),
        stop: stop.map(|reason| StopAsked {
            after: None,
            since: ago(1),
            reason,
        }),
        ..session()
    };
    let waits = |managed| {
        let state = ended(managed, None, Status::Stopped);
        state.queue.into_values().next()
    };
    let waiter = waits(held(14, None)).expect("she waits");
    let expected = Waiter {
        hold: Hold::of("ann", ago(60)).moved_from(id(0, 0)),
        pool: slot(0).pool,
        asked: now(),
    };
    assert_eq!(waiter, expected);
    assert_eq!(waits(held(15, None)), None, "silent for too long");
    let over = Reason::HeldTooLong {
        client: "ann".into(),
        since: ago(60),
        limit: Span::hours(1),
    };
    assert_eq!(waits(held(14, Some(over.clone()))), None);
    assert_eq!(waits(held(15, Some(over))), None);
    assert!(waits(held(14, Some(Reason::BeyondMax { max: 1 }))).is_some());
    assert_eq!(waits(session()), None, "nobody held it");
}

#[test]
fn a_step_of_the_clock_moves_what_is_remembered_and_throws_bounds_away() {
    let step = Span::hours(1);
    // Everything that has an instant, a number of minutes before now.
    let everything = |by: Span| {
        let at = |minutes| ago(minutes) + by;
        let unknown = UnknownSource {
            since: at(1),
            until: Some(at(2)),
            why: None,
            alarmed: false,
        };
        let managed = ManagedSession {
            created: at(3),
            active: Some(at(4)),
            released: Some(at(5)),
            unknown: [(ActivitySource::Sockets, unknown)].into(),
            retry: Retry {
                failures: 1,
                not_before: Some(at(6)),
            },
            hold: Some(Hold {
                since: at(7),
                here: Some(at(15)),
                ..Hold::of("ann", ago(7))
            }),
            uses: vec![Use {
                from: at(17),
                ..Hold::of("carl", ago(17)).use_until(at(16))
            }],
            // By the end of what the clock had bounded.
            ready_by: session().clock.map(|clock| clock.latest() + by),
            stop: Some(StopAsked {
                after: None,
                since: at(8),
                reason: Reason::Exit,
            }),
            clock: None,
            starting_at: None,
            ..session()
        };
        let remembered = SlotState {
            retry: Retry {
                failures: 1,
                not_before: Some(at(9)),
            },
            wish: Some(Wish {
                by: WishedBy::Client,
                at: at(10),
            }),
            parked: Some(Parked {
                by: ParkedBy::Person,
                since: at(11),
                why: None,
            }),
            ..SlotState::default()
        };
        let waiter = Waiter {
            hold: Hold {
                since: at(12),
                ..Hold::of("bob", ago(12))
            },
            pool: slot(0).pool,
            asked: at(13),
        };
        (managed, remembered, waiter, at(14))
    };
    let (managed, remembered, waiter, gone) = everything(Span::ZERO);
    let mut state = KeeperState::new(policy().owner, 7, LIMITS);
    let bounded = ManagedSession {
        clock: session().clock,
        starting_at: Some(now()),
        last_read: Some(now()),
        ..managed
    };
    state.sessions.insert(id(0, 0), bounded);
    state.slots.insert(slot(0), remembered);
    state.queue.insert(waiter.hold.id, waiter.clone());
    state.ended.insert(id(1, 0), gone);
    let key: HoldKey = "k".parse().expect("a key");
    let used = |at| KeyUse {
        pool: slot(0).pool,
        client: "ann".into(),
        team: None,
        size: None,
        hold: Hold::of("ann", ago(7)).id,
        at,
    };
    state.keys.insert(key.clone(), used(ago(18)));

    state.clock_stepped(step);
    assert_eq!(state.keys[&key], used(ago(18) + step));

    let (managed, remembered, waiter, gone) = everything(step);
    assert_eq!(state.sessions[&id(0, 0)], managed);
    assert_eq!(state.slots[&slot(0)], remembered);
    assert_eq!(state.queue[&waiter.hold.id], waiter);
    assert_eq!(state.ended[&id(1, 0)], gone);
    let changes = state.take_changes();
    assert_eq!(changes.uses, [(id(0, 0), 0, managed.uses[0].clone())]);
    assert_eq!(changes.keys.len(), 1);
    assert_eq!(changes.sessions, [managed]);
    assert_eq!(changes.slots, [(slot(0), remembered)]);
    assert_eq!(changes.waiting, [waiter]);
}

#[test]
fn an_ended_session_is_remembered_for_a_day() {
    let mut state = KeeperState::new(policy().owner, 7, LIMITS);
    let day = Span::hours(24);
    state.ended.insert(id(0, 0), now() - day + Span::millis(1));
    let _ = state.apply_observation(now(), &policy(), &Observation::default());
    assert_eq!(state.ended.len(), 1);
    state.ended.insert(id(0, 0), now() - day);
    let _ = state.apply_observation(now(), &policy(), &Observation::default());
    assert_eq!(state.ended.len(), 0);
}

#[test]
fn a_session_that_is_not_known_any_more_costs_what_it_may_have_cost_and_an_intent_is_absent() {
    let told = |managed: ManagedSession| {
        let mut state = KeeperState::new(policy().owner, 7, LIMITS);
        state.sessions.insert(id(0, 0), managed);
        let observation = Observation {
            unknown: vec![(id(0, 0), now())],
            ..Observation::default()
        };
        let _ = state.apply_observation(now(), &policy(), &observation);
        state
    };
    let read_at = |at| ManagedSession {
        last_read: Some(at),
        ..session()
    };
    // An answer that was asked for later says that it is there.
    let later = now() + Span::millis(1);
    assert_eq!(told(read_at(later)).sessions.len(), 1);
    let mut gone = told(read_at(now()));
    assert_eq!(gone.sessions.len(), 0);
    let settled = gone.take_changes().settled.remove(0);
    // Ready for 61 minutes at the most, of a lease of 80.
    assert_eq!(
        (settled.minutes, settled.certain),
        (Minutes::new(61), false)
    );
    let lease = ManagedSession {
        reserved: Minutes::new(50),
        ..session()
    };
    let settled = told(lease).take_changes().settled.remove(0);
    assert_eq!(settled.minutes, Minutes::new(50), "its whole lease");
    let intent = ManagedSession {
        seen: false,
        ..session()
    };
    assert_eq!(told(intent).sessions[&id(0, 0)].absent, Some(now()));
}

#[test]
fn an_end_is_noted_in_its_slot_only_where_failures_were() {
    let noted = |failures: u32, status: Status, minutes_ready: u32| {
        let minutes = i64::from(minutes_ready);
        let mut state = knowing([ManagedSession {
            clock: LeaseClock::new(ago(minutes + 1), ago(minutes)),
            starting_at: None,
            ..session()
        }]);
        let remembered = state.slots.entry(slot(0)).or_default();
        remembered.retry.failures = failures;
        let observation = answering(Session {
            status,
            max_lease: Minutes::new(80),
            elapsed: Minutes::new(minutes_ready),
            ..blank(&id(0, 0))
        });
        let _ = state.apply_observation(now(), &policy(), &observation);
        let written = !state.take_changes().slots.is_empty();
        (written, state.slots[&slot(0)].retry.failures)
    };
    let (stopped, error) = (|| Status::Stopped, || Status::Error);
    assert_eq!(noted(0, stopped(), 60), (false, 0));
    assert_eq!(
        noted(2, stopped(), 1),
        (true, 0),
        "a row of failures is over"
    );
    // What fails once it has lasted ten minutes is the first in a row.
    assert_eq!(noted(2, error(), 9), (true, 3));
    assert_eq!(noted(2, error(), 10), (true, 1));
}

#[test]
fn what_is_not_known_any_more_hands_over_what_was_seen_of_its_use() {
    let old = ManagedSession {
        active: Some(ago(1)),
        ..session()
    };
    let successor = ready(0, 1);
    let mut state = knowing([old, successor]);
    let observation = Observation {
        unknown: vec![(id(0, 0), now())],
        ..Observation::default()
    };
    let _ = state.apply_observation(now(), &policy(), &observation);
    assert_eq!(state.sessions[&id(0, 1)].active, Some(ago(1)));
}
