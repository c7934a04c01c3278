//! Boot time-out: a server that does not come up is given up.
//!
//! Counted from when it was asked for, because the service does not say when it began. An intent
//! that the service has never told of is left alone: repeating its create is cheaper than a second
//! session beside it. The slot backs off afterwards, so a size that never boots is not paid for
//! again and again.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let (session, timeout) = (context.session, context.pool.boot_timeout);
    if session.is_ready() {
        return Verdict::Keep;
    }
    let deadline = session.created + timeout;
    if !session.seen {
        return Verdict::RecheckAt(deadline);
    }
    Verdict::at(deadline, context.now, || Reason::BootTimeout { timeout })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::session::Status;

    #[test]
    fn a_server_is_given_up_at_its_deadline_if_the_service_knows_of_it() {
        let mut case = case();
        assert_eq!(case.judge(rule), Verdict::Keep, "it is Ready");
        case.session.status = Status::Starting;
        case.session.created = now() - minutes(9);
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.session.created = now() - minutes(10);
        let timeout = case.pool.boot_timeout;
        assert_eq!(
            case.judge(rule),
            Verdict::Stop(Reason::BootTimeout { timeout })
        );
        case.session.seen = false;
        assert!(matches!(case.judge(rule), Verdict::RecheckAt(_)));
    }
}
