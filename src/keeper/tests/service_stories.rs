//! A service that is plausible and wrong, or does less than it was asked for.

use super::world::{TestWorld, policy};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Minutes, Span};

/// A world in which ann holds the pool's only session, and shows it every five minutes.
fn held(policy: Policy) -> TestWorld {
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(1));
    let acquired = world.ask("ann");
    assert!(
        matches!(acquired, Ok(Acquired::Ready { .. })),
        "{acquired:?}"
    );
    world
}

fn use_for(world: &mut TestWorld, length: Span) {
    let end = world.now + length;
    while world.now < end {
        world.run(Span::minutes(5).min(end - world.now));
        world.ask("ann").expect("it is hers");
    }
}

fn count(world: &mut TestWorld, words: &str) -> usize {
    world.told().matches(words).count()
}

fn policy_with(lease: u32) -> Policy {
    let mut policy = policy();
    policy.pools[0].lease = Minutes::new(lease);
    policy
}

const NEVER: fn(&mut Session) = |s| s.elapsed = Minutes::new(u32::MAX);
const TOO_SOON: fn(&mut Session) = |s| s.elapsed = s.elapsed.plus(Minutes::new(600));
const STUCK: fn(&mut Session) = |s| s.elapsed = s.elapsed.min(Minutes::new(3));
const LONG_LEASE: fn(&mut Session) = |s| s.max_lease = Minutes::new(u32::MAX);

#[test]
fn minutes_and_leases_that_cannot_be_are_told_once_and_move_nothing() {
    for lie in [NEVER, TOO_SOON, STUCK, LONG_LEASE] {
        let mut world = held(policy());
        world.quirks.says = Some(lie);
        use_for(&mut world, Span::hours(3));
        let told = world.told();
        assert_eq!(told.matches("which cannot be").count(), 1, "{told}");
        for word in ["stopping", "ended", "afresh"] {
            assert!(!told.contains(word), "{told}");
        }
        let (session, ready, _) = world.hosted().next().expect("one");
        let ahead = ready + session.max_lease.span() - world.now;
        assert!(ahead <= Span::minutes(21), "{ahead}: no more than a lease");
    }
}

#[test]
fn a_session_found_with_minutes_that_cannot_be_is_kept_and_renewed_all_the_same() {
    let mut world = held(policy());
    world.quirks.says = Some(NEVER);
    world.crash();
    use_for(&mut world, Span::hours(2));
    let told = world.told();
    assert!(
        !told.contains("stopping") && !told.contains("ended"),
        "{told}"
    );
}

#[test]
fn an_end_with_minutes_that_cannot_be_is_paid_for_by_what_is_known() {
    for lie in [NEVER, TOO_SOON, |s: &mut Session| s.elapsed = Minutes::ZERO] {
        let mut world = held(policy());
        use_for(&mut world, Span::minutes(30));
        let id = world.state.sessions.keys().next().expect("one").clone();
        world.quirks.says = Some(lie);
        world.set_status(&id, Status::Stopped);
        world.run(Span::seconds(40));
        let told = world.told();
        assert!(
            told.contains("ended Stopped after at most 31m billed"),
            "{told}"
        );
    }
}

#[test]
fn an_extension_that_is_taken_and_does_nothing_is_a_failure_with_an_alarm() {
    let mut world = held(policy());
    world.quirks.longest = Some(Minutes::new(20));
    use_for(&mut world, Span::minutes(19));
    let told = world.told();
    let failed = "the service took the extension to 30m and left the lease at 20m; next try at";
    assert!(told.contains(failed), "{told}");
    assert!(!told.contains("lease renewed"), "{told}");
    assert_eq!(
        told.matches("could not be renewed yet").count(),
        1,
        "{told}"
    );
    // Doubling up to a minute, and with every pass in the last two minutes.
    assert!(told.matches("left the lease at").count() < 40, "{told}");
}

