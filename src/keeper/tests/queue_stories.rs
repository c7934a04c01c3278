//! Stories of clients that ask for sessions, wait for them and give them back.

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{HoldId, Minutes, SessionId, Size, Span};

/// A pool that is empty unless somebody asks.
fn on_demand(max: u32) -> Policy {
    let mut policy = policy();
    (policy.pools[0].min, policy.pools[0].max) = (0, max);
    policy
}

fn ready(acquired: Result<Acquired, Refusal>) -> (HoldId, SessionId) {
    match acquired {
        Ok(Acquired::Ready { hold, id, .. }) => (hold, id),
        other => panic!("{other:?}"),
    }
}

fn waits(acquired: Result<Acquired, Refusal>) -> (u32, Outlook) {
    match acquired {
        Ok(Acquired::Waiting { place, outlook, .. }) => (place, outlook),
        other => panic!("{other:?}"),
    }
}

fn why_not(acquired: Result<Acquired, Refusal>) -> Reason {
    match acquired {
        Err(Refusal::Unavailable { why, .. }) => *why,
        other => panic!("{other:?}"),
    }
}

fn release(world: &mut TestWorld, held: &HoldRef, client: &str) -> Result<Event, Refusal> {
    world.state.release(world.now, held, client)
}

#[test]
fn as_many_sessions_are_on_their_way_as_clients_wait_and_first_come_is_first_served() {
    let mut world = TestWorld::new(on_demand(3));
    world.run(Span::seconds(1));
    let clients = ["ann", "bob", "carl", "dora"];
    for (n, client) in (1..).zip(clients) {
        let outlook = match n {
            4 => Outlook::Full { max: 3 },
            _ => Outlook::OnItsWay { by: None },
        };
        assert_eq!(waits(world.ask(client)), (n, outlook), "{client}");
    }
    world.run(Span::seconds(45));
    assert_eq!(world.told().matches("creating").count(), 3);
    // All three are Ready. Whoever asks first now, each gets what its place is worth.
    assert_eq!(waits(world.ask("dora")).0, 4);
    let (_, last) = ready(world.ask("carl"));
    let (hold, first) = ready(world.ask("ann"));
    assert_ne!(first, last);
    ready(world.ask("bob"));
    assert_eq!(waits(world.ask("dora")), (1, Outlook::Full { max: 3 }));
    release(&mut world, &HoldRef::Hold(hold), "ann").expect("she holds it");
    assert_eq!(ready(world.ask("dora")).1, first);
}

#[test]
fn a_client_that_is_not_there_any_more_holds_up_nobody_and_starts_nothing() {
    let mut world = TestWorld::new(on_demand(1));
    world.down = true;
    for _ in 0..3 {
        world.run(Span::minutes(1));
        let why = Outlook::Kept(Reason::ServiceUnreachable { said: None });
        assert_eq!(waits(world.ask("ann")), (1, why));
    }
    let told = world.told();
    assert_eq!(told.matches("ann waits").count(), 1, "{told}");
    waits(world.ask("bob"));
    world.down = false;
    for _ in 0..2 {
        world.run(Span::seconds(40));
        let _ = world.ask("bob");
    }
    assert!(world.told().contains("acquired by bob"));
    // Nothing is started for whoever has not asked for a while.
    let mut world = TestWorld::new(on_demand(1));
    world.down = true;
    waits(world.ask("ann"));
    world.run(Span::minutes(10));
    world.down = false;
    world.run(Span::hours(1));
    assert!(!world.told().contains("creating"));
    assert!(world.state.queue.is_empty());
}

#[test]
fn who_cannot_be_served_learns_the_rule_and_gets_no_place() {
    let mut world = TestWorld::new(on_demand(2));
    world.run(Span::seconds(1));
    world.policy.pools[0].max = 0;
    assert!(matches!(world.ask("ann"), Err(Refusal::NoSlots { .. })));
    world.policy.pools[0].max = 2;
    let policy = world.policy.clone();
    let pool = "a".parse().expect("a target");
    world
        .state
        .park(world.now, &policy, &pool)
        .expect("the pool exists");
    let why = why_not(world.ask("ann"));
    assert!(matches!(why, Reason::ParkedByPerson { .. }), "{why:?}");
    world
        .state
        .wake(world.now, &policy, &"a/1".parse().expect("a slot"))
        .expect("the slot exists");
    assert_eq!(waits(world.ask("ann")), (1, Outlook::OnItsWay { by: None }));
    world.policy.budget.daily = TestWorld::money("0.01");
    let why = why_not(world.ask("ann"));
    assert!(
        matches!(why, Reason::Budget { until: Some(_), .. }),
        "{why:?}"
    );
    world.policy.budget.daily = None;
    let monday_noon = ["Mon 12:00-13:00 UTC".parse().expect("a window")];
    world.policy.pools[0].schedule = crate::policy::Schedule::new(monday_noon.into());
    let why = why_not(world.ask("ann"));
    assert!(
        matches!(why, Reason::ScheduleClosed { opens: Some(at) } if at > world.now),
        "{why:?}"
    );
    assert!(world.state.queue.is_empty());
}

