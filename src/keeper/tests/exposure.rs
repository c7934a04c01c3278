//! The stories notice a keeper that lets the exposure pass its cap.

use std::panic::catch_unwind;

use super::world::{TestWorld, policy};
use crate::keeper::mutation::{self, Mutation};
use crate::units::Span;

fn three_sessions_under_a_cap_for_two() {
    let mut policy = policy();
    policy.pools[0].min = 3;
    policy.budget.max_exposure = TestWorld::money("4");
    TestWorld::new(policy).run(Span::minutes(5));
}

#[test]
fn ignoring_the_cap_is_caught() {
    three_sessions_under_a_cap_for_two();
    mutation::set(Some(Mutation::IgnoreExposure));
    let caught = catch_unwind(three_sessions_under_a_cap_for_two);
    mutation::set(None);
    assert!(caught.is_err(), "three leases of 2.00 pass a cap of 4.00");
}
