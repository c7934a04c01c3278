//! Release: a client gives back what it holds, or its place in the queue.

use crate::keeper::event::{Event, EventKind};
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::Timestamp;

use super::hold_ref::HoldRef;
use super::target::Refusal;

impl KeeperState {
    /// Takes a session back from the client that holds it. Its use ends now, and the next client
    /// may have it. A client that still waits gives up its place.
    ///
    /// # Errors
    /// If there is no such hold, or it is another client's.
    pub fn release(
        &mut self,
        now: Timestamp,
        hold: &HoldRef,
        client: &str,
    ) -> Result<Event, Refusal> {
        let held = self.sessions.values().find(|k| hold.names(k));
        let Some((id, holder)) = held.map(|k| (k.id.clone(), k.hold.clone())) else {
            return self.leave_queue(now, hold, client);
        };
        if let Some(holder) = holder.filter(|h| h.client != client) {
            return Err(Refusal::HeldByAnother {
                hold: hold.clone(),
                by: holder.client,
            });
        }
        self.end_hold(&id, now);
        let managed = self.session_mut(&id).ok_or_else(|| not_held(hold))?;
        managed.released = Some(now);
        let what = EventKind::Released {
            client: client.into(),
        };
        Ok(Event::about(now, &managed.slot, &id, what))
    }

    /// Ends what nobody gives a sign of any more: holds of pools that bound how long a client may
    /// be silent, and places in the queue.
    pub fn end_lapsed(&mut self, now: Timestamp, policy: &Policy) -> Vec<Event> {
        self.forget_old_keys(now);
        let mut events = Vec::new();
        let lapsed = self.queue.values().filter(|w| !w.waits(now));
        for id in lapsed.map(|w| w.hold.id).collect::<Vec<_>>() {
            self.dequeue(id);
        }
        let lapsed = |k: &&ManagedSession| {
            let pool = policy.pools.iter().find(|p| p.name == k.slot.pool);
            let timeout = pool.and_then(|p| p.hold_timeout);
            k.hold_lapses(timeout).is_some_and(|at| at <= now)
        };
        let lapsed = self.sessions.values().filter(lapsed);
        for id in lapsed.map(|k| k.id.clone()).collect::<Vec<_>>() {
            let sign = self.sessions.get(&id).and_then(ManagedSession::last_sign);
            let since = sign.unwrap_or(now);
            let Some(hold) = self.end_hold(&id, now) else {
                continue;
            };
            let Some(managed) = self.session_mut(&id) else {
                continue;
            };
            managed.released = Some(since);
            let client = hold.client;
            let what = EventKind::HoldLapsed { client, since };
            events.push(Event::about(now, &managed.slot, &id, what));
        }
        events
    }

    fn leave_queue(
        &mut self,
        now: Timestamp,
        hold: &HoldRef,
        client: &str,
    ) -> Result<Event, Refusal> {
        let waiter = self.queue.values().find(|waiter| match hold {
            HoldRef::Hold(id) => waiter.hold.id == *id,
            HoldRef::Session(id) => waiter.hold.former.contains(id),
        });
        let waiter = waiter.cloned().ok_or_else(|| match hold {
            HoldRef::Session(id) if !self.sessions.contains_key(id) => {
                Refusal::NoSession { id: id.clone() }
            }
            hold => not_held(hold),
        })?;
        if waiter.hold.client != client {
            return Err(Refusal::HeldByAnother {
                hold: hold.clone(),
                by: waiter.hold.client,
            });
        }
        self.dequeue(waiter.hold.id);
        let (client, pool) = (waiter.hold.client, waiter.pool);
        Ok(Event {
            at: now,
            slot: None,
            session: None,
            what: EventKind::LeftQueue { client, pool },
        })
    }
}

fn not_held(hold: &HoldRef) -> Refusal {
    Refusal::NotHeld { hold: hold.clone() }
}
