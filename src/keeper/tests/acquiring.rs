//! Small states, and which session a client is given.

use super::fixtures::{ago, answering, blank, id, intent, knowing, now, policy, pool, ready, slot};
use crate::keeper::state::{KeeperState, ManagedSession, StopAsked, Waiter};
use crate::keeper::*;
use crate::policy::{Location, Pool, Schedule};
use crate::units::{HoldKey, Minutes, SessionId, Span};

fn held(ordinal: u32, n: u32, client: &str) -> ManagedSession {
    ManagedSession {
        hold: Some(Hold::of(client, ago(4))),
        ..ready(ordinal, n)
    }
}

fn booting(ordinal: u32, n: u32) -> ManagedSession {
    ManagedSession {
        status: Status::Starting,
        clock: None,
        ..ready(ordinal, n)
    }
}

fn stopping(session: ManagedSession, reason: Reason) -> ManagedSession {
    let stop = StopAsked {
        after: None,
        since: ago(1),
        reason,
    };
    ManagedSession {
        stop: Some(stop),
        ..session
    }
}

/// The session that ann is given; `None` where she waits.
fn given(state: &mut KeeperState) -> Option<SessionId> {
    let pool = slot(0).pool;
    match state.acquire(now(), &policy(), &pool, "ann") {
        Ok((Acquired::Ready { id, .. }, _)) => Some(id),
        Ok((Acquired::Waiting { .. }, _)) => None,
        Err(why) => panic!("{why}"),
    }
}

fn ann_gets(sessions: impl IntoIterator<Item = ManagedSession>) -> Option<SessionId> {
    given(&mut knowing(sessions))
}

#[test]
fn a_client_goes_on_to_a_later_session_of_its_slot_that_can_be_had() {
    let hers = || held(0, 1, "ann");
    assert_eq!(ann_gets([hers()]), Some(id(0, 1)));
    assert_eq!(ann_gets([hers(), ready(0, 2)]), Some(id(0, 2)));
    assert_eq!(ann_gets([hers(), ready(0, 0)]), Some(id(0, 1)), "older");
    assert_eq!(ann_gets([hers(), booting(0, 2)]), Some(id(0, 1)));
    assert_eq!(ann_gets([hers(), held(0, 2, "bob")]), Some(id(0, 1)));
    assert_eq!(
        ann_gets([hers(), ready(1, 2)]),
        Some(id(0, 1)),
        "another slot"
    );
}

#[test]
fn what_is_used_or_belongs_to_a_user_is_not_given_to_another() {
    assert_eq!(ann_gets([held(0, 1, "bob"), ready(0, 2)]), None);
    assert_eq!(ann_gets([ready(0, 1), ready(0, 2)]), Some(id(0, 2)));
    assert_eq!(ann_gets([ready(0, 1), booting(0, 2)]), Some(id(0, 1)));
    let used = ManagedSession {
        active: Some(ago(1)),
        ..ready(0, 1)
    };
    assert_eq!(ann_gets([used.clone()]), None);
    assert_eq!(ann_gets([used, ready(1, 0)]), Some(id(1, 0)));
    let ends = stopping(ready(0, 1), Reason::Surplus);
    assert_eq!(ann_gets([ends]), None);
}