#[test]
fn a_hold_outlives_its_session_and_either_id_gives_it_back() {
    for by_hold in [true, false] {
        let mut policy = policy();
        policy.pools[0].idle_timeout = None;
        policy.pools[0].max_lifetime = Minutes::new(40);
        let mut world = TestWorld::new(policy);
        world.run(Span::minutes(5));
        let (hold, first) = ready(world.ask("ann"));
        world.run(Span::minutes(60));
        assert!(!world.state.sessions.contains_key(&first), "it rolled over");
        let held = if by_hold {
            HoldRef::Hold(hold)
        } else {
            HoldRef::Session(first)
        };
        let refused = release(&mut world, &held, "carl").expect_err("it is not his");
        assert!(matches!(refused, Refusal::HeldByAnother { .. }));
        release(&mut world, &held, "ann").expect("it is hers");
        let refused = release(&mut world, &held, "ann").expect_err("she has given it back");
        assert!(matches!(
            refused,
            Refusal::NotHeld { .. } | Refusal::NoSession { .. }
        ));
    }
}

#[test]
fn whoever_holds_nothing_gives_nothing_back() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(1));
    let id = world.state.sessions.keys().next().expect("one is there");
    let held = HoldRef::Session(id.clone());
    let refused = release(&mut world, &held, "carl").expect_err("nobody holds it");
    assert_eq!(refused, Refusal::NotHeld { hold: held });
}

#[test]
fn a_successor_belongs_to_whoever_holds_the_session_before_it() {
    let mut policy = on_demand(1);
    (policy.pools[0].min, policy.pools[0].idle_timeout) = (1, None);
    policy.pools[0].max_lifetime = Minutes::new(40);
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(5));
    let (hold, first) = ready(world.ask("ann"));
    world.run(Span::minutes(33));
    assert_eq!(world.state.sessions.len(), 2, "the successor is Ready");
    assert_eq!(waits(world.ask("bob")), (1, Outlook::Full { max: 1 }));
    let (same, second) = ready(world.ask("ann"));
    assert_eq!(same, hold);
    assert_ne!(second, first);
}

#[test]
fn what_nobody_can_connect_to_is_not_handed_out_and_stays_its_holders() {
    let mut world = TestWorld::new(on_demand(1));
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    let unknown = Status::Other("Hibernating".into());
    let id = world.state.sessions.keys().next().expect("one").clone();
    world.set_status(&id, unknown.clone());
    world.run(Span::seconds(40));
    waits(world.ask("ann"));
    world.set_status(&id, Status::Ready);
    world.crash();
    world.run(Span::seconds(40));
    let (hold, _) = ready(world.ask("ann"));
    world.set_status(&id, unknown);
    world.crash();
    world.run(Span::seconds(40));
    assert_eq!(waits(world.ask("ann")), (1, Outlook::OutOfReach));
    assert_eq!(waits(world.ask("bob")).0, 1);
    let still = world.state.sessions[&id].hold.as_ref();
    assert_eq!(still.map(|h| h.id), Some(hold));
}

#[test]
fn a_client_that_asks_for_what_it_holds_makes_the_ledger_write_nothing_at_once() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(1));
    ready(world.ask("ann"));
    world.run(Span::minutes(1));
    ready(world.ask("ann"));
    assert!(!world.state.must_be_written());
}

#[test]
fn a_client_that_loses_its_session_waits_in_front_with_the_hold_that_it_had() {
    let mut world = TestWorld::new(on_demand(1));
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    let (hold, first) = ready(world.ask("ann"));
    waits(world.ask("bob"));
    world.set_status(&first, Status::Error);
    world.run(Span::seconds(50));
    assert_eq!(waits(world.ask("bob")).0, 2);
    let (same, second) = ready(world.ask("ann"));
    assert_eq!(same, hold);
    assert_ne!(second, first);
    release(&mut world, &HoldRef::Session(first), "ann").expect("it was given for this hold");
}

#[test]
fn a_hold_ends_by_itself_where_its_client_gives_no_sign() {
    let mut policy = on_demand(1);
    policy.pools[0].hold_timeout = Some(Span::minutes(5));
    let mut world = TestWorld::new(policy);
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    ready(world.ask("ann"));
    world.run(Span::minutes(4));
    // Asking again is a sign.
    ready(world.ask("ann"));
    world.run(Span::minutes(4));
    waits(world.ask("bob"));
    world.run(Span::seconds(65));
    ready(world.ask("bob"));
    let told = world.told();
    assert!(told.contains("no sign of ann since"), "{told}");
}

