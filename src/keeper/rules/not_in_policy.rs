//! Not in the policy: a session whose pool or slot the policy does not have is stopped.
//!
//! It is ours by its owner prefix, so nobody else will. Its cost still counts to every scope that
//! the policy has left.

use crate::keeper::reason::Reason;
use crate::policy::Pool;

/// Why a session of a slot beyond its pool, or of no pool, is stopped.
pub(in crate::keeper) fn reason(pool: Option<&Pool>) -> Reason {
    pool.map_or(Reason::PoolRemoved, |pool| Reason::BeyondMax {
        max: pool.max,
    })
}
