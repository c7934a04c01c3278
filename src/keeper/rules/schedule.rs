//! Schedule: outside its pool's schedule no session stays, used or not.
//!
//! A studio that does not want that leaves the schedule open and bounds the pool by `idle_timeout`.
//! Safe, because a closed schedule was written down by whoever pays.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    match context.schedule.next_edge {
        opens if !context.schedule.open => Verdict::Stop(Reason::ScheduleClosed { opens }),
        Some(closes) => Verdict::RecheckAt(closes),
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
}
