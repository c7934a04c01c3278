//! Stories of holds that are about to end, and of clients that ask to stay.

use insta::assert_snapshot;

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::{Policy, Schedule};
use crate::units::{HoldId, Minutes, Span};

/// A pool that is empty unless somebody asks, and warns five minutes before.
fn warning() -> Policy {
    let mut policy = policy();
    policy.pools[0].min = 0;
    policy.pools[0].warn_before = Some(Span::minutes(5));
    policy
}

fn gets(world: &mut TestWorld, client: &str) -> HoldId {
    world.run(Span::seconds(1));
    if let Ok(Acquired::Ready { hold, .. }) = world.ask(client) {
        return hold;
    }
    world.run(Span::seconds(45));
    world.ask(client).expect("she has a session").hold()
}

fn snooze(world: &mut TestWorld, hold: HoldId, length: Span) -> Result<(), String> {
    let policy = world.policy.clone();
    let asked = world
        .state
        .snooze(world.now, &policy, hold, Some("ann"), length);
    let (_, events) = asked.map_err(|why| why.to_string())?;
    world.tell(&events);
    Ok(())
}

/// What was told of warnings, stops and the like.
fn told(world: &mut TestWorld) -> String {
    let told = world.told();
    let words = [
        "ends at",
        "stays until",
        "stopping",
        "no sign",
        "ended",
        "acquired",
    ];
    let of_holds = |line: &&str| words.iter().any(|word| line.contains(word));
    let lines = told
        .lines()
        .filter(|line| !line.contains("creating"))
        .filter(of_holds);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_client_that_does_nothing_is_warned_and_stays_as_long_as_it_asks_to() {
    let mut world = TestWorld::new(warning());
    let hold = gets(&mut world, "ann");
    world.run(Span::minutes(11));
    let warned = world.state.hold_of(hold).and_then(|hold| hold.warned);
    assert_eq!(warned.map(|end| end.by), Some(HoldRule::IdleTimeout));
    assert_eq!(snooze(&mut world, hold, Span::hours(1)), Ok(()));
    assert!(
        world
            .state
            .hold_of(hold)
            .is_some_and(|hold| hold.warned.is_none())
    );
    world.run(Span::minutes(70));
    assert_snapshot!(told(&mut world));
}

#[test]
fn a_sign_of_use_takes_a_warning_back() {
    let mut world = TestWorld::new(warning());
    let hold = gets(&mut world, "ann");
    world.run(Span::minutes(11));
    let warned = |world: &TestWorld| world.state.hold_of(hold).and_then(|hold| hold.warned);
    assert!(warned(&world).is_some());
    let _ = world.ask("ann");
    world.run(Span::minutes(1));
    assert_eq!(warned(&world), None);
}

#[test]
fn each_rule_that_ends_a_hold_is_told_before_it_does() {
    let ends = |change: fn(&mut Policy), minutes: i64| {
        let mut policy = warning();
        change(&mut policy);
        let mut world = TestWorld::new(policy);
        gets(&mut world, "ann");
        for _ in 0..minutes {
            world.run(Span::minutes(1));
            let _ = world.ask("ann");
        }
        world.run(Span::minutes(10));
        let told = world.told();
        let warned = told.lines().find(|line| line.contains("ends at"));
        warned.unwrap_or("-").to_owned()
    };
    let monday = |policy: &mut Policy| {
        let window = "Mon 08:00-08:30 UTC".parse().expect("a window");
        policy.pools[0].schedule = Schedule::new(vec![window]);
    };
    let all = [
        ends(
            |policy| policy.pools[0].max_hold = Some(Span::minutes(20)),
            25,
        ),
        ends(monday, 35),
        ends(
            |policy| policy.pools[0].hold_timeout = Some(Span::minutes(8)),
            2,
        ),
        ends(|_| {}, 2),
        ends(|policy| policy.budget.daily = TestWorld::money("3"), 40),
        ends(
            |policy| {
                policy.pools[0].max_lifetime = Minutes::new(40);
                policy.budget.daily = TestWorld::money("4.10");
            },
            50,
        ),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn who_asks_to_stay_stays_within_schedule_and_budget_and_learns_the_figures() {
    let mut policy = warning();
    let window = "Mon 08:00-12:00 UTC".parse().expect("a window");
    policy.pools[0].schedule = Schedule::new(vec![window]);
    policy.pools[0].max_hold = Some(Span::minutes(30));
    policy.budget.daily = TestWorld::money("10");
    let mut world = TestWorld::new(policy);
    let hold = gets(&mut world, "ann");
    world.run(Span::minutes(5));
    let long = snooze(&mut world, hold, Span::hours(8)).expect_err("it closes");
    assert!(
        long.contains("beyond 2026-03-02T12:00:00Z: the schedule"),
        "{long}"
    );
    let dear = snooze(&mut world, hold, Span::hours(3)).expect_err("18.00 of 10.00");
    assert!(
        dear.contains("daily budget of 10.00 EUR has 2.00 committed"),
        "{dear}"
    );
    assert_eq!(snooze(&mut world, hold, Span::hours(1)), Ok(()));
    // It may ask for less, and has what it was granted.
    assert_eq!(snooze(&mut world, hold, Span::minutes(1)), Ok(()));
    let policy = world.policy.clone();
    let hour = Span::hours(1);
    let bobs = world
        .state
        .snooze(world.now, &policy, hold, Some("bob"), hour);
    assert!(matches!(bobs, Err(Refusal::HeldByAnother { .. })));
    for _ in 0..75 {
        world.run(Span::minutes(1));
        let _ = world.ask("ann");
    }
    assert_snapshot!(told(&mut world));
    let gone = world.state.snooze(world.now, &policy, hold, None, hour);
    assert!(matches!(gone, Err(Refusal::NotHeld { .. })));
}
