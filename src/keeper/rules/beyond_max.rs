//! Beyond max: a pool that was made smaller keeps the sessions that are missed most.
//!
//! A session in a slot that the pool has no more, in none of its windows, may stay as long as the
//! pool has no more sessions than slots. Where it has, stock goes first, then what nobody uses,
//! then what is used, and what a client holds last; of equals the highest slot. A policy is changed
//! by whoever pays, so even held sessions go where they alone are too many.

use std::collections::BTreeSet;

use crate::keeper::state::ManagedSession;
use crate::policy::Pool;
use crate::units::Timestamp;

use super::idle::stock;

/// Which of a pool's sessions that are not ending, given in the order of their slots, are too many.
/// Old and successor of one slot stay or go together.
pub(in crate::keeper) fn leaving<'a>(
    pool: &Pool,
    staying: &[&'a ManagedSession],
    now: Timestamp,
) -> Vec<&'a ManagedSession> {
    let stock = stock(pool, staying, now, pool.counts_at(now).spare);
    let rank = |session: &ManagedSession| {
        if session.hold.is_some() {
            3
        } else if session.in_use(now, pool.idle_timeout) {
            2
        } else {
            u8::from(!stock.contains(&session.id))
        }
    };
    let mut slots: Vec<(u8, u32)> = Vec::new();
    for session in staying {
        let (rank, ordinal) = (rank(session), session.slot.ordinal);
        match slots.last_mut().filter(|slot| slot.1 == ordinal) {
            Some(slot) => slot.0 = slot.0.max(rank),
            None => slots.push((rank, ordinal)),
        }
    }
    slots.sort_by_key(|(rank, ordinal)| (std::cmp::Reverse(*rank), *ordinal));
    let too_many = slots.iter().skip(pool.slots() as usize);
    let ordinals: BTreeSet<u32> = too_many.map(|(_, ordinal)| *ordinal).collect();
    let leaves = |k: &&&ManagedSession| ordinals.contains(&k.slot.ordinal);
    staying.iter().filter(leaves).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::hold::Hold;

    #[test]
    fn stock_goes_first_then_unused_then_used_and_held_last() {
        let mut case = case();
        case.pool.spare = 1;
        let session = |ordinal: u32| {
            let mut session = case.session.clone();
            session.id = format!("s-{ordinal}").parse().expect("an id");
            session.slot.ordinal = ordinal;
            session
        };
        let mut all = [0, 1, 2, 3, 7, 7].map(session);
        all[5].id = "s-8".parse().expect("an id");
        all[2].active = Some(now() - minutes(1));
        // The successor of the held one is not lost either.
        all[4].hold = Some(Hold::of("ann", now()));
        let mut left = |max: u32| {
            case.pool.max = max;
            let gone = leaving(&case.pool, &all.iter().collect::<Vec<_>>(), now());
            let ids = gone.iter().map(|k| k.id.as_str());
            ids.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(5), "");
        assert_eq!(left(4), "s-0", "the one spare");
        assert_eq!(left(3), "s-0 s-3", "of equals the highest slot");
        assert_eq!(left(2), "s-0 s-1 s-3");
        assert_eq!(left(1), "s-0 s-1 s-2 s-3");
        assert_eq!(left(0), "s-0 s-1 s-2 s-3 s-7 s-8");
    }
}
