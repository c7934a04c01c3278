//! A policy that names another service than before.

use crate::keeper::*;
use crate::policy::{Location, Policy, ServiceIdentity};
use crate::units::{Minutes, Region, Span};

use super::world::{TestWorld, policy};

fn at(endpoint: &str) -> Policy {
    let mut policy = policy();
    policy.service.location = Location::Endpoint(endpoint.into());
    policy.service.account_id = "7c1f".into();
    policy.pools[0].idle_timeout = None;
    policy
}

/// A world whose one session is Ready at `https://a.example`.
fn with_a_session() -> TestWorld {
    let mut world = TestWorld::new(at("https://a.example"));
    world.run(Span::minutes(2));
    assert_eq!(world.state.sessions.len(), 1);
    world
}

#[test]
fn a_policy_that_names_another_service_or_account_is_refused_while_a_session_may_live() {
    let mut world = with_a_session();
    let mut other_account = at("https://a.example");
    other_account.service.account_id = "ffff".into();
    let mut embedded = policy();
    embedded.pools[0].idle_timeout = None;
    for elsewhere in [at("https://b.example"), other_account, embedded] {
        let before = world.state.clone();
        let left = world.state.move_to(world.now, &elsewhere);
        let [left] = &left.expect_err("a session lives there")[..] else {
            panic!("one session")
        };
        let known = before.sessions.values().next().expect("one");
        assert_eq!(left.session, known.id);
        let NotNamed::Service(service) = &left.not_named else {
            panic!("{left:?}")
        };
        assert_eq!(service.to_string(), "https://a.example (account 7c1f)");
        let ends = known.clock.expect("measured").latest_expiry(known.reserved);
        assert_eq!(left.until, ends);
        assert_eq!(world.state.sessions, before.sessions);
        assert!(world.state.take_changes().is_empty());
    }
}

#[test]
fn the_same_service_in_another_spelling_and_one_without_sessions_are_no_move() {
    let mut world = with_a_session();
    let same = at("HTTPS://A.example:443/");
    assert_eq!(world.state.move_to(world.now, &same), Ok(Vec::new()));
    assert!(world.state.take_changes().is_empty());
    world.policy.pools[0].min = 0;
    world.policy.pools[0].idle_timeout = Some(Span::minutes(1));
    world.run(Span::minutes(5));
    assert_eq!(world.state.sessions.len(), 0);
    let elsewhere = at("https://b.example");
    assert_eq!(world.state.move_to(world.now, &elsewhere), Ok(Vec::new()));
}

#[test]
fn what_lived_on_a_service_that_is_gone_for_good_is_paid_for_to_the_end_of_its_lease() {
    let mut world = with_a_session();
    let elsewhere = at("https://b.example");
    let left = world.state.move_to(world.now, &elsewhere);
    let until = left.expect_err("it may live")[0].until;
    let ended = world.state.move_to(until, &elsewhere).expect("it is over");
    assert!(
        matches!(
            &ended[..],
            [Event {
                what: EventKind::Ended {
                    minutes,
                    certain: false,
                    ..
                },
                ..
            }] if *minutes == Minutes::new(20)
        ),
        "{ended:?}"
    );
    assert!(world.state.sessions.is_empty());
    assert_eq!(world.state.take_changes().settled.len(), 1);
    let today = Period::containing(PeriodKind::Day, world.now, chrono_tz::UTC);
    let spent = world.state.spent.total(PeriodKind::Day, today.start);
    assert_eq!(spent.to_money(2).to_string(), "2.00");
}

#[test]
fn after_a_restart_an_end_that_was_never_measured_is_waited_for_until_it_is_certain() {
    let mut world = with_a_session();
    let known = world.state.sessions.values_mut().next().expect("one");
    // As the ledger has it.
    known.clock = None;
    let latest = known.created + Span::hours(1) + known.reserved.span();
    let elsewhere = at("https://b.example");
    let moved = world.state.move_to(latest - Span::millis(1), &elsewhere);
    assert_eq!(moved.expect_err("it may live")[0].until, latest);
    assert!(world.state.move_to(latest, &elsewhere).is_ok());
}

