//! Stories: given this policy and this world, what does the keeper do, and what does it say?

use insta::assert_snapshot;

use super::world::{TestWorld, policy, pool};
use crate::keeper::*;
use crate::units::{Minutes, Size, Span};

fn target(name: &str) -> Target {
    name.parse().expect("a target")
}

#[test]
fn a_session_is_created_renewed_just_in_time_and_stopped_when_idle() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(5));
    world.says("an artist works until 08:20");
    for _ in 0..5 {
        let now = world.now;
        let policy = world.policy.clone();
        let events = world
            .state
            .touch(now, &policy, &target("a"))
            .expect("the pool exists");
        world.tell(&events);
        world.run(Span::minutes(3));
    }
    world.run(Span::minutes(60));
    assert_snapshot!(world.told());
}

#[test]
fn a_service_that_answers_again_in_the_last_eighth_of_a_lease_still_renews_it() {
    let mut policy = policy();
    policy.pools[0].lease = Minutes::new(4);
    policy.pools[0].idle_timeout = None;
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(90));
    world.says("the service is down");
    world.down = true;
    world.run(Span::seconds(165));
    world.says("and answers again");
    world.down = false;
    world.run(Span::seconds(30));
    assert_snapshot!(world.told());
}

#[test]
fn a_session_that_one_client_gives_back_is_the_next_ones_at_once_and_idle_since_then() {
    let mut world = TestWorld::new(policy());
    let pool = world.policy.pools[0].name.clone();
    let policy = world.policy.clone();
    world.run(Span::minutes(1));
    let (first, events) = world
        .state
        .acquire(world.now, &policy, &pool, "ann")
        .expect("the pool exists");
    let Acquired::Ready { id, .. } = &first else {
        panic!("{first:?}")
    };
    world.tell(&events);
    world.run(Span::minutes(5));
    let event = world
        .state
        .release(world.now, &HoldRef::Session(id.clone()), "ann")
        .expect("she holds it");
    world.tell(&[event]);
    world.run(Span::minutes(1));
    let (second, events) = world
        .state
        .acquire(world.now, &policy, &pool, "bob")
        .expect("the pool exists");
    assert!(
        matches!(&second, Acquired::Ready { id: again, .. } if again == id),
        "{second:?}"
    );
    world.tell(&events);
    let event = world
        .state
        .release(world.now, &HoldRef::Session(id.clone()), "bob")
        .expect("he holds it");
    world.tell(&[event]);
    world.run(Span::minutes(20));
    assert_snapshot!(world.told());
}

#[test]
fn only_the_first_heartbeat_of_a_session_that_nobody_used_wants_a_pass() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(1));
    let policy = world.policy.clone();
    let mut beat = |after: Span| {
        world
            .state
            .touch(world.now + after, &policy, &target("a"))
            .expect("the pool exists");
        let wants = world.state.wants_pass();
        world.state.take_changes();
        wants
    };
    let minutes = |m| Span::minutes(m);
    assert_eq!(
        [
            beat(minutes(0)),
            beat(minutes(5)),
            beat(minutes(19)),
            beat(minutes(40))
        ],
        [true, false, false, true]
    );
}

