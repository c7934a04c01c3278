//! Stories of pools that want other numbers of sessions at other times.

use insta::assert_snapshot;

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::{Counts, Policy, PoolWindow, Schedule};
use crate::units::Span;

fn schedule(window: &str) -> Schedule {
    Schedule::new(vec![window.parse().expect("a window")])
}

/// A pool that is empty outside a window, and wants two sessions and a spare in it.
fn windowed(window: &str) -> Policy {
    let mut policy = policy();
    (policy.pools[0].min, policy.pools[0].max) = (0, 1);
    policy.pools[0].windows = vec![PoolWindow {
        when: schedule(window),
        counts: Counts {
            min: 2,
            max: 4,
            spare: 1,
        },
    }];
    policy
}

fn ready(acquired: Result<Acquired, Refusal>) -> HoldRef {
    match acquired {
        Ok(Acquired::Ready { hold, .. }) => HoldRef::Hold(hold),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_window_is_warmed_up_before_it_opens_and_scaled_down_after_it_has_closed() {
    let mut policy = windowed("Mon 09:00-10:00 UTC");
    policy.pools[0].prewarm = true;
    policy.pools[0].scale_down_delay = Span::minutes(5);
    let mut world = TestWorld::new(policy);
    world.boot = Span::minutes(4);
    // No boot is known yet, so the longest that the pool allows is taken: ten minutes.
    world.run(Span::minutes(55));
    world.says("the window is about to open");
    let name = world.policy.pools[0].name.clone();
    assert_eq!(world.state.boots.usual(&name), Some(Span::minutes(4)));
    world.run(Span::minutes(10));
    for minute in 0..70 {
        if minute == 55 {
            world.says("the window closes, and ann stays");
        }
        ready(world.ask("ann"));
        world.run(Span::minutes(1));
    }
    assert_snapshot!(world.told());
}

#[test]
fn a_window_that_is_warmed_up_once_is_warmed_up_by_what_a_boot_took() {
    let mut policy = windowed("Mon,Tue 09:00-10:00 UTC");
    policy.pools[0].prewarm = true;
    let mut world = TestWorld::new(policy);
    world.boot = Span::minutes(4);
    world.run(Span::hours(24));
    let _ = world.told();
    world.run(Span::minutes(59));
    let told = world.told();
    assert!(told.contains("Tue 08:56:00 a/0 creating"), "{told}");
    assert_eq!(told.matches("creating").count(), 2, "{told}");
}

#[test]
fn stock_that_nobody_takes_goes_and_comes_back_with_the_next_client() {
    let mut policy = policy();
    (policy.pools[0].min, policy.pools[0].spare) = (0, 2);
    policy.pools[0].spare_ttl = Some(Span::minutes(30));
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(45));
    world.says("ann comes");
    assert!(matches!(world.ask("ann"), Ok(Acquired::Waiting { .. })));
    world.run(Span::minutes(2));
    let _ = ready(world.ask("ann"));
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn a_pool_that_drains_lets_go_on_who_is_there_and_nobody_else_in() {
    let mut policy = policy();
    policy.pools[0].min = 2;
    policy.pools[0].schedule = schedule("Mon 08:00-09:00 UTC");
    policy.pools[0].drain_limit = Some(Span::minutes(30));
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(50));
    let _ = world.ask("ann");
    let _ = world.ask("bob");
    world.run(Span::minutes(5));
    ready(world.ask("ann"));
    let bobs = ready(world.ask("bob"));
    for minute in 56..95 {
        world.run(Span::minutes(1));
        if minute >= 60 {
            let why = world.ask("eve").expect_err("closed").to_string();
            assert!(why.contains("out of schedule until"), "{why}");
        }
        let Ok(Acquired::Ready { ends, .. }) = world.ask("ann") else {
            assert!(minute >= 90, "{minute}");
            continue;
        };
        // From a quarter of an hour before the end on, no sign of use puts it off.
        let by_schedule = ends.is_some_and(|end| end.by == HoldRule::Schedule);
        assert_eq!(by_schedule, minute >= 75, "{minute} {ends:?}");
        if minute == 70 {
            let event = world.state.release(world.now, &bobs, "bob").expect("his");
            world.tell(&[event]);
        }
    }
    let told = world.told();
    let stopped: Vec<&str> = told
        .lines()
        .filter(|l| l.contains("stopping") || l.contains("released"))
        .collect();
    assert_snapshot!(stopped.join("\n"));
}
