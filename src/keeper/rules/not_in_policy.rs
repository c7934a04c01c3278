//! Not in the policy: a session whose pool or slot the policy does not have is stopped.
//!
//! It is ours by its owner prefix, so nobody else will stop it. A pool that is gone is told before
//! a slot beyond its `max`. Its cost still counts to every scope that the policy has left. Safe,
//! because a policy is changed by whoever pays, and a session without the prefix never gets here.

use crate::keeper::reason::Reason;
use crate::policy::Pool;

/// Why a session of a slot beyond its pool, or of no pool, is stopped.
pub(in crate::keeper) fn reason(pool: Option<&Pool>) -> Reason {
    pool.map_or(Reason::PoolRemoved, |pool| Reason::BeyondMax {
        max: pool.max,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::case;
    use super::*;

    #[test]
    fn a_session_of_no_pool_and_one_beyond_its_pools_max_are_told_apart() {
        let pool = case().pool;
        assert_eq!(reason(None), Reason::PoolRemoved);
        assert_eq!(reason(Some(&pool)), Reason::BeyondMax { max: pool.max });
    }
}