#[test]
fn a_parked_slot_wakes_when_a_client_asks() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(20));
    world.says("a client asks");
    let policy = world.policy.clone();
    let events = world
        .state
        .touch(world.now, &policy, &target("a"))
        .expect("the pool exists");
    world.tell(&events);
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn a_session_of_a_lost_ledger_is_adopted_and_its_lease_measured_from_its_ready_time() {
    let mut world = TestWorld::new(policy());
    world.outsider("st-a-0-01HF7YAT000000000000000007", Span::minutes(17), 20);
    world.outsider("somebody-else", Span::minutes(17), 600);
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn a_create_whose_reply_was_lost_is_not_made_twice() {
    let mut world = TestWorld::new(policy());
    world.lose_reply = true;
    world.run(Span::minutes(1));
    assert_snapshot!(world.told());
}

#[test]
fn a_size_that_cannot_be_had_falls_back_at_once_and_then_waits() {
    let mut policy = policy();
    policy.pools[0].fallback_sizes = vec![Size::Premium];
    let mut world = TestWorld::new(policy);
    world.exhausted = vec![Size::Standard, Size::Premium];
    world.run(Span::minutes(3));
    world.says("Premium can be had again");
    world.exhausted = vec![Size::Standard];
    world.run(Span::minutes(3));
    assert_snapshot!(world.told());
}

#[test]
fn while_the_service_is_down_nothing_new_is_planned_and_leases_are_tried() {
    let mut world = TestWorld::new(policy());
    world.policy.pools[0].idle_timeout = None;
    world.run(Span::minutes(9));
    world.says("the service goes down for longer than a lease");
    world.down = true;
    world.run(Span::minutes(24));
    world.says("and is back");
    world.down = false;
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn a_session_rolls_over_to_a_successor_before_its_lifetime_ends() {
    let mut world = TestWorld::new(policy());
    world.policy.pools[0].idle_timeout = None;
    world.policy.pools[0].max_lifetime = Minutes::new(40);
    world.run(Span::minutes(55));
    assert_snapshot!(world.told());
}

#[test]
fn a_held_session_keeps_its_place_until_its_client_comes_back_to_the_successor() {
    let mut world = TestWorld::new(policy());
    world.policy.pools[0].idle_timeout = None;
    world.policy.pools[0].max_lifetime = Minutes::new(40);
    world.run(Span::minutes(5));
    let acquire = |world: &mut TestWorld| {
        let policy = world.policy.clone();
        let pool = policy.pools[0].name.clone();
        let (_, events) = world
            .state
            .acquire(world.now, &policy, &pool, "ann")
            .expect("the pool exists");
        world.tell(&events);
    };
    acquire(&mut world);
    world.run(Span::minutes(33));
    world.says("ann connects again");
    acquire(&mut world);
    world.run(Span::minutes(1));
    assert_snapshot!(world.told());
}

#[test]
fn at_the_cap_the_hold_moves_to_the_successor_whatever_heartbeats_the_old_one_gets() {
    let mut policy = policy();
    policy.pools[0].max = 1;
    policy.pools[0].max_lifetime = Minutes::new(40);
    let mut world = TestWorld::new(policy.clone());
    let pool = policy.pools[0].name.clone();
    world.run(Span::minutes(5));
    let acquire = |world: &mut TestWorld| {
        world
            .state
            .acquire(world.now, &policy, &pool, "ann")
            .expect("the pool exists")
            .0
    };
    let Acquired::Ready { id: old, .. } = acquire(&mut world) else {
        panic!("the first session is Ready")
    };
    for _ in 0..38 {
        world.run(Span::minutes(1));
        // Once the old one has ended there is no such session any more.
        let _ = world
            .state
            .touch(world.now, &policy, &Target::Session(old.clone()));
    }
    let held: Vec<&ManagedSession> = world
        .state
        .sessions
        .values()
        .filter(|k| k.hold.is_some())
        .collect();
    assert!(
        matches!(held[..], [successor] if successor.id != old),
        "{held:#?}"
    );
    let successor = held[0].id.clone();
    assert!(matches!(acquire(&mut world), Acquired::Ready { id, .. } if id == successor));
}

#[test]
fn a_create_of_a_successor_that_came_to_nothing_is_repeated_while_the_old_one_lives() {
    let mut world = TestWorld::new(policy());
    world.policy.pools[0].idle_timeout = None;
    world.policy.pools[0].max_lifetime = Minutes::new(40);
    world.run(Span::minutes(30));
    world.lose_request = true;
    world.run(Span::minutes(5));
    let story = world.told();
    assert!(story.contains("succeeded by session 2"), "{story}");
}

#[test]
fn spares_are_stock_and_demand_creates_more() {
    let mut world = TestWorld::new(policy());
    world.policy.pools[0].min = 0;
    world.policy.pools[0].spare = 1;
    world.run(Span::minutes(1));
    let policy = world.policy.clone();
    let pool = policy.pools[0].name.clone();
    let (_, events) = world
        .state
        .acquire(world.now, &policy, &pool, "ann")
        .expect("the pool exists");
    world.tell(&events);
    world.run(Span::minutes(40));
    assert_snapshot!(world.told());
}

#[test]
fn a_lease_that_is_due_shortly_is_renewed_together_with_one_that_is_due() {
    let mut world = TestWorld::new(policy());
    world.outsider("st-a-0-01HF7YAT000000000000000007", Span::seconds(70), 20);
    world.outsider("st-a-1-01HF7YAT000000000000000008", Span::seconds(10), 20);
    world.outsider("st-a-2-01HF7YAT000000000000000009", Span::minutes(8), 40);
    world.run(Span::minutes(12));
    let told = world.told();
    let renewed = told
        .lines()
        .filter(|line| line.contains("lease renewed"))
        .map(|line| &line[..16]);
    assert_eq!(
        renewed.collect::<Vec<_>>(),
        ["Mon 08:08:30 a/0", "Mon 08:08:30 a/1"],
        "{told}"
    );
}

#[test]
fn a_pool_taken_out_of_the_policy_and_a_slot_parked_by_hand_are_stopped() {
    let mut world = TestWorld::new(policy());
    world.policy.pools.push(pool("b"));
    world.run(Span::minutes(2));
    world.says("pool b is taken out, slot a/0 is parked by hand");
    world.policy.pools.pop();
    let policy = world.policy.clone();
    world
        .state
        .park(world.now, &policy, &target("a/0"))
        .expect("the slot exists");
    world.run(Span::minutes(2));
    world.says("and woken");
    let events = world
        .state
        .wake(world.now, &policy, &target("a/0"))
        .expect("the slot exists");
    world.tell(&events);
    world.run(Span::minutes(1));
    assert_snapshot!(world.told());
}

#[test]
fn of_two_sessions_in_one_slot_the_smaller_id_stays_unless_only_the_other_is_held() {
    let mut world = TestWorld::new(policy());
    world.outsider("st-a-0-01HF7YAT000000000000000007", Span::minutes(3), 20);
    world.outsider("st-a-0-01HF7YAT000000000000000009", Span::minutes(2), 20);
    world.run(Span::minutes(1));
    assert_snapshot!(world.told());
}

#[test]
fn a_server_that_never_boots_is_given_up() {
    let mut world = TestWorld::new(policy());
    world.boot = Span::hours(2);
    world.run(Span::minutes(11));
    assert_snapshot!(world.told());
}
