//! Schedule: outside its pool's schedule no session stays, used or not, unless the pool drains.
//!
//! Safe, because a closed schedule was written down by whoever pays. A pool that drains lets
//! whoever uses a session at closing time go on with it for a while: no longer than its limit, and
//! no longer than the session is used.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let schedule = context.schedule;
    let closed = |opens| Reason::ScheduleClosed { opens };
    match schedule.next_edge {
        opens if !schedule.open => {
            let drains = context.pool.drain_limit.filter(|_| context.in_use());
            match (drains, schedule.closed_at) {
                (Some(limit), Some(at)) => Verdict::at(at + limit, context.now, || closed(opens)),
                _ => Verdict::Stop(closed(opens)),
            }
        }
        Some(edge) => Verdict::RecheckAt(edge),
        None => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;

    #[test]
    fn a_session_is_looked_at_again_when_its_schedule_closes_and_stopped_then() {
        let mut case = case();
        assert_eq!(case.judge(rule), Verdict::Keep, "always open");
        case.pool.schedule = "Mon 08:00-18:00 UTC".parse().map(one).expect("a window");
        let closes = now() + minutes(10 * 60);
        assert_eq!(case.judge(rule), Verdict::RecheckAt(closes));
        let verdict = case.at(closes).judge(rule);
        let opens = Some(now() + minutes(7 * 24 * 60));
        assert_eq!(verdict, Verdict::Stop(Reason::ScheduleClosed { opens }));
    }

    fn one(window: crate::policy::Window) -> crate::policy::Schedule {
        crate::policy::Schedule::new(vec![window])
    }

    #[test]
    fn a_pool_that_drains_lets_a_session_go_on_while_it_is_used_and_no_longer_than_its_limit() {
        let mut case = case();
        case.pool.schedule = "Mon 08:00-18:00 UTC".parse().map(one).expect("a window");
        case.pool.drain_limit = Some(minutes(60));
        let closes = now() + minutes(10 * 60);
        let opens = Some(now() + minutes(7 * 24 * 60));
        let stopped = Verdict::Stop(Reason::ScheduleClosed { opens });
        let mut case = case.at(closes);
        assert_eq!(case.judge(rule), stopped, "nobody uses it");
        case.session.active = Some(closes - minutes(1));
        let ends = closes + minutes(60);
        assert_eq!(case.judge(rule), Verdict::RecheckAt(ends));
        let mut case = case.at(ends);
        case.session.active = Some(ends);
        assert_eq!(case.judge(rule), stopped);
    }

    #[test]
    fn what_is_warmed_up_is_left_alone_until_the_schedule_opens() {
        let mut case = case();
        case.pool.schedule = "Mon 08:00-18:00 UTC".parse().map(one).expect("a window");
        let before = case.at(now() - case_boot());
        assert!(matches!(before.judge(rule), Verdict::Stop(_)));
        let mut before = before;
        before.pool.prewarm = true;
        assert_eq!(before.judge(rule), Verdict::RecheckAt(now()));
        let earlier = before.at(now() - case_boot() - crate::units::Span::millis(1));
        assert!(matches!(earlier.judge(rule), Verdict::Stop(_)));
    }

    fn case_boot() -> crate::units::Span {
        case().pool.boot_timeout
    }
}