#[test]
fn a_service_that_grants_less_than_it_is_asked_for_is_believed_and_not_pestered() {
    let mut world = held(policy_with(10));
    world.quirks.ahead = Some(Minutes::new(6));
    world.says("it grants six minutes at a time");
    use_for(&mut world, Span::hours(1));
    let told = world.told();
    assert!(!told.contains("ended") && !told.contains("alarm"), "{told}");
    let renewals = told.matches("lease renewed to").count();
    assert!((10..=40).contains(&renewals), "{renewals}: {told}");
    let managed = world.state.sessions.values().next().expect("one");
    let (session, _, _) = world.hosted().next().expect("one");
    assert_eq!(managed.granted, session.max_lease, "what it says is so");
}

#[test]
fn what_is_ready_beyond_its_lease_is_renewed_if_it_is_wanted() {
    let mut world = held(policy());
    world.quirks.extends_nothing = true;
    world.quirks.expires_nothing = true;
    use_for(&mut world, Span::minutes(30));
    world.quirks.extends_nothing = false;
    use_for(&mut world, Span::minutes(10));
    let told = world.told();
    assert!(told.contains("lease renewed to"), "{told}");
    assert!(!told.contains("stopping"), "{told}");
    assert!(world.state.sessions.values().all(|k| {
        let ends = k.clock.expect("known").earliest_expiry(k.granted);
        ends > world.now
    }));
}

#[test]
fn what_is_ready_beyond_its_lease_and_may_not_be_renewed_is_stopped() {
    let mut policy = policy();
    policy.budget.daily = TestWorld::money("2.30");
    policy.pools[0].idle_timeout = None;
    let mut world = held(policy);
    world.quirks.expires_nothing = true;
    world.run(Span::minutes(40));
    let told = world.told();
    assert!(told.contains("stopping: "), "{told}");
    assert!(world.hosted().all(|(_, _, ended)| ended), "{told}");
}

#[test]
fn sessions_that_fail_soon_after_they_are_ready_are_asked_for_ever_more_seldom() {
    let mut world = TestWorld::new(policy());
    world.quirks.fails_after = Some(Span::seconds(15));
    world.run(Span::hours(2));
    let told = world.told();
    let alarm = "4 sessions in a row have failed or could not be had";
    assert_eq!(told.matches(alarm).count(), 1, "{told}");
    let created = told.matches("creating a Standard session").count();
    assert!((8..=20).contains(&created), "{created}: {told}");
    // One that lasts makes good what went before.
    world.quirks.fails_after = Some(Span::minutes(12));
    world.policy.pools[0].idle_timeout = None;
    world.run(Span::minutes(60));
    let slot = world.state.slots.values().next().expect("the slot");
    assert_eq!(slot.retry.failures, 1);
    assert!(count(&mut world, "ended Error") > 2);
}

#[test]
fn readings_that_drift_apart_by_less_than_a_minute_measure_the_lease_afresh() {
    let mut world = held(policy());
    world.run(Span::seconds(270));
    let (session, ready, _) = world.hosted().next().expect("one");
    // Four minutes have passed, and another clock counts three of them.
    let (now, mut session) = (world.now, session.clone());
    assert_eq!(now - ready, Span::minutes(5));
    session.elapsed = Minutes::new(3);
    let (sent, received) = (now, now + Span::millis(10));
    let reading = SessionReading {
        sent,
        received,
        session,
    };
    let observation = Observation {
        readings: vec![reading],
        ..Observation::default()
    };
    let policy = world.policy.clone();
    let events = world.state.apply_observation(now, &policy, &observation);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].what, EventKind::ClockReset);
    let clock = world.state.sessions.values().next().expect("one").clock;
    let afresh = LeaseClock::from_reading(sent, received, Minutes::new(3));
    assert_eq!(clock, Some(afresh), "the newest reading counts");
}

#[test]
fn a_session_that_is_found_counts_as_used_for_a_while_where_nobody_is_ever_idle() {
    let mut policy = policy();
    policy.pools[0].min = 0;
    policy.pools[0].idle_timeout = None;
    let mut world = TestWorld::new(policy);
    world.outsider("st-a-0-01HF7YAT000000000000000007", Span::minutes(2), 60);
    world.run(Span::minutes(9));
    let told = world.told();
    assert!(
        told.contains("adopted: Ready") && !told.contains("stopping"),
        "{told}"
    );
    // Nobody came for it, and nobody asked the pool to keep one.
    world.run(Span::minutes(2));
    let told = world.told();
    assert!(told.contains("stopping"), "{told}");
}