#[test]
fn a_hold_on_a_session_that_ends_goes_on_with_the_next_one_of_its_client_only() {
    let ending = |client| stopping(held(0, 1, client), Reason::BeyondMax { max: 1 });
    let hold = |state: &KeeperState, id: SessionId| state.sessions[&id].hold.clone();
    let mut state = knowing([ending("ann"), ready(1, 0)]);
    assert_eq!(given(&mut state), Some(id(1, 0)));
    let before = Hold::of("ann", ago(4)).moved_from(id(0, 1));
    let moved = Hold {
        here: Some(now()),
        ..before.clone()
    };
    assert_eq!(hold(&state, id(1, 0)), Some(moved));
    assert_eq!(
        state.sessions[&id(0, 1)].uses,
        [Hold::of("ann", ago(4)).use_until(now())]
    );
    assert_eq!(hold(&state, id(0, 1)), None);
    // Where she has to wait, it keeps her place.
    let mut state = knowing([ending("ann")]);
    assert_eq!(given(&mut state), None);
    let waiter = state.queue.values().next().expect("she waits");
    assert_eq!(waiter.hold, before);
    // Not somebody else's, nor one that a rule has ended.
    let mut state = knowing([ending("bob"), ready(1, 0)]);
    assert_eq!(given(&mut state), Some(id(1, 0)));
    assert_eq!(hold(&state, id(1, 0)).map(|h| h.former), Some(vec![]));
    assert!(hold(&state, id(0, 1)).is_some());
    let over = Reason::HeldTooLong {
        client: "ann".into(),
        since: ago(4),
        limit: Span::minutes(4),
    };
    let mut state = knowing([stopping(held(0, 1, "ann"), over), ready(1, 0)]);
    assert_eq!(given(&mut state), Some(id(1, 0)));
    let begun = hold(&state, id(1, 0)).expect("a hold of her own");
    assert_eq!((begun.since, begun.former), (now(), vec![]));
}

#[test]
fn what_a_client_has_in_another_pool_is_its_own_matter() {
    let mut elsewhere = stopping(held(0, 1, "ann"), Reason::Surplus);
    elsewhere.slot.pool = pool("b").name;
    let mut state = knowing([elsewhere, ready(1, 0)]);
    let waiter = Waiter {
        hold: Hold::of("ann", ago(5)),
        pool: pool("b").name,
        asked: ago(1),
    };
    state.queue.insert(waiter.hold.id, waiter);
    assert_eq!(given(&mut state), Some(id(1, 0)));
    let hold = state.sessions[&id(1, 0)].hold.clone().expect("hers");
    assert_eq!(hold.former, []);
    assert!(state.sessions[&id(0, 1)].hold.is_some());
    assert_eq!(state.queue.len(), 1);
}

#[test]
fn that_a_client_has_asked_again_is_written_with_the_next_pass_however_often_it_asks() {
    let mut state = knowing([held(0, 1, "bob")]);
    assert_eq!(given(&mut state), None);
    assert!(state.must_be_written());
    state.take_changes();
    let pool = slot(0).pool;
    for seconds in 1..=90 {
        let at = now() + Span::seconds(seconds);
        let asked = state.acquire(at, &policy(), &pool, "ann");
        assert!(asked.is_ok_and(|(_, events)| events.is_empty()));
        assert!(!state.must_be_written(), "it can wait");
    }
    let written = state.take_changes();
    let asked: Vec<_> = written.waiting.iter().map(|w| w.asked).collect();
    assert_eq!(asked, [now() + Span::seconds(90)]);
    assert_eq!(state.take_changes().waiting, []);
    // Whoever has left meanwhile is not brought back.
    assert_eq!(given(&mut state), None);
    state.queue.clear();
    assert!(state.take_changes().is_empty());
}

#[test]
fn what_is_on_its_way_is_counted_by_place_and_pool() {
    let mut policy = policy();
    policy.pools[0].max = 2;
    policy.pools.push(pool("b"));
    let outlook = |sessions: Vec<ManagedSession>, name: &str| {
        let mut state = knowing(sessions);
        state.fresh = true;
        let asked = |state: &mut KeeperState, client| {
            let asked = state.acquire(now(), &policy, &pool(name).name, client);
            match asked {
                Ok((Acquired::Waiting { outlook, .. }, _)) => outlook,
                other => panic!("{other:?}"),
            }
        };
        (asked(&mut state, "ann"), asked(&mut state, "carl"))
    };
    let full = || Outlook::Full { max: 2 };
    let used = || ManagedSession {
        active: Some(now()),
        ..ready(0, 0)
    };
    // One boots for her; he would need a third.
    let one = outlook(vec![used(), booting(1, 0)], "a");
    assert_eq!(one, (Outlook::OnItsWay { by: None }, full()));
    // What boots to succeed a session in use is its user's.
    let successor = outlook(vec![used(), booting(0, 1), held(1, 0, "bob")], "a");
    assert_eq!(successor, (full(), full()));
    let ending = stopping(booting(1, 0), Reason::Surplus);
    assert_eq!(outlook(vec![used(), ending], "a").0, full());
    // Another pool's are its own: what is on its way there is asked for anew.
    let elsewhere = outlook(vec![used(), booting(1, 0)], "b");
    assert_eq!(
        elsewhere,
        (
            Outlook::OnItsWay { by: None },
            Outlook::OnItsWay { by: None }
        )
    );
}

