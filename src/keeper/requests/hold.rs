//! Holds: a client acquires a Ready session and gives it back.

use crate::keeper::address::Address;
use crate::keeper::event::{Event, EventKind};
use crate::keeper::state::{Hold, KeeperState, ManagedSession, WishedBy};
use crate::policy::Policy;
use crate::units::{PoolName, SessionId, SlotId, Timestamp};

use super::target::{Refusal, Target};

/// What came of an acquire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// A Ready session, held for the client from now on.
    Ready {
        /// The session.
        id: SessionId,
        /// Where to connect.
        address: Option<Address>,
    },
    /// None is Ready; one is on its way, or has been asked for. Ask again.
    Waiting,
}

impl KeeperState {
    /// Gives a client a Ready session of a pool: the one it holds already, a successor of it, or
    /// the first that nobody uses. Where there is none, one is asked for.
    ///
    /// # Errors
    /// If the policy has no such pool.
    pub fn acquire(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        pool: &PoolName,
        client: &str,
    ) -> Result<(Acquired, Vec<Event>), Refusal> {
        let slots = self.resolve(policy, &Target::Pool(pool.clone()))?;
        let timeout = policy
            .pools
            .iter()
            .find(|p| p.name == *pool)
            .and_then(|p| p.idle_timeout);
        let usable = |k: &&ManagedSession| k.slot.pool == *pool && k.is_ready() && k.stop.is_none();
        let mine = |k: &ManagedSession| k.hold.as_ref().is_some_and(|h| h.client == client);
        let held = self.sessions.values().filter(usable).find(|k| mine(k));
        let successor = held.and_then(|old| {
            self.sessions
                .values()
                .filter(usable)
                .find(|k| k.slot == old.slot && k.id > old.id && k.hold.is_none())
        });
        let free = || {
            self.sessions
                .values()
                .filter(usable)
                .find(|k| !k.in_use(now, timeout))
        };
        let old = held.map(|k| k.id.clone());
        let Some(id) = successor.or(held).or_else(free).map(|k| k.id.clone()) else {
            let on_its_way = self
                .sessions
                .values()
                .any(|k| k.slot.pool == *pool && k.stop.is_none() && !k.is_ready());
            let may_fill = |slot: &&SlotId| {
                !self.parked_by_person(slot) && !self.sessions.values().any(|k| k.slot == **slot)
            };
            let empty = slots.iter().find(may_fill).cloned();
            let woken = empty
                .filter(|_| !on_its_way)
                .and_then(|slot| self.wake_slot(now, &slot, WishedBy::Client, client));
            return Ok((Acquired::Waiting, woken.into_iter().collect()));
        };
        let mut events = Vec::new();
        let mut since = now;
        if let Some(old) = old.filter(|old| *old != id) {
            // Going on to a successor is the same hold.
            let before = self.sessions.get(&old).and_then(|k| k.hold.as_ref());
            since = before.map_or(now, |hold| hold.since);
            events.extend(self.leave(now, &old, client));
        }
        if let Some(managed) = self.session_mut(&id).filter(|k| k.hold.is_none()) {
            managed.active = managed.active.max(Some(now));
            managed.hold = Some(Hold {
                client: client.into(),
                since,
            });
            let (slot, what) = (
                Some(managed.slot.clone()),
                EventKind::Held {
                    client: client.into(),
                },
            );
            events.push(Event {
                at: now,
                slot,
                session: Some(id.clone()),
                what,
            });
        }
        let address = self.sessions.get(&id).and_then(|k| k.address.clone());
        Ok((Acquired::Ready { id, address }, events))
    }

    /// A client goes on to its successor. What it still does on the old session counts until the
    /// idle rule or the end of its life ends that one.
    fn leave(&mut self, now: Timestamp, id: &SessionId, client: &str) -> Option<Event> {
        let managed = self.session_mut(id)?;
        managed.hold = None;
        managed.active = managed.active.max(Some(now));
        let what = EventKind::Released {
            client: client.into(),
        };
        Some(Event {
            at: now,
            slot: Some(managed.slot.clone()),
            session: Some(id.clone()),
            what,
        })
    }

    /// Takes a session back from the client that holds it. Its use ends now, and the next client
    /// may have it.
    ///
    /// # Errors
    /// If there is no such session, or another client holds it.
    pub fn release(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        client: &str,
    ) -> Result<Event, Refusal> {
        let managed = self
            .session_mut(id)
            .ok_or_else(|| Refusal::NoSession { id: id.clone() })?;
        if let Some(hold) = managed.hold.as_ref().filter(|h| h.client != client) {
            return Err(Refusal::HeldByAnother {
                id: id.clone(),
                by: hold.client.clone(),
            });
        }
        managed.hold = None;
        managed.released = Some(now);
        let what = EventKind::Released {
            client: client.into(),
        };
        Ok(Event {
            at: now,
            slot: Some(managed.slot.clone()),
            session: Some(id.clone()),
            what,
        })
    }
}
