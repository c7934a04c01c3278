//! First use: a session that became Ready and was never used is stopped, and its slot parked.
//!
//! Whoever asked for it may have given up, so a pool can be stricter here than `idle_timeout` is
//! after use. Used is: held, active, or given back at least once. Stock waits for somebody by
//! design and is left alone, and so is a session whose ready time is not known. An adopted session
//! counts as active when it is found, so a lost ledger ends nobody's work.

use crate::keeper::lease::LeaseClock;
use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let session = context.session;
    let used = session.hold.is_some() || session.active.is_some() || session.released.is_some();
    let clock = session
        .clock
        .filter(|_| session.is_ready() && !used && !context.is_stock);
    match (
        context.pool.first_use_timeout,
        clock.map(LeaseClock::latest),
    ) {
        (Some(timeout), Some(since)) => Verdict::at(since + timeout, context.now, || {
            Reason::NeverUsed { since, timeout }
        }),
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::tests::world::{TestWorld, policy};
    use crate::units::Span;

    #[test]
    fn only_a_session_that_was_never_used_is_stopped() {
        let mut case = case();
        assert_eq!(case.judge(rule), Verdict::Keep, "the pool does not say so");
        case.pool.first_use_timeout = Some(minutes(6));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.pool.first_use_timeout = Some(minutes(5));
        assert!(matches!(
            case.judge(rule),
            Verdict::Stop(Reason::NeverUsed { .. })
        ));
        case.is_stock = true;
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.is_stock = false;
        case.session.active = Some(now() - minutes(4));
        assert_eq!(case.judge(rule), Verdict::Keep);
    }

    #[test]
    fn a_session_that_nobody_comes_for_ends_before_it_would_be_idle() {
        let mut policy = policy();
        policy.pools[0].first_use_timeout = Some(Span::minutes(5));
        let mut world = TestWorld::new(policy);
        world.run(Span::minutes(30));
        assert_snapshot!(world.told(), @r"
        Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
        Mon 08:00:00 a/0 booting
        Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
        Mon 08:05:30 a/0 stopping: Ready since 2026-03-02T08:00:30Z and not used within 5m
        Mon 08:05:35 a/0 ended Stopped after 5m billed, 0.50 EUR
        Mon 08:05:35 a/0 parked: Ready since 2026-03-02T08:00:30Z and not used within 5m
        (2 actions)
        ");
    }
}