#[test]
fn one_heartbeat_of_a_pool_is_one_user_and_makes_neither_stock_nor_what_boots_used() {
    let mut policy = on_demand(5);
    policy.pools[0].spare = 1;
    let mut world = TestWorld::new(policy.clone());
    let pool = "a".parse().expect("a target");
    for _ in 0..300 {
        world.run(Span::seconds(1));
        let touched = world.state.touch(world.now, &policy, &pool);
        world.tell(&touched.expect("the pool exists"));
    }
    // One is used, and one is stock.
    let told = world.told();
    assert_eq!(told.matches("creating").count(), 2, "{told}");
}

#[test]
fn a_visit_that_is_over_keeps_nothing_running_where_nobody_is_ever_idle() {
    let mut policy = on_demand(1);
    policy.pools[0].idle_timeout = None;
    let mut world = TestWorld::new(policy);
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    let (hold, _) = ready(world.ask("ann"));
    world.run(Span::minutes(60));
    release(&mut world, &HoldRef::Hold(hold), "ann").expect("she holds it");
    world.run(Span::minutes(1));
    assert!(world.state.sessions.is_empty());
}

#[test]
fn a_hold_that_has_lasted_is_over_and_its_client_begins_another_one() {
    let mut policy = on_demand(1);
    policy.pools[0].max_hold = Some(Span::minutes(10));
    let mut world = TestWorld::new(policy);
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    let (hold, first) = ready(world.ask("ann"));
    let over = |world: &TestWorld| {
        world
            .state
            .sessions
            .get(&first)
            .is_none_or(|k| k.stop.is_some())
    };
    while !over(&world) {
        world.run(Span::seconds(5));
    }
    // She asks while the session is still being stopped.
    waits(world.ask("ann"));
    world.run(Span::minutes(1));
    let (another, second) = ready(world.ask("ann"));
    assert_ne!(another, hold);
    world.run(Span::minutes(5));
    let held = &world.state.sessions[&second];
    assert!(
        held.stop.is_none() && held.hold.is_some(),
        "{}",
        world.told()
    );
}

#[test]
fn who_asks_for_a_size_gets_it_and_waits_for_no_other() {
    let mut policy = on_demand(3);
    policy.pools[0].fallback_sizes = vec![Size::Premium];
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(1));
    let premium = Claimant {
        size: Some(&Size::Premium),
        ..Claimant::from("ann")
    };
    let size_of = |world: &TestWorld, id: &SessionId| world.state.sessions[id].size.clone();
    assert_eq!(waits(world.ask_for(0, premium)).0, 1);
    assert_eq!(waits(world.ask("bob")).0, 2);
    world.run(Span::seconds(45));
    // Bob may have any size; the premium one is ann's all the same, whoever asks first.
    let (hold, bobs) = ready(world.ask("bob"));
    assert_eq!(size_of(&world, &bobs), Size::Standard);
    let (_, anns) = ready(world.ask_for(0, premium));
    assert_eq!(size_of(&world, &anns), Size::Premium);
    // A session of the other size that nobody uses serves nobody who needs this one.
    release(&mut world, &HoldRef::Hold(hold), "bob").expect("his");
    let carl = Claimant {
        client: "carl",
        ..premium
    };
    assert_eq!(waits(world.ask_for(0, carl)).0, 1);
    world.run(Span::seconds(45));
    let (_, carls) = ready(world.ask_for(0, carl));
    assert_eq!(size_of(&world, &carls), Size::Premium);
    let other = Size::from("huge".to_owned());
    let huge = Claimant {
        size: Some(&other),
        ..Claimant::from("dora")
    };
    let why = world
        .ask_for(0, huge)
        .expect_err("there are none")
        .to_string();
    assert_eq!(
        why,
        "pool a has no huge sessions; its sizes are Standard, Premium"
    );
}

#[test]
fn a_successor_has_the_size_that_its_holder_asked_for() {
    let mut policy = on_demand(1);
    policy.pools[0].fallback_sizes = vec![Size::Premium];
    policy.pools[0].idle_timeout = None;
    policy.pools[0].max_lifetime = Minutes::new(40);
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(1));
    let premium = Claimant {
        size: Some(&Size::Premium),
        ..Claimant::from("ann")
    };
    waits(world.ask_for(0, premium));
    world.run(Span::seconds(45));
    let (_, first) = ready(world.ask_for(0, premium));
    world.run(Span::minutes(45));
    let (_, second) = ready(world.ask_for(0, premium));
    assert_ne!(first, second);
    assert_eq!(world.state.sessions[&second].size, Size::Premium);
}
