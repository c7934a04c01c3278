//! Stories of activity sources that cannot say.

use insta::assert_snapshot;

use super::fixtures::{ago, id, intent, knowing, now, ready};
use super::world::{TestWorld, policy};
use crate::keeper::state::{ManagedSession, StopAsked};
use crate::keeper::{ActivityAnswer, ActivityReading, Reason, SignOfUse};
use crate::policy::ActivitySource;
use crate::units::Span;

fn command() -> ActivitySource {
    ActivitySource::Command(vec!["is-used".into()])
}

/// A world whose pool watches a command, and has been told to fill its slot.
fn world() -> TestWorld {
    let mut policy = policy();
    policy.pools[0].idle_timeout = Some(Span::minutes(10));
    policy.pools[0].activity.insert(command());
    TestWorld::new(policy)
}

/// Lets minutes go by in which the command always answers the same.
fn minutes(world: &mut TestWorld, count: u32, answer: Option<&ActivityAnswer>) {
    for _ in 0..count {
        let readings: Vec<ActivityReading> = answer
            .iter()
            .flat_map(|answer| {
                world.state.sessions.keys().map(|id| ActivityReading {
                    session: id.clone(),
                    source: command(),
                    at: world.now,
                    used: answer.sign(),
                    answer: (*answer).clone(),
                })
            })
            .collect();
        let events = world
            .state
            .apply_activity(world.now, &world.policy, &readings);
        world.tell(&events);
        world.run(Span::minutes(1));
    }
}

fn cannot_say() -> ActivityAnswer {
    ActivityAnswer::Unknown {
        why: "it ended with exit status: 127".into(),
    }
}

#[test]
fn a_command_that_cannot_be_found_counts_as_use_up_to_the_limit_and_alarms_before_the_stop() {
    let mut world = world();
    minutes(&mut world, 30, Some(&cannot_say()));
    assert_snapshot!(world.told(), @r"
    Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
    Mon 08:00:00 a/0 booting
    Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
    Mon 08:01:00 a/0 the activity source `command is-used` cannot say: it ended with exit status: 127; it counts as use until 2026-03-02T08:11:00Z
    Mon 08:10:25 a/0 extending the lease 20m → 30m: 10m left of its 20m lease
    Mon 08:10:25 a/0 lease renewed to 30m, ends by 2026-03-02T08:30:30Z
    Mon 08:11:00 a/0 the activity source `command is-used` has not been able to say since 2026-03-02T08:01:00Z, and counts as use no more
    Mon 08:20:25 a/0 extending the lease 30m → 40m: 10m left of its 20m lease
    Mon 08:20:25 a/0 lease renewed to 40m, ends by 2026-03-02T08:40:30Z
    Mon 08:21:00 a/0 stopping: idle since 2026-03-02T08:11:00Z, longer than 10m
    Mon 08:21:00 a/0 ended Stopped after 20m billed, 2.00 EUR
    Mon 08:21:00 a/0 parked: idle since 2026-03-02T08:11:00Z, longer than 10m
    (4 actions)
    ");
}

#[test]
fn a_source_that_answers_again_ends_the_benefit_of_the_doubt() {
    let mut world = world();
    minutes(&mut world, 8, Some(&cannot_say()));
    minutes(&mut world, 8, Some(&ActivityAnswer::Unused { saw: None }));
    assert_snapshot!(world.told(), @r"
    Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
    Mon 08:00:00 a/0 booting
    Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
    Mon 08:01:00 a/0 the activity source `command is-used` cannot say: it ended with exit status: 127; it counts as use until 2026-03-02T08:11:00Z
    Mon 08:08:00 a/0 the activity source `command is-used` answers again
    Mon 08:10:25 a/0 extending the lease 20m → 30m: 10m left of its 20m lease
    Mon 08:10:25 a/0 lease renewed to 30m, ends by 2026-03-02T08:30:30Z
    Mon 08:10:30 a/0 stopping: idle since 2026-03-02T08:00:30Z, longer than 10m
    Mon 08:10:35 a/0 ended Stopped after 10m billed, 1.00 EUR
    Mon 08:10:35 a/0 parked: idle since 2026-03-02T08:00:30Z, longer than 10m
    (3 actions)
    ");
}

#[test]
fn a_source_that_has_not_answered_yet_stops_nothing_and_says_nothing() {
    let mut world = world();
    minutes(&mut world, 15, None);
    assert_snapshot!(world.told(), @r"
    Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
    Mon 08:00:00 a/0 booting
    Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
    Mon 08:10:25 a/0 extending the lease 20m → 30m: 10m left of its 20m lease
    Mon 08:10:25 a/0 lease renewed to 30m, ends by 2026-03-02T08:30:30Z
    Mon 08:11:00 a/0 the activity source `command is-used` has not been able to say since 2026-03-02T08:01:00Z, and counts as use no more
    (2 actions)
    ");
}

#[test]
fn a_source_that_has_nothing_to_compare_with_yet_counts_as_use_without_an_alarm() {
    let mut world = world();
    minutes(&mut world, 15, Some(&ActivityAnswer::NotYet));
    assert_snapshot!(world.told(), @r"
    Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
    Mon 08:00:00 a/0 booting
    Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
    Mon 08:10:25 a/0 extending the lease 20m → 30m: 10m left of its 20m lease
    Mon 08:10:25 a/0 lease renewed to 30m, ends by 2026-03-02T08:30:30Z
    (2 actions)
    ");
}

#[test]
fn an_answer_is_about_its_own_session_and_source_and_moves_use_forward_only() {
    let mut policy = policy();
    policy.pools[0].activity = [command(), ActivitySource::Sockets].into();
    let used = |n, source, at| ActivityReading {
        session: id(n, 0),
        source,
        at: now(),
        used: Some(SignOfUse { at, by: None }),
        answer: ActivityAnswer::Used { at, saw: None },
    };
    let before = ManagedSession {
        active: Some(ago(3)),
        ..ready(1, 0)
    };
    let mut state = knowing([ready(0, 0), before, ready(2, 0)]);
    let readings = [
        used(0, command(), ago(2)),
        used(1, ActivitySource::Sockets, ago(4)),
        used(1, command(), ago(3)),
    ];
    let _ = state.apply_activity(now(), &policy, &readings);
    let active: Vec<_> = state.sessions.values().map(|k| k.active).collect();
    assert_eq!(active, [Some(ago(2)), Some(ago(3)), None]);
    let written: Vec<_> = state.take_changes().sessions;
    assert_eq!(written.len(), 1, "only what has moved");
    let cannot_say = |n: u32| state.sessions[&id(n, 0)].unknown.len();
    assert_eq!([cannot_say(0), cannot_say(1), cannot_say(2)], [1, 0, 2]);
}

#[test]
fn of_a_session_that_stops_or_is_not_ready_no_source_is_asked() {
    let unknown = |session: ManagedSession| {
        let mut policy = policy();
        policy.pools[0].activity = [command()].into();
        let mut state = knowing([session]);
        let _ = state.apply_activity(now(), &policy, &[]);
        state.sessions.into_values().next().map(|k| k.unknown.len())
    };
    assert_eq!(unknown(ready(0, 0)), Some(1));
    assert_eq!(unknown(intent(0, 0)), Some(0));
    let stops = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..ready(0, 0)
    };
    assert_eq!(unknown(stops), Some(0));
}
