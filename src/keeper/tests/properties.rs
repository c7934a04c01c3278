//! Properties: what holds in every world, whatever happens in it.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::units::{Cost, Minutes, Span};

use super::world::{TestWorld, policy, pool};
use crate::keeper::*;

/// One thing that happens in a world.
#[derive(Clone, Debug)]
enum Happens {
    /// Time passes, with passes whenever they are due.
    Run(i64),
    Touch(u8),
    Acquire(u8, u8),
    /// The daemon is killed after an intent was written and before, or after, its request was sent;
    /// and comes back.
    Crash,
    Down(bool),
    LoseReply,
    BootTakes(i64),
    LowerBudget,
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        6 => (1i64..90).prop_map(Happens::Run),
        3 => (0u8..2).prop_map(Happens::Touch),
        3 => (0u8..2, 0u8..3).prop_map(|(p, c)| Happens::Acquire(p, c)),
        2 => Just(Happens::Crash),
        1 => any::<bool>().prop_map(Happens::Down),
        2 => Just(Happens::LoseReply),
        1 => (0i64..1_200).prop_map(Happens::BootTakes),
        1 => Just(Happens::LowerBudget),
    ];
    proptest::collection::vec(one, 1..40)
}

/// Spend as the service will account it if nobody ever stops anything again: the worst that is
/// already certain to be allowed.
fn worst_in(world: &TestWorld, period: Period) -> Cost {
    let worst = world.hosted().map(|(session, ready, ended)| {
        let length = if ended {
            session.elapsed
        } else {
            session.max_lease
        };
        let minutes = period.overlap(ready, ready + length.span()).floor_minutes();
        world.policy.prices.of(&session.size).cost(minutes)
    });
    worst.sum()
}

proptest! {
    // The same worlds at every run, so that a red run is about the change; another seed explores
    // others.
    #![proptest_config(ProptestConfig {
        cases: 96,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_events_and_no_crash_makes_spend_and_reservation_exceed_a_budget(
        start in 0i64..(40 * 24 * 60),
        daily in 2u32..40,
        idle in prop_oneof![Just(None), (5i64..60).prop_map(|m| Some(Span::minutes(m)))],
        spare in 0u32..3,
        events in happenings(),
    ) {
        let mut policy = policy();
        policy.pools.push(pool("b"));
        policy.pools[1].size = crate::units::Size::Premium;
        for pool in &mut policy.pools {
            pool.idle_timeout = idle;
            pool.spare = spare;
        }
        policy.pools[0].budget.daily = TestWorld::money(&format!("{}", daily / 2 + 1));
        policy.budget.daily = TestWorld::money(&daily.to_string());
        policy.budget.monthly = TestWorld::money(&(daily * 2).to_string());
        let mut world = TestWorld::new(policy.clone());
        world.now += Span::minutes(start);
        let mut lowered = false;
        for event in events {
            match event {
                Happens::Run(minutes) => world.run(Span::minutes(minutes)),
                Happens::Touch(pool) => {
                    let target = Target::Pool(policy.pools[usize::from(pool)].name.clone());
                    let policy = world.policy.clone();
                    world.state.touch(world.now, &policy, &target).expect("the pool exists");
                }
                Happens::Acquire(pool, client) => {
                    let name = policy.pools[usize::from(pool)].name.clone();
                    let policy = world.policy.clone();
                    let client = format!("c{client}");
                    let acquired = world.state.acquire(world.now, &policy, &name, client.as_str());
                    let refused = acquired.err();
                    prop_assert!(
                        matches!(refused, None | Some(Refusal::Unavailable { .. })),
                        "{refused:?}"
                    );
                }
                Happens::Crash => world.crash(),
                Happens::Down(down) => world.down = down,
                Happens::LoseReply => world.lose_reply = true,
                Happens::BootTakes(seconds) => world.boot = Span::seconds(seconds),
                Happens::LowerBudget => {
                    lowered = true;
                    world.policy.budget.daily = TestWorld::money("1");
                }
            }
            world.settle_servers();
            if lowered {
                // What was granted under the old budget may exceed the new one; the rest of the
                // story tests that nothing panics and that every plan passes its audit.
                continue;
            }
            for kind in [PeriodKind::Day, PeriodKind::Month] {
                let yesterday = world.now - Span::hours(24);
                let mut period = Period::containing(kind, yesterday, chrono_tz::Tz::UTC);
                for _ in 0..3 {
                    let limit = match kind {
                        PeriodKind::Day => world.policy.budget.daily_cost(),
                        PeriodKind::Month => world.policy.budget.monthly_cost(),
                    }.expect("bounded");
                    let worst = worst_in(&world, period);
                    prop_assert!(
                        worst <= limit,
                        "{} of {} in the {kind:?} from {}\n{}",
                        worst.to_money(2), limit.to_money(2), period.start, world.told(),
                    );
                    period = period.next(kind, chrono_tz::Tz::UTC);
                }
            }
        }
    }

    #[test]
    fn exposure_never_exceeds_a_lease_and_a_minute(
        lease in 1u32..120, boot in 0i64..600, events in happenings(),
    ) {
        let mut policy = policy();
        policy.pools[0].lease = Minutes::new(lease);
        policy.pools[0].spare = 1;
        let mut world = TestWorld::new(policy.clone());
        world.boot = Span::seconds(boot);
        for event in events {
            match event {
                Happens::Run(minutes) => world.run(Span::minutes(minutes)),
                Happens::Crash => world.crash(),
                Happens::Down(down) => world.down = down,
                Happens::LoseReply => world.lose_reply = true,
                _ => {
                    let target = Target::Pool(policy.pools[0].name.clone());
                    world.state.touch(world.now, &policy, &target).expect("exists");
                }
            }
            world.settle_servers();
            for (session, ready, ended) in world.hosted() {
                if !ended && ready <= world.now {
                    let exposure = ready + session.max_lease.span() - world.now;
                    let most = Span::minutes(i64::from(lease) + 1);
                    prop_assert!(exposure <= most, "{exposure} of {lease}m");
                }
            }
        }
    }
}
