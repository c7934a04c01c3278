//! Spare TTL: stock that nobody takes is stopped after a while, and its slot parked.
//!
//! Stock is never idle, so a pool whose people have gone home early would keep it until the
//! schedule closes. The slot is filled again when a client asks for a session of the pool, or when
//! the schedule or a window opens.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};
use super::idle::idle_since;

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let spare = context.is_spare && context.session.is_ready();
    let since = idle_since(context.session).filter(|_| spare);
    match (context.pool.spare_ttl, since) {
        (Some(ttl), Some(since)) => {
            Verdict::at(since + ttl, context.now, || Reason::NotTaken { since, ttl })
        }
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;

    #[test]
    fn only_a_spare_that_is_ready_waits_no_longer_than_the_pool_says() {
        let mut case = case();
        case.is_spare = true;
        assert_eq!(case.judge(rule), Verdict::Keep, "for ever");
        case.pool.spare_ttl = Some(minutes(5));
        let (since, ttl) = (now() - minutes(5), minutes(5));
        let not_taken = Reason::NotTaken { since, ttl };
        assert_eq!(case.judge(rule), Verdict::Stop(not_taken));
        case.pool.spare_ttl = Some(minutes(6));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.session.released = Some(now() - minutes(1));
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(5)));
        case.is_spare = false;
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.is_spare = true;
        case.session.status = crate::keeper::Status::Starting;
        assert_eq!(case.judge(rule), Verdict::Keep);
    }
}
