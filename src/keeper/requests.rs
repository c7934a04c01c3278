//! Asking: what people and clients change in memory. Each only records a wish; the next pass acts
//! on it.

use std::str::FromStr;

use crate::policy::{ActivitySource, Policy};
use crate::units::{BadId, PoolName, SessionId, SlotId, Span, Timestamp};

use super::event::{Event, EventKind};
use super::mutation::{self, Mutation};
use super::state::{
    Address, Hold, KeeperState, ManagedSession, Parked, ParkedBy, Retry, Wish, WishedBy,
};

/// A wish that is repeated sooner than this need not be noted again.
const REPEATED: Span = Span::minutes(1);

/// What a person names on the command line: a pool, a slot of one, or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every slot of a pool.
    Pool(PoolName),
    /// One slot.
    Slot(SlotId),
    /// One session.
    Session(SessionId),
}

/// Why a wish cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The policy has no such pool.
    #[error("the policy has no pool {name}; it has {managed}")]
    NoPool {
        /// The name that was asked for.
        name: String,
        /// The pools there are.
        managed: String,
    },
    /// The pool has no such slot.
    #[error("pool {pool} has no slot {ordinal}; its slots are 0 to {last}")]
    NoSlot {
        /// The pool.
        pool: PoolName,
        /// The place that was asked for.
        ordinal: u32,
        /// The last one there is.
        last: u32,
    },
    /// No live session of ours has that id.
    #[error("no live session of ours has the id {id}; `leasekeeper status` lists them")]
    NoSession {
        /// The id that was asked for.
        id: SessionId,
    },
    /// The pool's policy does not count heartbeats.
    #[error("pool {pool} does not count heartbeats; add {{ heartbeat = true }} to its `activity`")]
    NoHeartbeat {
        /// The pool.
        pool: PoolName,
    },
    /// Somebody else holds it.
    #[error("session {id} is held by {by}")]
    HeldByAnother {
        /// The session.
        id: SessionId,
        /// The client that holds it.
        by: String,
    },
}

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

impl FromStr for Target {
    type Err = BadId;
    /// `pool`, `pool/0`, or a session id. A name that could be a pool's is one.
    fn from_str(s: &str) -> Result<Self, BadId> {
        if s.contains('/') {
            return s.parse().map(Self::Slot);
        }
        PoolName::new(s)
            .map(Self::Pool)
            .or_else(|_| SessionId::new(s).map(Self::Session))
    }
}

impl KeeperState {
    /// Resolves a name to a target that exists: a pool of the policy before a session.
    fn resolve(&self, policy: &Policy, target: &Target) -> Result<Vec<SlotId>, Refusal> {
        let no_pool = |name: &str| Refusal::NoPool {
            name: name.into(),
            managed: policy
                .pools
                .iter()
                .map(|p| p.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        };
        let pool = |name: &PoolName| policy.pools.iter().find(|p| p.name == *name);
        match target {
            _ if mutation::on(Mutation::TakeAnyTarget) => Ok(Vec::new()),
            Target::Pool(name) => match (pool(name), SessionId::new(name.as_str())) {
                (Some(pool), _) => Ok((0..pool.max)
                    .map(|ordinal| SlotId {
                        pool: name.clone(),
                        ordinal,
                    })
                    .collect()),
                (None, Ok(id)) => self
                    .sessions
                    .get(&id)
                    .map(|k| vec![k.slot.clone()])
                    .ok_or_else(|| no_pool(name.as_str())),
                (None, Err(_)) => Err(no_pool(name.as_str())),
            },
            Target::Slot(slot) => {
                let rules = pool(&slot.pool).ok_or_else(|| no_pool(slot.pool.as_str()))?;
                let last = rules.max.saturating_sub(1);
                if slot.ordinal > last {
                    return Err(Refusal::NoSlot {
                        pool: slot.pool.clone(),
                        ordinal: slot.ordinal,
                        last,
                    });
                }
                Ok(vec![slot.clone()])
            }
            Target::Session(id) => {
                let managed = self
                    .sessions
                    .get(id)
                    .ok_or_else(|| Refusal::NoSession { id: id.clone() })?;
                Ok(vec![managed.slot.clone()])
            }
        }
    }

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
        let deaf =
            |pool: &&crate::policy::Pool| !pool.activity.contains(&ActivitySource::Heartbeat);
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

    /// Sessions that an activity source has seen in use, and when last.
    pub fn seen_in_use(&mut self, seen: &[(SessionId, Timestamp)]) {
        for (id, at) in seen {
            if let Some(managed) = self
                .sessions
                .get_mut(id)
                .filter(|managed| managed.active < Some(*at))
            {
                managed.active = Some(*at);
                self.changes.active.insert(id.clone());
            }
        }
    }

    /// Keeps the target's slots empty until a person wakes them.
    ///
    /// # Errors
    /// If the target does not exist.
    pub fn park(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<(), Refusal> {
        for slot in self.resolve(policy, target)? {
            let slot = self.slot_mut(&slot);
            slot.wish = None;
            slot.parked = Some(Parked {
                by: ParkedBy::Person,
                since: now,
            });
        }
        Ok(())
    }

    /// Lets the target's slots be filled again. Of a pool, every parked slot that the policy keeps
    /// filled is; if there is none of those, its lowest slot.
    ///
    /// # Errors
    /// If the target does not exist.
    pub fn wake(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<Vec<Event>, Refusal> {
        let slots = self.resolve(policy, target)?;
        let min = slots
            .first()
            .and_then(|s| policy.pools.iter().find(|p| p.name == s.pool))
            .map_or(0, |p| p.min);
        let single = slots.len() == 1;
        let mut events = Vec::new();
        for slot in slots {
            let parked = self.slots.get(&slot).is_some_and(|s| s.parked.is_some());
            if single || slot.ordinal < min.max(1) {
                events.extend(self.wake_slot(now, &slot, WishedBy::Person, "a person"));
            } else if parked {
                self.slot_mut(&slot).parked = None;
            }
        }
        Ok(events)
    }

    fn parked_by_person(&self, slot: &SlotId) -> bool {
        self.slots
            .get(slot)
            .and_then(|s| s.parked)
            .is_some_and(|p| p.by == ParkedBy::Person)
    }

    /// Notes a wish for a slot. What a client says again and again is told once, and does not hurry
    /// what has failed.
    fn wake_slot(
        &mut self,
        now: Timestamp,
        slot: &SlotId,
        by: WishedBy,
        who: &str,
    ) -> Option<Event> {
        let before = self
            .slots
            .get(slot)
            .filter(|s| s.parked.is_none())
            .and_then(|s| s.wish);
        let managed = before.filter(|wish| by == WishedBy::Client && wish.is_alive(now));
        if managed.is_some_and(|wish| now < wish.at + REPEATED) {
            return None;
        }
        let remembered = self.slot_mut(slot);
        remembered.wish = Some(Wish {
            by: managed.map_or(by, |wish| wish.by),
            at: now,
        });
        if managed.is_some() {
            return None;
        }
        remembered.parked = None;
        remembered.retry = Retry::default();
        Some(Event {
            at: now,
            slot: Some(slot.clone()),
            session: None,
            what: EventKind::Woken { by: who.into() },
        })
    }

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
        if let Some(old) = old.filter(|old| *old != id) {
            events.extend(self.leave(now, &old, client));
        }
        if let Some(managed) = self.session_mut(&id).filter(|k| k.hold.is_none()) {
            managed.hold = Some(Hold {
                client: client.into(),
                since: now,
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
