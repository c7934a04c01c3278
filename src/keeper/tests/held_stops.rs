//! What a change of the policy takes from clients that hold sessions.

use super::world::{TestWorld, policy, pool};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::Span;

/// A world whose pool has a session that ann holds, in slot 0, and one that nobody holds.
fn held() -> TestWorld {
    let mut rules = policy();
    rules.pools[0].min = 2;
    let mut world = TestWorld::new(rules);
    world.run(Span::minutes(2));
    let pool = "a".parse().expect("a name");
    let acquired = world.state.acquire(world.now, &world.policy, &pool, "ann");
    acquired.expect("one is Ready");
    world
}

fn stops(world: &TestWorld, new: &Policy) -> Vec<(String, ReasonKind)> {
    let (old, state) = (&world.policy, &world.state);
    held_stops_of_change(world.now, (old, state), (new, state))
        .into_iter()
        .map(|stop| (format!("{} {}", stop.slot, stop.client), stop.why.kind()))
        .collect()
}

#[test]
fn a_pool_that_is_gone_closed_or_too_small_takes_held_sessions_and_only_those() {
    let world = held();
    let anns = |why| vec![("a/0 ann".to_owned(), why)];
    let mut gone = policy();
    gone.pools = vec![pool("b")];
    assert_eq!(stops(&world, &gone), anns(ReasonKind::PoolRemoved));
    let mut small = policy();
    (small.pools[0].min, small.pools[0].max) = (0, 0);
    assert_eq!(stops(&world, &small), anns(ReasonKind::BeyondMax));
    let mut closed = policy();
    closed.pools[0].schedule = crate::policy::Schedule::never();
    assert_eq!(stops(&world, &closed), anns(ReasonKind::ScheduleClosed));
    let mut short = policy();
    short.pools[0].max_hold = Some(Span::seconds(1));
    let mut later = held();
    later.now += Span::seconds(2);
    assert_eq!(stops(&later, &short), anns(ReasonKind::HeldTooLong));
    let mut without_spare = policy();
    without_spare.pools[0].max = 1;
    assert_eq!(stops(&world, &without_spare), []);
}

#[test]
fn what_money_or_want_of_use_ends_is_no_reason_to_refuse_a_policy() {
    let mut world = held();
    world.now += Span::minutes(5);
    let mut poor = policy();
    poor.budget.daily = TestWorld::money("0.01");
    let mut hasty = policy();
    hasty.pools[0].idle_timeout = Some(Span::minutes(1));
    for new in [poor, hasty] {
        let planned = plan(world.now, &new, &world.state);
        let stop = |action: &Action| matches!(action, Action::Stop { .. });
        assert!(planned.actions.iter().any(stop));
        assert_eq!(stops(&world, &new), []);
    }
}

#[test]
fn what_the_policy_in_force_stops_as_well_is_no_matter_of_the_new_one() {
    let mut world = held();
    world.policy.pools[0].max_hold = Some(Span::seconds(1));
    world.now += Span::seconds(2);
    let mut gone = policy();
    gone.pools = vec![pool("b")];
    assert_eq!(stops(&world, &gone), []);
}

#[test]
fn a_pool_that_gets_fewer_slots_keeps_the_session_that_is_held_wherever_it_is() {
    let mut rules = policy();
    (rules.pools[0].min, rules.pools[0].max) = (4, 4);
    let mut world = TestWorld::new(rules);
    world.run(Span::minutes(2));
    let held = world.state.sessions.values().next_back().expect("slot 3");
    let (id, slot) = (held.id.clone(), held.slot.ordinal);
    assert_eq!(slot, 3);
    let hold = Hold::of("ann", world.now);
    world.state.sessions.get_mut(&id).expect("there").hold = Some(hold);
    (world.policy.pools[0].min, world.policy.pools[0].max) = (2, 2);
    world.run(Span::minutes(5));
    let slots = |world: &TestWorld| {
        let slots = world.state.sessions.values().map(|k| k.slot.ordinal);
        slots.collect::<Vec<_>>()
    };
    assert_eq!(slots(&world), [0, 3], "{}", world.told());
    let planned = plan(world.now, &world.policy, &world.state);
    let shown = planned.slots.iter().map(|s| (s.slot.ordinal, s.decision));
    let keep = Decision::Keep;
    let all: Vec<_> = shown.collect();
    assert_eq!(all, [(0, keep), (1, Decision::Empty), (3, keep)]);
    // Once it is given back and idle, its slot is gone and another takes its place.
    let given = world.state.release(world.now, &HoldRef::Session(id), "ann");
    given.expect("it is hers");
    world.run(Span::minutes(20));
    assert!(
        slots(&world).iter().all(|ordinal| *ordinal < 2),
        "{}",
        world.told()
    );
}
