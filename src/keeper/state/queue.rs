//! The queue of each pool: clients that wait for a session, first come, first served.
//!
//! A client keeps its place by asking again. One that has gone away holds up nobody: it soon loses
//! its turn to those behind it, and a while later nothing is created for it any more.

use serde::{Deserialize, Serialize};

use crate::keeper::hold::Hold;
use crate::units::{HoldId, PoolName, Span, Timestamp};

use super::asking::WAIT_LASTS;
use super::{KeeperState, Unwritten};

/// How long those behind it give way to a client that does not ask again.
const TURN_LASTS: Span = Span::minutes(1);

/// A client that waits for a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// The hold that it is to have, or had until its session was lost. Ids tell who came first.
    pub hold: Hold,
    /// The pool.
    pub pool: PoolName,
    /// When it last asked, as far as the ledger knows.
    pub asked: Timestamp,
}

impl Waiter {
    /// When it waits no more unless it asks again.
    pub fn lapses(&self) -> Timestamp {
        self.asked + WAIT_LASTS
    }

    /// Whether it still waits.
    pub fn waits(&self, now: Timestamp) -> bool {
        now < self.lapses()
    }

    /// Whether those behind it give way to it.
    pub(in crate::keeper) fn has_turn(&self, now: Timestamp) -> bool {
        now < self.asked + TURN_LASTS
    }
}

impl KeeperState {
    /// Who waits for a session of a pool, first come first.
    pub fn waiting(&self, pool: &PoolName, now: Timestamp) -> impl Iterator<Item = &Waiter> {
        self.queue
            .values()
            .filter(move |w| w.pool == *pool && w.waits(now))
    }

    /// A client's place in a pool's queue, from 1.
    pub(in crate::keeper) fn place(&self, hold: HoldId, pool: &PoolName, now: Timestamp) -> u32 {
        let ahead = self.waiting(pool, now).filter(|w| w.hold.id < hold);
        u32::try_from(ahead.count()).map_or(u32::MAX, |ahead| ahead.saturating_add(1))
    }

    /// Puts a client into the queue, or back to its place.
    pub(in crate::keeper) fn enqueue(&mut self, waiter: Waiter) {
        self.changes.queue.insert(waiter.hold.id);
        self.queue.insert(waiter.hold.id, waiter);
    }

    /// Takes a client out of the queue.
    pub(in crate::keeper) fn dequeue(&mut self, hold: HoldId) -> Option<Waiter> {
        let waiter = self.queue.remove(&hold)?;
        self.changes.queue.insert(hold);
        Some(waiter)
    }

    /// Takes those out of a pool's queue that have not asked again since an instant.
    pub(in crate::keeper) fn dequeue_silent(&mut self, pool: &PoolName, since: Timestamp) {
        let Unwritten { queue: changed, .. } = &mut self.changes;
        self.queue.retain(|id, waiter| {
            let stays = waiter.pool != *pool || waiter.asked > since;
            if !stays {
                changed.insert(*id);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::tests::fixtures::{ago, knowing, now, pool};

    fn waiter(client: &str, name: &str, came: i64, asked: Timestamp) -> Waiter {
        Waiter {
            hold: Hold::of(client, ago(came)),
            pool: pool(name).name,
            asked,
        }
    }

    #[test]
    fn a_turn_lasts_a_minute_and_a_place_ten_and_both_are_over_then() {
        let asked = |span: Span| waiter("ann", "a", 30, now() - span);
        let instant = Span::millis(1);
        let (minute, ten) = (Span::minutes(1), Span::minutes(10));
        assert!(asked(minute - instant).has_turn(now()));
        assert!(!asked(minute).has_turn(now()));
        assert!(asked(ten - instant).waits(now()));
        assert!(!asked(ten).waits(now()));
        assert_eq!(asked(minute).lapses(), now() + Span::minutes(9));
    }

    #[test]
    fn each_pool_has_its_own_queue_of_those_who_still_wait() {
        let mut state = knowing([]);
        for waiter in [
            waiter("ann", "a", 20, ago(10)),
            waiter("bob", "b", 19, ago(1)),
            waiter("carl", "a", 18, ago(2)),
            waiter("dora", "a", 17, ago(3)),
        ] {
            state.enqueue(waiter);
        }
        state.take_changes();
        let clients = |state: &KeeperState, name: &str| {
            let pool = pool(name);
            let waiting = state.waiting(&pool.name, now());
            waiting.map(|w| w.hold.client.clone()).collect::<Vec<_>>()
        };
        assert_eq!(clients(&state, "a"), ["carl", "dora"]);
        assert_eq!(clients(&state, "b"), ["bob"]);
        let dora = state.queue.values().last().expect("she waits").hold.id;
        assert_eq!(state.place(dora, &pool("a").name, now()), 2);

        state.dequeue_silent(&pool("a").name, ago(3));
        let left = state.queue.values().map(|w| w.hold.client.as_str());
        assert_eq!(left.collect::<Vec<_>>(), ["bob", "carl"]);
        assert_eq!(state.take_changes().left.len(), 2);
        assert_eq!(state.dequeue(dora), None);
        assert!(state.take_changes().is_empty());
    }
}
