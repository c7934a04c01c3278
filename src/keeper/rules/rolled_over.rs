//! Rolled over: an old session is stopped once its successor is Ready and nobody uses the old one.
//!
//! Whoever still holds the old session keeps it to the end of its life; then the hold moves.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    match context.ready_successor {
        Some(successor) if !context.in_use() => Verdict::Stop(Reason::RolledOver {
            to: successor.clone(),
        }),
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, now};
    use super::*;
    use crate::keeper::hold::Hold;

    #[test]
    fn an_old_session_goes_when_its_successor_is_ready_and_nobody_uses_it() {
        let mut case = case();
        assert_eq!(case.judge(rule), Verdict::Keep);
        case.ready_successor = Some("st-a-0-02".parse().expect("an id"));
        assert!(matches!(case.judge(rule), Verdict::Stop(_)));
        case.session.hold = Some(Hold::of("ann", now()));
        assert_eq!(case.judge(rule), Verdict::Keep);
    }
}
