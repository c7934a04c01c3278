//! Parked: a person said that a slot is to stay empty.
//!
//! Its session is stopped at once, whoever uses it, and the slot stays empty until a person wakes
//! it. A slot that the idle rule parked has no session left to stop, so only a person's word counts
//! here. Safe, because a person can undo it.

use crate::keeper::reason::Reason;
use crate::keeper::state::ParkedBy;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    match context.slot.and_then(|slot| slot.parked.as_ref()) {
        Some(parked) if parked.by == ParkedBy::Person => Verdict::Stop(Reason::ParkedByPerson {
            since: parked.since,
        }),
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, now};
    use super::*;
    use crate::keeper::state::{Parked, SlotState};

    #[test]
    fn only_a_persons_word_stops_a_session() {
        for (by, stops) in [(ParkedBy::Person, true), (ParkedBy::Rule, false)] {
            let slot = SlotState {
                parked: Some(Parked {
                    by,
                    since: now(),
                    why: None,
                }),
                ..SlotState::default()
            };
            let verdict = case().slot(slot).judge(rule);
            assert_eq!(matches!(verdict, Verdict::Stop(_)), stops, "{by:?}");
        }
    }
}
