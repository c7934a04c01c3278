//! Stories of pools of which sessions are reserved.

use insta::assert_snapshot;

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::{Policy, Reservation, Schedule};
use crate::units::{Span, Timestamp};

/// The instant at which a world begins, a Monday at eight o'clock.
fn begin() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("an instant")
}

fn minutes(n: i64) -> Span {
    Span::minutes(n)
}

/// A time that is reserved, in minutes from the begin on.
fn reserved(from: i64, to: i64) -> Reservation {
    Reservation {
        from: begin() + minutes(from),
        to: begin() + minutes(to),
        uid: format!("{from}-{to}"),
        summary: "Review".into(),
    }
}

/// A pool that has sessions for whoever asks, and for those who have reserved one.
fn on_demand(reservations: Vec<Reservation>) -> Policy {
    let mut policy = policy();
    let pool = &mut policy.pools[0];
    (pool.min, pool.max) = (0, 3);
    pool.book(reservations);
    policy
}

fn world(policy: Policy) -> TestWorld {
    let mut world = TestWorld::new(policy);
    world.boot = minutes(4);
    world
}

fn live(world: &TestWorld) -> usize {
    world.state.sessions.len()
}

#[test]
fn a_reserved_session_is_ready_when_it_begins_and_waits_until_its_end_and_the_grace() {
    let mut policy = on_demand(vec![reserved(60, 120)]);
    policy.pools[0].first_use_timeout = Some(minutes(5));
    policy.pools[0].spare_ttl = Some(minutes(5));
    let mut world = world(policy);
    world.run(minutes(60));
    world.says("the reservation begins");
    world.run(minutes(60));
    world.says("it ends");
    world.run(minutes(15));
    assert_snapshot!(world.told());
}

#[test]
fn who_comes_without_a_reservation_before_it_begins_is_made_up_for() {
    let mut world = world(on_demand(vec![reserved(60, 120)]));
    world.run(minutes(40));
    let _ = world.ask("ann");
    world.run(minutes(5));
    assert!(matches!(world.ask("ann"), Ok(Acquired::Ready { .. })));
    for minute in 45..90 {
        let _ = world.ask("ann");
        if minute >= 60 {
            assert_eq!(live(&world), 2, "{minute}");
        }
        world.run(minutes(1));
    }
    // Whoever has reserved comes late, and finds it.
    assert!(matches!(world.ask("bob"), Ok(Acquired::Ready { .. })));
    world.run(minutes(5));
    assert_eq!(live(&world), 2, "nothing is made in its place");
}

#[test]
fn a_closed_pool_is_open_for_what_is_reserved_and_has_nothing_besides() {
    let mut policy = on_demand(Vec::new());
    let pool = &mut policy.pools[0];
    (pool.min, pool.spare, pool.prewarm) = (2, 1, true);
    pool.schedule = Schedule::new(vec!["Tue 08:00-18:00 UTC".parse().expect("a window")]);
    pool.book(vec![
        reserved(60, 120),
        reserved(180, 240),
        reserved(200, 240),
    ]);
    let mut world = world(policy);
    world.run(minutes(30));
    assert!(world.ask("ann").is_err(), "it is closed");
    world.run(minutes(30));
    assert!(matches!(world.ask("ann"), Ok(Acquired::Ready { .. })));
    for _ in 0..70 {
        assert_eq!(live(&world), 1);
        world.run(minutes(1));
        let _ = world.ask("ann");
    }
    world.run(minutes(5));
    assert_eq!(live(&world), 0, "it has closed");
    for (minute, count) in [(179, 1), (200, 2), (249, 2), (255, 0)] {
        world.run(begin() + minutes(minute) - world.now);
        assert_eq!(live(&world), count, "{minute}");
    }
}

#[test]
fn there_are_never_more_than_the_pool_allows() {
    let mut policy = on_demand((0..5).map(|n| reserved(30 + n, 90)).collect());
    policy.pools[0].idle_timeout = None;
    let mut world = world(policy);
    for _ in 0..120 {
        world.run(minutes(1));
        assert!(live(&world) <= 3);
    }
    assert_eq!(live(&world), 0, "nobody needs them any more");
}

#[test]
fn a_slot_that_was_kept_empty_for_idleness_is_filled_for_a_reservation() {
    let mut policy = on_demand(vec![reserved(120, 180)]);
    policy.pools[0].min = 1;
    let mut world = world(policy);
    world.run(minutes(60));
    assert_eq!(live(&world), 0, "nobody came");
    world.run(minutes(60));
    assert!(matches!(world.ask("ann"), Ok(Acquired::Ready { .. })));
}
