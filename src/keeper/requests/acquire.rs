//! Acquire: a client is given a session that nobody uses, or waits in the queue for one.
//!
//! Who asks first is served first. Nobody is told to wait for what will not come: where a rule
//! keeps the pool closed, parked or over its budget, the client is refused with that reason.

use crate::keeper::address::Address;
use crate::keeper::budget::{cannot_hold, cannot_wait};
use crate::keeper::event::{Event, EventKind};
use crate::keeper::evidence::Evidence;
use crate::keeper::hold::{Hold, HoldEnd};
use crate::keeper::hold_end::hold_end;
use crate::keeper::ids::draw_hold;
use crate::keeper::reason::Reason;
use crate::keeper::state::{KeeperState, ManagedSession, SlotState, Waiter};
use crate::policy::{Policy, Pool};
use crate::units::{HoldId, PoolName, SessionId, TeamName, Timestamp};

use super::claimant::Claimant;
use super::outlook::Outlook;
use super::target::Refusal;

/// What came of an acquire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// A Ready session, held for the client from now on.
    Ready {
        /// The hold.
        hold: HoldId,
        /// The session.
        id: SessionId,
        /// Where to connect.
        address: Address,
        /// The team that the hold counts to.
        team: Option<TeamName>,
        /// Until when its lease lasts for certain. It is renewed long before.
        leased: Option<Timestamp>,
        /// When the hold ends by itself, if ever.
        ends: Option<HoldEnd>,
    },
    /// None is free. The client has a place in the queue as long as it asks again.
    Waiting {
        /// The hold that it is to have.
        hold: HoldId,
        /// The team that it counts to.
        team: Option<TeamName>,
        /// Its place, from 1.
        place: u32,
        /// What it waits for.
        outlook: Outlook,
    },
}

impl Acquired {
    /// The hold that the client has, or is to have.
    pub const fn hold(&self) -> HoldId {
        match self {
            Self::Ready { hold, .. } | Self::Waiting { hold, .. } => *hold,
        }
    }
}

