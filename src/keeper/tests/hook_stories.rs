//! Stories of hooks that run before a session is stopped.

use insta::assert_snapshot;

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::{Hook, Policy};
use crate::units::{SessionId, Span};

/// A pool whose hook may take two minutes, in a daemon that runs it.
fn hooked(change: fn(&mut Policy)) -> TestWorld {
    let mut policy = policy();
    policy.pools[0].before_stop = Some(Hook {
        command: vec!["save-work".into()],
        timeout: Span::minutes(2),
    });
    change(&mut policy);
    let mut world = TestWorld::new(policy);
    world.state.runs_hooks = true;
    world
}

fn only(world: &TestWorld) -> SessionId {
    world.state.sessions.keys().next().expect("one").clone()
}

#[test]
fn a_session_is_stopped_when_its_hook_has_ended_and_is_nobodys_meanwhile() {
    let mut world = hooked(|policy| policy.pools[0].max = 1);
    world.run(Span::minutes(16));
    let id = only(&world);
    assert!(matches!(world.ask("ann"), Ok(Acquired::Waiting { .. })));
    world.state.hook_ended(&id);
    world.run(Span::seconds(45));
    assert!(matches!(world.ask("ann"), Ok(Acquired::Ready { .. })));
    assert_snapshot!(world.told());
}

#[test]
fn a_hook_that_does_not_end_holds_up_a_stop_for_its_time_and_no_longer_than_is_paid_for() {
    let stopped = |change: fn(&mut Policy)| {
        let mut world = hooked(change);
        world.run(Span::minutes(25));
        let told = world.told();
        let of_stop = |line: &&str| line.contains("stopping") || line.contains("ended");
        told.lines()
            .filter(of_stop)
            .take(2)
            .collect::<Vec<_>>()
            .join("\n")
    };
    // Its lease is not renewed any more, so it has the less time the shorter the lease is.
    let short = |policy: &mut Policy| policy.pools[0].lease = crate::units::Minutes::new(2);
    assert_snapshot!([stopped(|_| {}), stopped(short)].join("\n\n"));
}

#[test]
fn nothing_waits_for_a_hook_that_nobody_runs_or_that_has_no_time() {
    let mut world = hooked(|_| {});
    world.state.runs_hooks = false;
    world.run(Span::minutes(16));
    assert!(!world.told().contains("after its hook"));
    let mut world = hooked(|policy| policy.pools[0].boot_timeout = Span::minutes(1));
    world.boot = Span::minutes(9);
    world.run(Span::minutes(2));
    let told = world.told();
    assert!(
        told.contains("stopping: ") && !told.contains("after its hook"),
        "{told}"
    );
}

#[test]
fn what_waits_for_its_hook_still_does_after_a_restart() {
    let mut world = hooked(|_| {});
    world.run(Span::minutes(15) + Span::seconds(40));
    let id = only(&world);
    let waits = |world: &TestWorld| {
        let stop = world.state.sessions.get(&id).and_then(|k| k.stop.clone());
        stop.and_then(|stop| stop.after)
    };
    let by = waits(&world).expect("its hook runs");
    world.crash();
    world.run(Span::minutes(1));
    assert_eq!(waits(&world), Some(by));
    world.run(Span::minutes(2));
    assert!(world.state.ended.contains_key(&id));
}
