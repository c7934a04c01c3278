//! Surplus: more sessions than `min`, use and spares need, in a pool without an idle timeout.
//!
//! Elsewhere whatever nobody uses goes idle. The first in slot order stay. A session in use is
//! never surplus, nor one that was asked for, nor one of a pair that is rolling over.

use crate::keeper::reason::Reason;
use crate::keeper::state::ManagedSession;
use crate::policy::{Counts, Pool};
use crate::units::Timestamp;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let used_until = context.session.used_until(context.pool.idle_timeout);
    if let Some(at) = used_until.filter(|at| *at > context.now)
        && context.pool.idle_timeout.is_none()
    {
        return Verdict::RecheckAt(at);
    }
    if context.is_surplus && !context.is_stock && !context.in_use() {
        let delay = context.pool.scale_down_delay;
        let since = context.needs_since.unwrap_or(context.session.created);
        Verdict::at(since + delay, context.now, || Reason::Surplus)
    } else {
        Verdict::Keep
    }
}

/// How many of a pool's sessions it needs, given in slot order; the others are surplus. `wished`
/// says whether a session's slot was asked for, `waiting` how many clients wait for one.
pub(in crate::keeper) fn needed(
    pool: &Pool,
    sessions: &[&ManagedSession],
    wished: impl Fn(&ManagedSession) -> bool,
    waiting: usize,
    now: Timestamp,
    counts: Counts,
) -> usize {
    if pool.idle_timeout.is_some() {
        return usize::MAX;
    }
    let used = sessions.iter().filter(|k| k.in_use(now, None)).count();
    let asked = sessions.iter().filter(|k| wished(k)).count();
    let rolling = sessions
        .windows(2)
        .filter(|w| w[0].slot == w[1].slot)
        .count();
    (used + waiting + counts.spare as usize).max(counts.min as usize) + asked + rolling
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::hold::Hold;

    #[test]
    fn what_nobody_needs_is_stopped_and_what_somebody_uses_never() {
        let mut case = case();
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.is_surplus = true;
        assert_eq!(case.judge(rule), Verdict::Stop(Reason::Surplus));
        case.pool.idle_timeout = None;
        case.session.active = Some(now() - minutes(4));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(6)));
        case.session.released = Some(now() - minutes(1));
        assert_eq!(case.judge(rule), Verdict::Stop(Reason::Surplus));
        case.session.hold = Some(Hold::of("ann", now()));
        assert_eq!(case.judge(rule), Verdict::Keep);
    }

    #[test]
    fn what_is_not_needed_any_more_stays_as_long_as_the_pool_says() {
        let mut case = case();
        case.is_surplus = true;
        case.pool.scale_down_delay = minutes(10);
        case.needs_since = Some(now() - minutes(9));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.needs_since = Some(now() - minutes(10));
        assert_eq!(case.judge(rule), Verdict::Stop(Reason::Surplus));
    }

    #[test]
    fn a_pool_needs_its_min_or_what_is_used_and_what_was_asked_for_besides() {
        let mut case = case();
        case.pool.idle_timeout = None;
        case.pool.min = 1;
        let (free, mut used) = (case.session.clone(), case.session.clone());
        used.active = Some(now());
        used.hold = Some(Hold::of("ann", now()));
        used.slot.ordinal = 1;
        let count = |wished| {
            needed(
                &case.pool,
                &[&free, &used],
                |_| wished,
                0,
                now(),
                case.pool.counts_at(now()),
            )
        };
        assert_eq!((count(false), count(true)), (1, 3));
    }
    #[test]
    fn a_sign_of_use_that_counts_no_more_keeps_nothing_at_that_very_instant() {
        let mut case = case();
        case.pool.idle_timeout = None;
        case.is_surplus = true;
        let ten = minutes(10);
        case.session.active = Some(now() - ten);
        assert_eq!(case.judge(rule), Verdict::Stop(Reason::Surplus));
        let instant = crate::units::Span::millis(1);
        case.session.active = Some(now() - ten + instant);
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + instant));
    }
}