#[test]
fn a_client_is_told_when_a_session_is_ready_as_a_rule_until_it_takes_longer() {
    let mut policy = policy();
    policy.pools[0].max = 3;
    let by = |usual: i64, client: &str| {
        // Both were asked for six minutes ago.
        let mut state = knowing([booting(0, 0), booting(1, 0)]);
        state.fresh = true;
        state.boots.note(&slot(0).pool, Span::minutes(usual));
        for client in ["ann", "bob", client] {
            let asked = state.acquire(now(), &policy, &slot(0).pool, client);
            if let Ok((Acquired::Waiting { outlook, .. }, _)) = asked
                && client == "carl"
            {
                return outlook;
            }
        }
        panic!("{client} waits")
    };
    // A third is asked for now.
    let seven = now() + Span::minutes(7);
    assert_eq!(by(7, "carl"), Outlook::OnItsWay { by: Some(seven) });
    let first = |usual: i64| {
        let mut state = knowing([booting(0, 0)]);
        state.boots.note(&slot(0).pool, Span::minutes(usual));
        match state.acquire(now(), &policy, &slot(0).pool, "ann") {
            Ok((Acquired::Waiting { outlook, .. }, _)) => outlook.until(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(first(7), Some(now() + Span::minutes(1)));
    assert_eq!(first(6), None, "it takes longer than that");
}

#[test]
fn a_boot_lasts_until_its_session_is_ready_however_late_that_is_seen() {
    for (elapsed, took) in [(0, 6), (2, 4)] {
        let mut state = knowing([ManagedSession {
            seen: true,
            starting_at: Some(ago(6)),
            ..intent(0, 0)
        }]);
        let ready = Session {
            status: Status::Ready,
            elapsed: Minutes::new(elapsed),
            ..blank(&id(0, 0))
        };
        for told in [1, 0] {
            let observation = answering(ready.clone());
            let events = state.apply_observation(now(), &policy(), &observation);
            assert_eq!(events.len(), told, "it is told once");
            let after = |e: &Event| match e.what {
                EventKind::Ready { after, .. } => after,
                _ => Span::ZERO,
            };
            assert!(events.iter().all(|e| after(e) == Span::minutes(took)));
        }
        let mut expected = Boots::default();
        expected.note(&slot(0).pool, Span::minutes(took));
        assert_eq!(state.boots, expected);
    }
}

#[test]
fn the_closest_region_is_given_first_and_there_the_session_that_may_live_longest() {
    let mut policy = policy();
    let region = |name: &str| name.parse().expect("a region");
    policy.service.location = Location::Region(region("west"));
    policy.pools[0].regions = vec![region("west"), region("north")];
    let free = |ordinal, name: &str, since: i64| ManagedSession {
        region: name.parse().ok(),
        clock: LeaseClock::new(ago(since + 1), ago(since)),
        ..ready(ordinal, 0)
    };
    let mut state = knowing([
        free(0, "north", 1),
        free(1, "west", 9),
        free(2, "west", 3),
        // Where nothing is known of its life, it comes last.
        ManagedSession {
            clock: None,
            ..free(3, "west", 2)
        },
    ]);
    let clients = ["ann", "bob", "carl", "dora"];
    let order = clients.map(|client| {
        let acquired = state.acquire(now(), &policy, &slot(0).pool, client);
        match acquired {
            Ok((Acquired::Ready { id, .. }, _)) => id,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(order, [id(2, 0), id(1, 0), id(3, 0), id(0, 0)]);
}

#[test]
fn a_client_is_told_how_long_its_lease_lasts_and_which_rule_ends_its_hold_first() {
    let ends = |change: fn(&mut Pool)| {
        let mut policy = policy();
        // Seventeen minutes from now it closes.
        let window = "Mon 06:00-08:17 UTC".parse().expect("a window");
        policy.pools[0].schedule = Schedule::new(vec![window]);
        policy.pools[0].idle_timeout = None;
        change(&mut policy.pools[0]);
        let mut state = knowing([held(0, 0, "ann")]);
        match state.acquire(now(), &policy, &slot(0).pool, "ann") {
            Ok((Acquired::Ready { ends, leased, .. }, _)) => {
                assert_eq!(leased, Some(ago(5) + Span::minutes(20)));
                ends.map(|end| (end.by, (end.at - now()).as_secs() / 60))
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ends(|_| {}), Some((HoldRule::Schedule, 17)));
    assert_eq!(ends(|p| p.schedule = Schedule::always()), None);
    // She has held it for four minutes, and this is a sign.
    let held = |p: &mut Pool| p.max_hold = Some(Span::minutes(20));
    assert_eq!(ends(held), Some((HoldRule::MaxHold, 16)));
    let silent = |p: &mut Pool| p.hold_timeout = Some(Span::minutes(10));
    assert_eq!(ends(silent), Some((HoldRule::HoldTimeout, 10)));
    let idle = |p: &mut Pool| {
        p.hold_timeout = Some(Span::minutes(10));
        p.idle_timeout = Some(Span::minutes(9));
    };
    assert_eq!(ends(idle), Some((HoldRule::IdleTimeout, 9)));
    // What cannot be put off is told before what can.
    let both = |p: &mut Pool| p.idle_timeout = Some(Span::minutes(17));
    assert_eq!(ends(both), Some((HoldRule::Schedule, 17)));
}

#[test]
fn a_request_with_its_own_key_has_one_hold_and_none_once_that_is_over() {
    let mut state = knowing([ready(0, 0), ready(1, 0)]);
    let pool = slot(0).pool;
    let key = |text: &str| text.parse::<HoldKey>().expect("a key");
    let mut asked = |client: &str, text: &str| {
        let given = state.acquire_once(now(), &policy(), &pool, client.into(), &key(text));
        (given.map(|(acquired, _)| acquired.hold()), state.clone())
    };
    let (first, after) = asked("ann", "one");
    let first = first.expect("a session is free");
    assert_eq!(after.keys[&key("one")].hold, first);
    assert_eq!(asked("ann", "one").0, Ok(first), "it is the same request");
    assert_eq!(asked("ann", "two").0, Ok(first), "she holds it");
    let reused = Refusal::KeyReused { key: key("one") };
    assert_eq!(asked("bob", "one").0, Err(reused.clone()));
    let bobs = asked("bob", "three").0.expect("another is free");
    assert_eq!(
        asked("carl", "four").0.map(|hold| hold == bobs),
        Ok(false),
        "he waits"
    );
    state
        .release(now(), &HoldRef::Hold(first), "ann")
        .expect("hers");
    let mut asked = |client: &str, text: &str| {
        let given = state.acquire_once(now(), &policy(), &pool, client.into(), &key(text));
        given.map(|(acquired, _)| acquired.hold())
    };
    let over = Refusal::HoldOver { hold: first };
    assert_eq!(
        asked("ann", "one"),
        Err(over.clone()),
        "a late copy takes nothing"
    );
    assert_eq!(asked("ann", "two"), Err(over));
    assert!(asked("ann", "five").is_ok());
    assert_eq!(asked("bob", "one"), Err(reused));
}
