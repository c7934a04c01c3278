//! Heartbeats.

use crate::keeper::event::Event;
use crate::keeper::evidence::Evidence;
use crate::keeper::rules::idle::stock;
use crate::keeper::state::{KeeperState, ManagedSession, WishedBy};
use crate::policy::{ActivitySource, Policy, Pool};
use crate::units::{SessionId, Timestamp};

use super::target::{Refusal, Target};

impl KeeperState {
    /// A heartbeat: a session was active now. Of a pool or a slot, those that are in use are, or
    /// one that is Ready where none is: a heartbeat is one user. A target without any session is
    /// woken, its lowest slot only.
    ///
    /// # Errors
    /// If the target does not exist, or its pool does not count heartbeats.
    pub fn touch(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<Vec<Event>, Refusal> {
        let slots = self.slots_of(policy, target)?;
        let deaf = |pool: &&Pool| !pool.activity.contains(&ActivitySource::Heartbeat);
        let pool = slots
            .first()
            .and_then(|slot| policy.pools.iter().find(|p| p.name == slot.pool));
        if let Some(pool) = pool.filter(deaf) {
            return Err(Refusal::NoHeartbeat {
                pool: pool.name.clone(),
            });
        }
        let timeout = pool.and_then(|p| p.idle_timeout);
        let stays = |k: &&ManagedSession| {
            let meant = match target {
                // Who names a session means that one, and not its successor.
                Target::Session(id) => k.id == *id,
                Target::Pool(_) | Target::Slot(_) => slots.binary_search(&k.slot).is_ok(),
            };
            meant && k.stop.is_none()
        };
        let live: Vec<&ManagedSession> = self.sessions.values().filter(stays).collect();
        let used = match (target, pool) {
            (Target::Session(_), _) | (_, None) => live.clone(),
            (_, Some(pool)) => used_by_one(now, pool, &live),
        };
        let used: Vec<SessionId> = used.iter().map(|k| k.id.clone()).collect();
        let is_empty = live.is_empty();
        for id in &used {
            if let Some(managed) = self.sessions.get_mut(id) {
                let was_used = managed.in_use(now, timeout);
                match pool {
                    Some(pool) => managed.note_use(pool, now, Evidence::Touched),
                    None => managed.active = managed.active.max(Some(now)),
                }
                self.changes.active.insert(id.clone());
                self.changes.taken |= !was_used;
            }
        }
        if !is_empty {
            return Ok(Vec::new());
        }
        let first = slots
            .iter()
            .find(|slot| !self.parked_by_person(slot))
            .cloned();
        Ok(first
            .and_then(|slot| self.wake_slot(now, &slot, WishedBy::Client, "a client"))
            .into_iter()
            .collect())
    }
}

/// Of a target's sessions those that a heartbeat is about that names none of them: what is in use
/// already, or else the first that is Ready, before stock where there is other. What boots has no
/// user yet.
fn used_by_one<'a>(
    now: Timestamp,
    pool: &Pool,
    live: &[&'a ManagedSession],
) -> Vec<&'a ManagedSession> {
    let in_use = |k: &&&'a ManagedSession| k.in_use(now, pool.idle_timeout);
    let used: Vec<_> = live.iter().filter(in_use).copied().collect();
    if !used.is_empty() {
        return used;
    }
    let stock = stock(pool, live, now, pool.counts_at(now).spare);
    let ready = live.iter().filter(|k| k.is_ready());
    let first = ready.min_by_key(|k| stock.contains(&k.id));
    first.copied().into_iter().collect()
}
