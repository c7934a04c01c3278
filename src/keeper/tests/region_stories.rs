//! Stories of more than one region: falling back, silence, and what is never done for either.

use insta::assert_snapshot;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::policy::{Location, Policy};
use crate::units::{Minutes, Region, Size, Span};

use super::world::{TestWorld, policy};
use crate::keeper::*;

fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

/// A policy whose pool asks in `west` first and then in `north`.
fn two_regions() -> Policy {
    let mut policy = policy();
    policy.service.location = Location::Region(region("west"));
    policy.pools[0].regions = vec![region("west"), region("north")];
    policy.pools[0].idle_timeout = None;
    policy
}

#[test]
fn a_region_without_servers_is_passed_over_after_all_its_sizes() {
    let mut policy = two_regions();
    policy.pools[0].fallback_sizes = vec![Size::Premium];
    let mut world = TestWorld::new(policy);
    world.full = vec![region("west")];
    world.run(Span::minutes(3));
    assert_snapshot!(world.told());
}

#[test]
fn a_region_that_does_not_answer_is_passed_over_and_what_it_holds_is_kept_in_mind() {
    let mut policy = two_regions();
    policy.pools[0].min = 2;
    policy.pools[0].lease = Minutes::new(8);
    let mut world = TestWorld::new(policy);
    world.policy.pools[0].min = 1;
    world.run(Span::minutes(3));
    world.says("west falls silent, and a second session is wanted");
    world.unreachable = vec![region("west")];
    world.policy.pools[0].min = 2;
    world.run(Span::minutes(6));
    world.says("west answers again");
    world.unreachable = Vec::new();
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn nothing_is_created_before_every_region_has_answered_once() {
    let mut world = TestWorld::new(two_regions());
    world.unreachable = vec![region("north")];
    world.run(Span::minutes(2));
    world.says("north answers");
    world.unreachable = Vec::new();
    world.run(Span::minutes(1));
    assert_snapshot!(world.told());
}

#[test]
fn a_session_of_a_silent_region_is_not_taken_for_gone_and_its_slot_stays_filled() {
    let mut world = TestWorld::new(two_regions());
    world.run(Span::minutes(2));
    let before: Vec<_> = world.state.sessions.keys().cloned().collect();
    world.unreachable = vec![region("west")];
    world.run(Span::hours(3));
    assert_eq!(
        world.state.sessions.keys().cloned().collect::<Vec<_>>(),
        before
    );
}

#[test]
fn a_create_whose_reply_was_lost_is_repeated_in_its_own_region_only() {
    let mut world = TestWorld::new(two_regions());
    world.lose_reply = true;
    world.pass();
    world.unreachable = vec![region("west")];
    world.run(Span::minutes(10));
    assert_eq!(
        world.state.sessions.len(),
        1,
        "the other region is not asked while the first may have it"
    );
    world.unreachable = Vec::new();
    world.run(Span::minutes(1));
    let all: Vec<_> = world
        .state
        .sessions
        .values()
        .map(|k| (k.region.clone(), k.seen))
        .collect();
    assert_eq!(all, [(Some(region("west")), true)]);
}

#[test]
fn a_plan_that_would_create_in_a_silent_region_fails_its_audit() {
    let mut world = TestWorld::new(two_regions());
    world.policy.pools[0].min = 0;
    world.pass();
    world.policy.pools[0].min = 1;
    let planned = plan(world.now, &world.policy, &world.state);
    assert_eq!(audit(&world.policy, &world.state, &planned), Vec::new());
    world.state.unreachable_regions = [region("west")].into();
    let broken: Vec<_> = audit(&world.policy, &world.state, &planned)
        .into_iter()
        .map(|v| v.broken)
        .collect();
    assert_eq!(broken, [BrokenRule::ServiceUnreachable]);
}

/// One thing that happens to two regions and the daemon between them.
#[derive(Clone, Debug)]
enum Happens {
    Run(i64),
    /// Which regions answer nothing from now on, and which have no servers.
    Regions {
        unreachable: [bool; 2],
        full: [bool; 2],
    },
    LoseReply,
    Crash,
    LoseLedger,
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        6 => (1i64..20).prop_map(Happens::Run),
        4 => any::<([bool; 2], [bool; 2])>()
            .prop_map(|(unreachable, full)| Happens::Regions { unreachable, full }),
        2 => Just(Happens::LoseReply),
        1 => Just(Happens::Crash),
        1 => Just(Happens::LoseLedger),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_silence_crash_or_lost_ledger_makes_a_second_session_in_any_region(
        min in 1u32..3, events in happenings(),
    ) {
        let mut policy = two_regions();
        policy.pools[0].min = min;
        policy.pools[0].fallback_sizes = vec![Size::Premium];
        let mut world = TestWorld::new(policy);
        let both = [region("west"), region("north")];
        let chosen = |of: [bool; 2]| {
            let chosen = both.iter().zip(of).filter(|(_, yes)| *yes);
            chosen.map(|(r, _)| r.clone()).collect()
        };
        for event in events {
            match event {
                Happens::Run(minutes) => world.run(Span::minutes(minutes)),
                Happens::Regions { unreachable, full } => {
                    (world.unreachable, world.full) = (chosen(unreachable), chosen(full));
                }
                Happens::LoseReply => world.lose_reply = true,
                Happens::Crash => world.crash(),
                Happens::LoseLedger => {
                    let (owner, seed) = (world.policy.owner.clone(), world.state.seed + 1);
                    world.state = KeeperState::new(owner, seed, super::world::LIMITS);
                }
            }
            world.settle_servers();
            let mut filled = std::collections::BTreeMap::new();
            for (session, _, _) in world.hosted().filter(|(_, _, ended)| !ended) {
                *filled.entry(world.state.slot_of(&session.id)).or_insert(0) += 1;
            }
            prop_assert!(filled.values().all(|n| *n == 1), "{filled:?}\n{}", world.told());
        }
    }
}
