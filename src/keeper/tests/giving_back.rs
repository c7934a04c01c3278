//! Small states, and what is given back, ends by itself or is refused.

use super::fixtures::{ago, id, knowing, now, pool, ready, slot, target, three};
use crate::keeper::state::{ManagedSession, Waiter};
use crate::keeper::*;
use crate::report::Hint;
use crate::units::Span;

fn waiter(client: &str, minutes: i64, asked: i64) -> Waiter {
    Waiter {
        hold: Hold::of(client, ago(minutes)),
        pool: slot(0).pool,
        asked: ago(asked),
    }
}

#[test]
fn a_name_that_names_nothing_is_told_from_one_that_names_what_has_ended() {
    let mut policy = three();
    policy.pools.push(pool("b"));
    let state = knowing([ready(1, 0)]);
    let slots = |name: &str| {
        let slots = state.slots_of(&policy, &target(name));
        slots.map(|slots| {
            slots
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    assert_eq!(slots("a"), Ok("a/0 a/1 a/2".into()));
    assert_eq!(slots("a/2"), Ok("a/2".into()));
    assert_eq!(slots(id(1, 0).as_str()), Ok("a/1".into()));
    for (name, said) in [
        ("c", "the policy has no pool c; it has a, b"),
        ("c/0", "the policy has no pool c; it has a, b"),
        ("a/3", "pool a has no slot 3; its slots are 0 to 2"),
        (
            id(0, 0).as_str(),
            &format!("no live session of ours has the id {}", id(0, 0)),
        ),
    ] {
        assert_eq!(slots(name).map_err(|e| e.to_string()), Err(said.into()));
    }
}

#[test]
fn what_is_given_back_is_named_by_hold_or_session_and_its_own_clients() {
    let hold = Hold::of("ann", ago(4)).moved_from(id(0, 0));
    let held = || ManagedSession {
        hold: Some(hold.clone()),
        ..ready(0, 1)
    };
    let waits = waiter("bob", 3, 1);
    let known = || {
        let mut state = knowing([held(), ready(1, 0)]);
        state.queue.insert(waits.hold.id, waits.clone());
        state
    };
    let release = |name: &str, client: &str| {
        let mut state = known();
        let name: HoldRef = name.parse().expect("a hold");
        let event = state.release(now(), &name, client);
        (
            event.map(|e| e.what.to_string()).map_err(|e| e.to_string()),
            state,
        )
    };
    let (hers, his) = (hold.id.to_string(), waits.hold.id.to_string());
    for name in [&hers, id(0, 1).as_str(), id(0, 0).as_str()] {
        let (told, state) = release(name, "ann");
        assert_eq!(told, Ok("released by ann".into()), "{name}");
        let session = &state.sessions[&id(0, 1)];
        assert_eq!((&session.hold, session.released), (&None, Some(now())));
        let (told, state) = release(name, "bob");
        assert_eq!(told, Err(format!("{name} is held by ann")));
        assert!(state.sessions[&id(0, 1)].hold.is_some());
    }
    let (told, state) = release(&his, "bob");
    assert_eq!(told, Ok("bob no longer waits for a session of a".into()));
    assert_eq!(state.queue.len(), 0);
    let (told, state) = release(&his, "ann");
    assert_eq!(told, Err(format!("{his} is held by bob")));
    assert_eq!(state.queue.len(), 1);
    let free = id(1, 0).to_string();
    assert_eq!(release(&free, "ann").0, Err(format!("nobody holds {free}")));
    let gone = id(2, 0).to_string();
    let said = format!("no live session of ours has the id {gone}");
    assert_eq!(release(&gone, "ann").0, Err(said));
}

#[test]
fn what_nobody_gives_a_sign_of_ends_at_its_bound() {
    let mut policy = three();
    policy.pools.insert(0, pool("b"));
    policy.pools[1].hold_timeout = Some(Span::minutes(3));
    let lapsed = |active| {
        let mut state = knowing([ManagedSession {
            hold: Some(Hold::of("ann", ago(4))),
            active,
            ..ready(0, 0)
        }]);
        let told = state.end_lapsed(now(), &policy);
        let session = state.sessions[&id(0, 0)].clone();
        assert_eq!(told.len(), usize::from(session.hold.is_none()));
        assert!(told.iter().all(|e| e.slot == Some(slot(0))));
        session.released
    };
    assert_eq!(lapsed(None), Some(ago(4)), "since it was acquired");
    assert_eq!(lapsed(Some(ago(3))), Some(ago(3)));
    assert_eq!(lapsed(Some(ago(2))), None);
    // A place in the queue ends after ten minutes, without a word.
    let mut state = knowing([]);
    for waiter in [waiter("bob", 20, 10), waiter("carl", 15, 9)] {
        state.queue.insert(waiter.hold.id, waiter);
    }
    assert_eq!(state.end_lapsed(now(), &policy), []);
    let left: Vec<_> = state
        .queue
        .values()
        .map(|w| w.hold.client.clone())
        .collect();
    assert_eq!(left, ["carl"]);
}

#[test]
fn a_refused_client_gives_up_its_place() {
    let mut state = knowing([]);
    let waits = waiter("ann", 5, 1);
    state.queue.insert(waits.hold.id, waits);
    let mut none = three();
    none.pools[0].max = 0;
    let refused = state.acquire(now(), &none, &slot(0).pool, "ann");
    let refused = refused.expect_err("there are no slots");
    assert_eq!(refused.to_string(), "pool a has no slots");
    assert_eq!(refused.hint().as_deref(), Some("raise its `max`"));
    assert_eq!(state.queue.len(), 0);
}

#[test]
fn what_a_client_can_hope_for_has_its_words_and_its_instant() {
    let until = now() + Span::minutes(5);
    let backoff = Reason::Backoff {
        failures: 1,
        until,
        last: "no servers".into(),
    };
    for (outlook, words, at) in [
        (
            Outlook::OnItsWay { by: None },
            "a session is on its way",
            None,
        ),
        (
            Outlook::OnItsWay { by: Some(until) },
            "a session is on its way, as a rule Ready by 2026-03-02T08:05:00Z",
            Some(until),
        ),
        (Outlook::Full { max: 1 }, "its only slot is taken", None),
        (Outlook::Full { max: 2 }, "all 2 slots are taken", None),
        (
            Outlook::OutOfReach,
            "its session cannot be connected to now",
            None,
        ),
        (
            Outlook::Kept(Reason::Surplus),
            "more than the pool needs",
            None,
        ),
        (
            Outlook::Kept(backoff),
            "failed 1 time, next try at 2026-03-02T08:05:00Z: no servers",
            Some(until),
        ),
    ] {
        assert_eq!((outlook.to_string().as_str(), outlook.until()), (words, at));
    }
}
