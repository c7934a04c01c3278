//! Heartbeats.

use crate::keeper::event::Event;
use crate::keeper::state::{KeeperState, ManagedSession, WishedBy};
use crate::policy::{ActivitySource, Policy, Pool};
use crate::units::{SessionId, Timestamp};

use super::target::{Refusal, Target};

impl KeeperState {
    /// A heartbeat: every live session of the target was active now. A target without any is woken,
    /// its lowest slot only.
    ///
    /// # Errors
    /// If the target does not exist, or its pool does not count heartbeats.
    pub fn touch(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<Vec<Event>, Refusal> {
        let slots = self.resolve(policy, target)?;
        let deaf = |pool: &&Pool| !pool.activity.contains(&ActivitySource::Heartbeat);
        let pool = slots
            .first()
            .and_then(|slot| policy.pools.iter().find(|p| p.name == slot.pool));
        if let Some(pool) = pool.filter(deaf) {
            return Err(Refusal::NoHeartbeat {
                pool: pool.name.clone(),
            });
        }
        let stays = |k: &&ManagedSession| k.stop.is_none();
        let live: Vec<SessionId> = match target {
            // Who names a session means that one, and not its successor.
            Target::Session(id) => self
                .sessions
                .get(id)
                .filter(stays)
                .map(|k| k.id.clone())
                .into_iter()
                .collect(),
            Target::Pool(_) | Target::Slot(_) => {
                let here = self
                    .sessions
                    .values()
                    .filter(stays)
                    .filter(|k| slots.binary_search(&k.slot).is_ok());
                here.map(|k| k.id.clone()).collect()
            }
        };
        let timeout = pool.and_then(|p| p.idle_timeout);
        for id in &live {
            if let Some(managed) = self.sessions.get_mut(id) {
                let was_used = managed.in_use(now, timeout);
                managed.active = managed.active.max(Some(now));
                self.changes.active.insert(id.clone());
                self.changes.taken |= !was_used;
            }
        }
        if !live.is_empty() {
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
