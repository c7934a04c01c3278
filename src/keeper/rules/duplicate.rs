//! Duplicate: of several live sessions in one slot one stays.
//!
//! Two daemons by mistake, or a create that took effect late, can fill a slot twice. The one whose
//! id was drawn first stays, unless only the other is held; during a rollover old and successor
//! both stay. The choice depends on ids and holds alone, so every daemon that sees the same list
//! chooses the same. A held session is stopped only where another one of the slot is held too.

use crate::keeper::reason::Reason;
use crate::keeper::state::ManagedSession;

/// Splits the sessions of one slot, the one drawn first at the front, into those that stay and
/// those that go.
/// `pair` says that the first may have a successor beside it.
pub(in crate::keeper) fn split(
    mut sessions: Vec<&ManagedSession>,
    pair: bool,
) -> (Vec<&ManagedSession>, Vec<(&ManagedSession, Reason)>) {
    let keep = if pair { 2 } else { 1 };
    if sessions.len() < 2 {
        return (sessions, Vec::new());
    }
    if keep == 1 && sessions[0].hold.is_none() {
        let held: Vec<usize> = (0..sessions.len())
            .filter(|i| sessions[*i].hold.is_some())
            .collect();
        if let [only] = held[..] {
            sessions.swap(0, only);
        }
    }
    let extras = sessions.split_off(keep);
    let of = &sessions[keep - 1].id;
    let gone = extras
        .into_iter()
        .map(|session| (session, Reason::Duplicate { of: of.clone() }))
        .collect();
    (sessions, gone)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, now};
    use super::*;
    use crate::keeper::hold::Hold;

    fn three() -> [ManagedSession; 3] {
        ["s-1", "s-2", "s-3"].map(|id| {
            let mut session = case().session;
            session.id = id.parse().expect("an id");
            session
        })
    }

    fn staying(sessions: &[ManagedSession; 3], pair: bool) -> Vec<&str> {
        let (stay, go) = split(sessions.iter().collect(), pair);
        assert_eq!(stay.len() + go.len(), 3);
        stay.iter().map(|s| s.id.as_str()).collect()
    }

    #[test]
    fn the_smaller_id_stays_unless_only_another_is_held() {
        let mut sessions = three();
        assert_eq!(staying(&sessions, false), ["s-1"]);
        assert_eq!(staying(&sessions, true), ["s-1", "s-2"]);
        let hold = Some(Hold::of("ann", now()));
        sessions[2].hold.clone_from(&hold);
        assert_eq!(staying(&sessions, false), ["s-3"]);
        sessions[1].hold = hold;
        assert_eq!(staying(&sessions, false), ["s-1"], "both are held");
    }
}
