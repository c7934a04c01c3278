//! Idle: a session that nobody uses is stopped, and its slot parked.
//!
//! A session is idle since the latest of: ready, acquired, last activity, given back. An activity
//! source that cannot say is not silence: up to the pool's `unknown_limit` it counts as use. After
//! `idle_timeout` it is stopped and its slot parked until a client asks, the schedule opens again,
//! or a person wakes it. Spare sessions are not idle, they are stock: the schedule and the budget
//! bound them. A client that asked to stay is not idle before the instant that it was granted.
//! Where the ready time is not known and nothing else is, nothing is stopped.

use std::collections::BTreeSet;

use crate::keeper::lease::LeaseClock;
use crate::keeper::mutation::{self, Mutation};
use crate::keeper::reason::Reason;
use crate::keeper::state::ManagedSession;
use crate::policy::Pool;
use crate::units::{SessionId, Timestamp};

use super::context::{SessionContext, Verdict};

/// Since when a Ready session is idle; not yet where that is in the future, and `None` while its
/// ready time is not known and nothing else is.
pub(in crate::keeper) fn idle_since(session: &ManagedSession) -> Option<Timestamp> {
    let ready = session.clock.map(LeaseClock::latest);
    let acquired = session.hold.as_ref().map(|h| h.since);
    ready
        .max(acquired)
        .max(session.active)
        .max(session.released)
        .max(session.unknown_until())
}

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let (session, now) = (context.session, context.now);
    let Some(timeout) = context.pool.idle_timeout else {
        return Verdict::Keep;
    };
    let Some(since) = idle_since(session).filter(|_| session.is_ready() && !context.is_stock)
    else {
        return Verdict::Keep;
    };
    if since > now {
        // It is reported when it counts as used no more, before anything follows from it.
        return Verdict::RecheckAt(since);
    }
    let late = mutation::on(Mutation::StopIdleLate);
    let allowed = timeout.times(if late { 2 } else { 1 });
    // What a window no longer needs stays as long as the pool says.
    let delay = context.pool.scale_down_delay;
    let counts = context.pool.last_counts(now).map(|at| at + delay);
    let snoozed = session.hold.as_ref().and_then(|hold| hold.snoozed);
    let due = (since + allowed).max(counts.max(snoozed).unwrap_or(Timestamp::MIN));
    Verdict::at(due, now, || Reason::Idle { since, timeout })
}

/// Which of a pool's sessions, given in the order of their slots, are stock: the first `spare` that
/// nobody uses, those that are Ready before those that boot.
pub(in crate::keeper) fn stock<'a>(
    pool: &Pool,
    sessions: &[&'a ManagedSession],
    now: Timestamp,
    spare: u32,
) -> BTreeSet<&'a SessionId> {
    let unused = |ready: bool| {
        let fits = move |k: &&&'a ManagedSession| {
            k.is_ready() == ready && !k.in_use(now, pool.idle_timeout)
        };
        sessions.iter().filter(fits).map(|k| &k.id)
    };
    unused(true)
        .chain(unused(false))
        .take(spare as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::hold::Hold;
    use crate::keeper::state::UnknownSource;
    use crate::policy::ActivitySource;

    #[test]
    fn a_session_is_idle_since_the_latest_of_ready_acquired_active_and_given_back() {
        let mut case = case();
        case.ready(now() - minutes(40), now() - minutes(39));
        assert!(matches!(
            case.judge(rule),
            Verdict::Stop(Reason::Idle { .. })
        ));
        case.session.active = Some(now() - minutes(14));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.session.hold = Some(Hold::of("ann", now() - minutes(5)));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(10)));
        case.session.released = Some(now() - minutes(2));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(13)));
    }

    #[test]
    fn stock_and_sessions_of_which_nothing_is_known_are_never_idle() {
        let mut case = case();
        case.ready(now() - minutes(40), now() - minutes(39));
        case.is_stock = true;
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.is_stock = false;
        case.session.clock = None;
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.ready(now() - minutes(40), now() - minutes(39));
        case.pool.idle_timeout = None;
        assert_eq!(case.judge(rule), Verdict::Keep);
    }

    #[test]
    fn a_source_that_cannot_say_counts_as_use_up_to_its_limit_and_no_longer() {
        let mut case = case();
        case.ready(now() - minutes(40), now() - minutes(39));
        let since = now() - minutes(3);
        let mut cannot_say = |limit: i64| {
            let unknown = UnknownSource {
                since,
                until: Some(since + minutes(limit)),
                why: None,
                alarmed: false,
            };
            case.session
                .unknown
                .insert(ActivitySource::Sockets, unknown);
            case.judge(rule)
        };
        // The pool's idle time-out is a quarter of an hour.
        assert_eq!(cannot_say(10), Verdict::RecheckAt(now() + minutes(7)));
        assert_eq!(cannot_say(2), Verdict::RecheckAt(now() + minutes(14)));
        assert!(matches!(
            cannot_say(-13),
            Verdict::Stop(Reason::Idle { .. })
        ));
    }
    #[test]
    fn what_is_ready_is_stock_before_what_boots() {
        let (ready, mut boots) = (case(), case());
        boots.session.id = "st-a-1-01".parse().expect("an id");
        boots.session.status = crate::keeper::Status::Starting;
        let stock_of = |spare, sessions: [&ManagedSession; 2]| {
            let mut pool = case().pool;
            pool.spare = spare;
            let stock = stock(&pool, &sessions, now(), spare).into_iter().cloned();
            stock.collect::<Vec<_>>()
        };
        for sessions in [
            [&ready.session, &boots.session],
            [&boots.session, &ready.session],
        ] {
            assert_eq!(
                stock_of(1, sessions),
                std::slice::from_ref(&ready.session.id)
            );
        }
        assert_eq!(stock_of(2, [&boots.session, &ready.session]).len(), 2);
    }
}
