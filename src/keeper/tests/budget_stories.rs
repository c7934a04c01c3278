//! Stories of money: budgets that are nearly spent or lowered, and caps on exposure.

use insta::assert_snapshot;

use super::world::{TestWorld, policy, pool};
use crate::units::Span;

#[test]
fn a_budget_that_is_nearly_spent_shortens_a_lease_and_then_parks_the_slot() {
    let mut policy = policy();
    policy.pools[0].idle_timeout = None;
    policy.budget.daily = TestWorld::money("2.70");
    policy.alert_at = vec![
        "0.8".parse().expect("a share"),
        "1".parse().expect("a share"),
    ];
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(40));
    assert_snapshot!(world.told());
}

#[test]
fn a_lowered_budget_stops_the_youngest_session_first() {
    let mut policy = policy();
    policy.pools[0].min = 3;
    policy.pools[0].idle_timeout = None;
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(15));
    world.says("the daily budget is lowered to 5.00");
    world.policy.budget.daily = TestWorld::money("5");
    world.run(Span::minutes(2));
    assert_snapshot!(world.told());
}

#[test]
fn an_exposure_cap_shortens_leases_and_frees_itself_as_they_run_down() {
    let mut policy = policy();
    policy.pools[0].idle_timeout = None;
    policy.pools[0].min = 4;
    // Two whole leases of 2.00 and one of half that length.
    policy.budget.max_exposure = TestWorld::money("5");
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(13));
    world.says("the cap is lowered, and nobody is stopped for it");
    world.policy.budget.max_exposure = TestWorld::money("1");
    world.exempt_from_cap = Some(world.now + Span::minutes(21));
    world.run(Span::minutes(17));
    assert_snapshot!(world.told());
}

#[test]
fn a_pools_own_exposure_cap_leaves_other_pools_alone() {
    let mut policy = policy();
    policy.pools.push(pool("b"));
    for pool in &mut policy.pools {
        (pool.idle_timeout, pool.min) = (None, 2);
    }
    policy.pools[1].budget.max_exposure = TestWorld::money("2");
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(12));
    assert_snapshot!(world.told());
}