impl KeeperState {
    /// Gives a client a Ready session of a pool: the one it holds already, a successor of it, or,
    /// when its turn has come, one that nobody uses. Else it waits in the queue.
    ///
    /// # Errors
    /// If the policy has no such pool or team, or a rule keeps it from giving any session.
    pub fn acquire<'a>(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        pool: &PoolName,
        claimant: impl Into<Claimant<'a>>,
    ) -> Result<(Acquired, Vec<Event>), Refusal> {
        let (rules, claimant) = (Self::pool_of(policy, pool)?, claimant.into());
        let client = claimant.client;
        if let Some(size) = claimant
            .size
            .filter(|size| !rules.sizes().any(|s| s == *size))
        {
            return Err(Refusal::no_size(rules, size));
        }
        let team = self.team_for(policy, pool, claimant)?;
        if let Some(acquired) = self.use_hold(now, policy, rules, client) {
            return Ok(acquired);
        }
        let place = self
            .queue
            .values()
            .find(|w| w.pool == *pool && w.hold.client == client)
            .cloned();
        if place.is_none() {
            self.team_may_hold_another(now, policy, team.as_ref())?;
        }
        // What is left Ready of a pool that is closed is about to be stopped.
        if let Some(why) = self.never_now(now, rules) {
            self.give_up_place(place.as_ref());
            return Err(why);
        }
        if let Some(id) = self.offered(now, policy, rules, place.as_ref(), claimant.size) {
            if let Some(why) = self.team_cannot_hold(now, policy, team.as_ref(), &id) {
                self.give_up_place(place.as_ref());
                return Err(Refusal::unavailable(pool, why));
            }
            let mut hold = self.hold_to_grant(now, pool, client, team.as_ref(), place.as_ref());
            hold.size = claimant.size.cloned();
            if let Some((acquired, held)) = self.grant(now, rules, &id, hold) {
                return Ok((acquired, vec![held]));
            }
        }
        if let Some(why) = cannot_wait(
            now,
            policy,
            self,
            team.as_ref(),
            rules,
            client,
            claimant.size,
        ) {
            self.give_up_place(place.as_ref());
            return Err(Refusal::unavailable(pool, why));
        }
        let hold = self.wait(now, pool, claimant, team.as_ref(), place.as_ref());
        let mut events = Vec::new();
        let nth = self.place(hold, pool, now);
        let outlook = self.outlook(now, policy, rules, nth, claimant.size);
        if let Outlook::Kept(why @ Reason::Budget { until: Some(_), .. }) = outlook {
            self.dequeue(hold);
            return Err(Refusal::unavailable(pool, why));
        }
        if place.is_none() {
            let (client, pool) = (client.into(), pool.clone());
            events.push(Event {
                at: now,
                slot: None,
                session: None,
                what: EventKind::Queued {
                    client,
                    pool,
                    place: nth,
                },
            });
        }
        let acquired = Acquired::Waiting {
            hold,
            team,
            place: nth,
            outlook,
        };
        Ok((acquired, events))
    }

    /// A client that holds a session asks again: it is there, and goes on to a successor that is
    /// Ready. Where nobody can connect to its session now, it keeps it and waits. `None` where it
    /// holds nothing that is to stay.
    fn use_hold(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        pool: &Pool,
        client: &str,
    ) -> Option<(Acquired, Vec<Event>)> {
        let mine = |k: &&ManagedSession| {
            k.slot.pool == pool.name && k.stop.is_none() && k.is_held_by(client)
        };
        let old = self.sessions.values().find(mine)?;
        let (held, slot) = (old.id.clone(), old.slot.clone());
        let follows = |k: &&ManagedSession| {
            k.id.drawn() > held.drawn() && k.is_available() && k.hold.is_none()
        };
        let successor = self.in_slot(&slot).find(follows);
        let team = old.hold.as_ref().and_then(|hold| hold.team.as_ref());
        let paid = |k: &&ManagedSession| cannot_hold(now, policy, self, team, k).is_none();
        let successor = successor.filter(paid).map(|k| k.id.clone());
        let managed = self.sessions.get_mut(&held)?;
        // Where it goes on, what it still does on the old session counts until the idle rule or
        // the end of its life ends that one.
        managed.note_use(pool, now, Evidence::acquired_by(client));
        let Some(successor) = successor else {
            self.changes.active.insert(held);
            return Some((given(now, pool, managed)?, Vec::new()));
        };
        if pool.idle_timeout.is_none() {
            // There is no idle rule to end what it does not go on with.
            managed.released = Some(now);
        }
        let hold = self.end_hold(&held, now)?;
        let client = hold.client.clone();
        let left = Event::about(now, &slot, &held, EventKind::Released { client });
        let hold = hold.moved_from(held.clone());
        let (acquired, granted) = self.grant(now, pool, &successor, hold)?;
        Some((acquired, vec![left, granted]))
    }

    /// A session is a client's from now on.
    fn grant(
        &mut self,
        now: Timestamp,
        pool: &Pool,
        id: &SessionId,
        mut hold: Hold,
    ) -> Option<(Acquired, Event)> {
        self.want_stock_again(&pool.name);
        let managed = self.session_mut(id)?;
        let (client, team) = (hold.client.clone(), hold.team.clone());
        managed.note_use(pool, now, Evidence::acquired_by(&client));
        hold.here = Some(now).filter(|_| hold.since != now);
        managed.hold = Some(hold);
        let held = EventKind::Held { client, team };
        let held = Event::about(now, &managed.slot, id, held);
        Some((given(now, pool, managed)?, held))
    }

    /// The hold of a client whose session is about to end, unless a rule has ended the hold too.
    fn hold_left_on_ending(
        &mut self,
        now: Timestamp,
        pool: &PoolName,
        client: &str,
    ) -> Option<Hold> {
        let mine =
            |k: &&ManagedSession| k.slot.pool == *pool && k.stop.is_some() && k.is_held_by(client);
        let id = self.sessions.values().find(mine).map(|k| k.id.clone())?;
        let over = self.sessions.get(&id)?.hold_is_over();
        let hold = self.end_hold(&id, now)?;
        (!over).then(|| hold.moved_from(id))
    }

    /// The hold of a client whose turn has come. It counts from now, unless it was on a session
    /// before.
    fn hold_to_grant(
        &mut self,
        now: Timestamp,
        pool: &PoolName,
        client: &str,
        team: Option<&TeamName>,
        place: Option<&Waiter>,
    ) -> Hold {
        let waited = place.and_then(|waiter| self.dequeue(waiter.hold.id));
        let left = waited
            .map(|waiter| waiter.hold)
            .or_else(|| self.hold_left_on_ending(now, pool, client));
        let mut hold = left.unwrap_or_else(|| self.new_hold(now, pool, client, team));
        if hold.former.is_empty() {
            hold.since = now;
        }
        hold
    }

    fn new_hold(
        &self,
        now: Timestamp,
        pool: &PoolName,
        client: &str,
        team: Option<&TeamName>,
    ) -> Hold {
        let waiting = self.queue.keys().next_back().copied();
        let held = self.sessions.values().filter_map(|k| k.hold.as_ref());
        let last = waiting.max(held.map(|h| h.id).max());
        let id = draw_hold(self.seed, pool, client, last, now);
        Hold::new(id, client.into(), team.cloned(), now)
    }

    /// A client that waits already is there again; another one takes the last place.
    fn wait(
        &mut self,
        now: Timestamp,
        pool: &PoolName,
        claimant: Claimant<'_>,
        team: Option<&TeamName>,
        place: Option<&Waiter>,
    ) -> HoldId {
        let Claimant { client, size, .. } = claimant;
        if let Some(waiter) = place {
            let id = waiter.hold.id;
            if let Some(waiter) = self.queue.get_mut(&id) {
                waiter.asked = now;
                waiter.hold.size = size.cloned();
                self.changes.asked.insert(id);
            }
            return id;
        }
        self.want_stock_again(pool);
        let hold = self.hold_left_on_ending(now, pool, client);
        let mut hold = hold.unwrap_or_else(|| self.new_hold(now, pool, client, team));
        hold.size = size.cloned();
        let id = hold.id;
        self.enqueue(Waiter {
            hold,
            pool: pool.clone(),
            asked: now,
        });
        id
    }

    /// Somebody comes to a pool whose stock nobody took: it is kept again.
    fn want_stock_again(&mut self, pool: &PoolName) {
        let not_taken = |slot: &SlotState| {
            let why = slot.parked.as_ref().and_then(|parked| parked.why.as_ref());
            matches!(why, Some(Reason::NotTaken { .. }))
        };
        let slots = self.slots.iter().filter(|(id, _)| id.pool == *pool);
        let parked = slots.filter(|(_, slot)| not_taken(slot));
        for id in parked.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.slot_mut(&id).parked = None;
        }
    }

    fn give_up_place(&mut self, place: Option<&Waiter>) {
        if let Some(waiter) = place {
            self.dequeue(waiter.hold.id);
        }
    }
}

/// What a client gets that holds a session: where to connect, or that nobody can now.
fn given(now: Timestamp, pool: &Pool, managed: &ManagedSession) -> Option<Acquired> {
    let Hold { id: hold, team, .. } = managed.hold.clone()?;
    let address = managed.address.clone().filter(|_| managed.is_available());
    Some(match address {
        Some(address) => Acquired::Ready {
            hold,
            id: managed.id.clone(),
            address,
            team,
            leased: managed.clock.map(|c| c.earliest_expiry(managed.granted)),
            ends: hold_end(now, pool, managed),
        },
        None => Acquired::Waiting {
            hold,
            team,
            place: 1,
            outlook: Outlook::OutOfReach,
        },
    })
}
