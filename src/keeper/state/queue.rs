//! The queue of each pool: clients that wait for a session, first come, first served.
//!
//! A client keeps its place by asking again. One that has gone away holds up nobody: it soon loses
//! its turn to those behind it, and a while later nothing is created for it any more.

use serde::{Deserialize, Serialize};

use crate::units::{HoldId, PoolName, Span, Timestamp};

use super::asking::WAIT_LASTS;
use super::managed::Hold;
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
