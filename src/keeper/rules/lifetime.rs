//! Lifetime: a session ends after its pool's `max_lifetime`, and never outlives what the service
//! allows.
//!
//! Counted from the earliest possible ready time, so it is never late. It cannot be put off: a
//! successor takes over before, where one is due (see `rollover`).

use crate::keeper::reason::Reason;
use crate::keeper::state::ManagedSession;
use crate::policy::{Limits, Pool};
use crate::units::{Minutes, Timestamp};

use super::context::{SessionContext, Verdict};

/// How long sessions of a pool can live.
pub(in crate::keeper) fn lifetime(pool: &Pool, limits: Limits) -> Minutes {
    limits.longest_life(pool.max_lifetime, pool.lease)
}

/// The end of a session's life at the earliest; `None` while its ready time is not known.
pub(in crate::keeper) fn end_of_life(
    pool: &Pool,
    limits: Limits,
    session: &ManagedSession,
) -> Option<Timestamp> {
    Some(session.clock?.earliest_expiry(lifetime(pool, limits)))
}

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let lifetime = context.pool.max_lifetime;
    end_of_life(context.pool, context.limits, context.session).map_or(Verdict::Keep, |end| {
        Verdict::at(end, context.now, || Reason::MaxLifetime { lifetime })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LIMITS, case, minutes, now};
    use super::*;

    #[test]
    fn where_no_lease_can_be_extended_a_life_is_its_first_lease() {
        let limits = Limits {
            extension: None,
            ..LIMITS
        };
        let case = case();
        assert_eq!(lifetime(&case.pool, LIMITS), Minutes::new(1439));
        assert_eq!(lifetime(&case.pool, limits), case.pool.lease);
    }

    #[test]
    fn a_session_ends_at_the_earliest_instant_at_which_it_may_have_lived_its_life() {
        let mut case = case();
        case.pool.max_lifetime = Minutes::new(60);
        case.ready(now() - minutes(58), now() - minutes(57));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(2)));
        case.ready(now() - minutes(60), now() - minutes(59));
        assert!(matches!(case.judge(rule), Verdict::Stop(_)));
        case.session.clock = None;
        assert_eq!(
            case.judge(rule),
            Verdict::Keep,
            "nothing is known of its life"
        );
    }
}
