//! Over budget: what no longer fits is stopped, in a stated order.
//!
//! A budget can be exceeded because it was lowered, a price was raised, or an outsider extended a
//! session. Only what is certain counts, so bounds that were measured afresh stop nobody. Spares go
//! first, then sessions that nobody holds, then held ones; within each the pool that stands last in
//! the file, then the youngest session, then the larger id. A pool that says
//! `over_budget = "let-lease-end"` is left alone: its leases run out.

use std::cmp::Reverse;

use crate::keeper::state::ManagedSession;
use crate::policy::{OverBudget, Pool};
use crate::units::Timestamp;

use super::idle::stock;

/// The order in which sessions would be stopped; `pools` are in the order of the file, each with
/// its sessions that stay, in slot order.
pub(in crate::keeper) fn victims<'a>(
    pools: &[(&Pool, Vec<&'a ManagedSession>)],
    now: Timestamp,
) -> Vec<(&'a ManagedSession, usize)> {
    let mut victims = Vec::new();
    for (place, (pool, staying)) in pools.iter().enumerate() {
        if pool.over_budget == OverBudget::LetLeaseEnd {
            continue;
        }
        let stock = stock(pool, staying, now, pool.counts_at(now).spare);
        for session in staying {
            let class = if stock.contains(&session.id) {
                0
            } else {
                1 + u8::from(session.hold.is_some())
            };
            let rank = (class, Reverse(place), Reverse(session.created));
            victims.push((rank, *session, place));
        }
    }
    victims.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.id.cmp(&a.1.id)));
    victims
        .into_iter()
        .map(|(_, session, place)| (session, place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::hold::Hold;

    #[test]
    fn spares_go_before_unheld_and_those_before_held_ones_the_last_pool_and_the_youngest_first() {
        let session = |id: &str, age: i64, held: bool| {
            let mut session = case().session;
            session.id = id.parse().expect("an id");
            session.created = now() - minutes(age);
            session.active = Some(now());
            session.hold = held.then(|| Hold::of("ann", now()));
            session
        };
        let (mut first, mut second, mut left) = (case().pool, case().pool, case().pool);
        first.spare = 1;
        second.spare = 0;
        left.over_budget = OverBudget::LetLeaseEnd;
        let mut spare = session("a-spare", 9, false);
        spare.active = None;
        let all = [
            spare,
            session("a-held", 1, true),
            session("b-old", 8, false),
            session("b-young", 2, false),
            session("b-held", 30, true),
            session("c-left", 1, false),
        ];
        let pools = [
            (&first, vec![&all[0], &all[1]]),
            (&second, vec![&all[2], &all[3], &all[4]]),
            (&left, vec![&all[5]]),
        ];
        let order: Vec<&str> = victims(&pools, now())
            .iter()
            .map(|(s, _)| s.id.as_str())
            .collect();
        assert_eq!(order, ["a-spare", "b-young", "b-old", "b-held", "a-held"]);
    }
}
