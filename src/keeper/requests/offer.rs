//! Which session a client may have: which there are, in what order they are given, and whose turn
//! it is.

use std::cmp::Reverse;

use crate::keeper::mutation::{self, Mutation};
use crate::keeper::rules::lifetime::end_of_life;
use crate::keeper::state::{KeeperState, ManagedSession, Waiter};
use crate::policy::{Policy, Pool};
use crate::units::{SessionId, Size, Timestamp};

impl KeeperState {
    /// The session that a client may have now: of those that nobody uses the first that is of its
    /// size, when everybody who waits before it has had theirs.
    pub(super) fn offered(
        &self,
        now: Timestamp,
        policy: &Policy,
        pool: &Pool,
        place: Option<&Waiter>,
        size: Option<&Size>,
    ) -> Option<SessionId> {
        let mut free = self.free_sessions(now, policy, pool);
        let before = |other: &&Waiter| {
            let unfair = mutation::on(Mutation::ServeWhoeverAsks);
            !unfair && place.is_none_or(|me| other.hold.id < me.hold.id)
        };
        let waiting = self.waiting(&pool.name, now).filter(|w| w.has_turn(now));
        for other in waiting.filter(before) {
            if let Some(theirs) = free.iter().position(|(_, size)| other.hold.fits(size)) {
                free.remove(theirs);
            }
        }
        let mut mine = free.into_iter();
        let fits = |found: &Size| size.is_none_or(|wanted| wanted == found);
        mine.find(|(_, size)| fits(size)).map(|(id, _)| id)
    }

    /// The sessions of a pool that a client may have now, in the order in which they are given:
    /// those of the first region before those of the next, then whichever may live longest. A
    /// successor belongs to whoever uses the session that it succeeds.
    fn free_sessions(
        &self,
        now: Timestamp,
        policy: &Policy,
        pool: &Pool,
    ) -> Vec<(SessionId, Size)> {
        let in_use = |k: &ManagedSession| k.in_use(now, pool.idle_timeout);
        let free = |k: &&ManagedSession| {
            let mut siblings = self.in_slot(&k.slot).filter(|other| other.id != k.id);
            k.slot.pool == pool.name
                && k.is_available()
                && !in_use(k)
                && siblings.all(|other| match other.id.drawn() < k.id.drawn() {
                    true => !in_use(other),
                    // It is about to be stopped, and the other to take its place.
                    false => !other.is_available(),
                })
        };
        let regions = policy.regions_of(pool);
        let preference = |k: &&ManagedSession| {
            let region = regions.iter().position(|region| *region == k.region);
            let lives = end_of_life(pool, self.limits, k);
            (region.unwrap_or(regions.len()), Reverse(lives))
        };
        let mut free: Vec<&ManagedSession> = self.sessions.values().filter(free).collect();
        free.sort_by_key(preference);
        free.into_iter()
            .map(|k| (k.id.clone(), k.size.clone()))
            .collect()
    }
}