#[test]
fn sessions_of_an_embedded_service_end_with_its_process_and_are_paid_for() {
    let mut world = TestWorld::new(policy());
    world.run(Span::minutes(6));
    let known = world.state.sessions.values().next().expect("one");
    let age = (world.now - known.created).ceil_minutes();
    assert!(age < known.reserved);
    known.service.as_ref().map_or_else(
        || panic!("its service is known"),
        |service| assert_eq!(*service, ServiceIdentity::Embedded),
    );
    world
        .state
        .sessions
        .values_mut()
        .for_each(|k| k.clock = None);
    let ended = world.state.move_to(world.now, &at("https://b.example"));
    assert_eq!(ended.expect("it has ended").len(), 1);
    let settled = world.state.take_changes().settled;
    assert_eq!((settled[0].minutes, settled[0].certain), (age, false));
}

#[test]
fn a_session_of_an_older_ledger_lives_where_the_policy_of_the_first_start_says() {
    let mut world = with_a_session();
    let known = world.state.sessions.values_mut().next().expect("one");
    known.service = None;
    let here = at("https://a.example");
    assert_eq!(world.state.move_to(world.now, &here), Ok(Vec::new()));
    let written = world.state.take_changes().sessions;
    assert_eq!(written[0].service, here.service_of(None));
    let elsewhere = at("https://b.example");
    assert!(world.state.move_to(world.now, &elsewhere).is_err());
}

#[test]
fn a_create_that_never_took_effect_is_not_repeated_on_another_service() {
    let mut world = TestWorld::new(at("https://a.example"));
    world.lose_request = true;
    world.run(Span::seconds(1));
    let intent = world.state.sessions.values_mut().next().expect("one");
    assert!(!intent.seen);
    let elsewhere = at("https://b.example");
    intent.absent = None;
    let moved = world.state.move_to(world.now, &elsewhere);
    assert_eq!(moved.expect_err("it may take effect yet").len(), 1);
    let intent = world.state.sessions.values_mut().next().expect("one");
    intent.absent = Some(world.now);
    assert_eq!(world.state.move_to(world.now, &elsewhere), Ok(Vec::new()));
    assert!(world.state.sessions.is_empty());
    assert_eq!(world.state.take_changes().dropped.len(), 1);
}

#[test]
fn a_region_that_gets_another_name_keeps_its_sessions_and_one_that_goes_does_not() {
    let region = |name: &str| -> Region { name.parse().expect("a region") };
    let named = |names: &[(&str, &str)]| {
        let mut policy = at("");
        policy.service.location = Location::Region(region(names[0].0));
        let own = names
            .iter()
            .map(|(name, url)| (region(name), (*url).to_owned()));
        policy.service.regions = own.collect();
        policy.pools[0].regions = names.iter().map(|(name, _)| region(name)).collect();
        policy
    };
    let (west, north) = ("https://west.example", "https://north.example");
    let mut world = TestWorld::new(named(&[("west", west), ("north", north)]));
    world.run(Span::minutes(2));
    let place = |world: &TestWorld| {
        let known = world.state.sessions.values().next().expect("one");
        known.region.as_ref().map(ToString::to_string)
    };
    assert_eq!(place(&world).as_deref(), Some("west"));
    for (policy, name) in [
        (named(&[("north", north), ("sunset", west)]), Some("sunset")),
        (at(west), None),
        (named(&[("west", west), ("north", north)]), Some("west")),
        (named(&[("west", west)]), Some("west")),
    ] {
        assert_eq!(world.state.move_to(world.now, &policy), Ok(Vec::new()));
        assert_eq!(place(&world).as_deref(), name);
    }
    let left = world.state.move_to(world.now, &named(&[("north", north)]));
    let left = left.expect_err("it lives in the west");
    assert_eq!(left[0].region, Some(region("west")));
}

#[test]
fn another_owner_is_refused_while_a_session_of_the_former_one_may_live_and_pays_for_it_then() {
    let mut world = with_a_session();
    let owner = std::mem::replace(&mut world.state.owner, "ts".parse().expect("an owner"));
    let policy = Policy {
        owner: world.state.owner.clone(),
        ..world.policy.clone()
    };
    let left = world.state.move_to(world.now, &policy);
    let left = left.expect_err("a session of the former owner lives");
    assert_eq!(left[0].not_named, NotNamed::Owner(owner));
    let events = world
        .state
        .move_to(left[0].until, &policy)
        .expect("it has ended");
    assert!(matches!(
        events[0].what,
        EventKind::Ended { certain: false, .. }
    ));
    assert!(world.state.sessions.is_empty());
    assert_ne!(world.state.spent, Spent::default(), "it is paid for");
}
