//! What the keeper knows from pass to pass.
//!
//! It is changed in three ways only: an observation is applied (`observe`), an action begins or
//! ends (`outcome`), or a person or client asks for something (`requests`). Each change marks what
//! the ledger must write, so state and ledger cannot drift apart. Reads no clock.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::Limits;
use crate::units::{
    HoldId, HoldKey, Owner, PoolName, Region, SessionId, SessionName, SlotId, Span, Timestamp,
};

use super::boots::Boots;
use super::hold::Hold;
use super::mutation::{self, Mutation};
use super::session::Session;
use super::spend::Spent;

mod alert;
mod asking;
mod changes;
mod key_use;
mod managed;
mod queue;
mod report;
mod slot;

pub use alert::ToldAlert;
pub(in crate::keeper) use asking::{REPEATED, WAIT_LASTS};
pub use changes::Changes;
pub(in crate::keeper) use changes::Unwritten;
pub use key_use::KeyUse;
pub use managed::{ManagedSession, Retry, StopAsked, UnknownSource};
pub use queue::Waiter;
pub use report::{SourceReport, Usage};
pub use slot::{Parked, ParkedBy, SlotState, Wish, WishedBy};

/// Everything the keeper remembers.
#[derive(Clone, Debug)]
pub struct KeeperState {
    /// Whose sessions these are.
    pub owner: Owner,
    /// Seed of the id streams; drawn once when the ledger is made.
    pub seed: u64,
    /// What the session service allows.
    pub limits: Limits,
    /// Whether somebody runs the hooks of pools. Where nobody does, no stop waits for one.
    pub runs_hooks: bool,
    /// Sessions of ours that are live, or may be.
    pub sessions: BTreeMap<SessionId, ManagedSession>,
    /// What is remembered of slots, whether filled or not.
    pub slots: BTreeMap<SlotId, SlotState>,
    /// Clients that wait for a session, first come first.
    pub queue: BTreeMap<HoldId, Waiter>,
    /// What clients' own keys for requests stand for.
    pub keys: BTreeMap<HoldKey, KeyUse>,
    /// Ids of sessions that ended lately, so that a list that lags does not bring them back.
    pub ended: BTreeMap<SessionId, Timestamp>,
    /// What ended sessions cost.
    pub spent: Spent,
    /// How long servers took to boot lately.
    pub boots: Boots,
    /// Live sessions of the account that are not ours, as last listed.
    pub unmanaged: BTreeMap<SessionId, Session>,
    /// When the service last answered a list.
    pub listed_at: Option<Timestamp>,
    /// Whether the newest list was answered, by one region at least.
    pub fresh: bool,
    /// What the service, or the way to it, said where the newest list was not answered.
    pub unlisted: Option<String>,
    /// The regions that have answered a list since the start.
    pub listed_regions: BTreeSet<Region>,
    /// The regions that did not answer the newest list.
    pub unreachable_regions: BTreeSet<Region>,
    /// The pools whose former names ids may still carry.
    pub(super) renamed: BTreeMap<PoolName, PoolName>,
    pub(super) changes: Unwritten,
    /// The alerts of the present periods that were told, and need not be again.
    pub alerts: BTreeSet<ToldAlert>,
}

impl KeeperState {
    /// An empty state for an owner, with the seed of its id streams and what the session service
    /// allows.
    pub fn new(owner: Owner, seed: u64, limits: Limits) -> Self {
        Self {
            owner,
            seed,
            limits,
            runs_hooks: false,
            sessions: BTreeMap::new(),
            slots: BTreeMap::new(),
            queue: BTreeMap::new(),
            keys: BTreeMap::new(),
            ended: BTreeMap::new(),
            spent: Spent::default(),
            boots: Boots::default(),
            unmanaged: BTreeMap::new(),
            listed_at: None,
            fresh: false,
            unlisted: None,
            listed_regions: BTreeSet::new(),
            unreachable_regions: BTreeSet::new(),
            renamed: BTreeMap::new(),
            changes: Unwritten::default(),
            alerts: BTreeSet::new(),
        }
    }

    /// Whether anything has changed that a pass may act on. A heartbeat of a session in use only
    /// puts off what is due.
    pub fn wants_pass(&self) -> bool {
        self.changes.taken || !self.changes.slots.is_empty()
    }

    /// Whether something has changed that the ledger must know before anybody relies on it.
    /// Activity can wait for the next pass: a daemon that is killed before stops a session too
    /// early by no more than the time between two passes.
    pub fn must_be_written(&self) -> bool {
        let Unwritten {
            sessions,
            slots,
            settled,
            dropped,
            queue,
            keys,
            renamed,
            alerts,
            ..
        } = &self.changes;
        !(renamed.is_empty()
            && !alerts
            && sessions.is_empty()
            && slots.is_empty()
            && settled.is_empty()
            && dropped.is_empty()
            && queue.is_empty()
            && keys.is_empty())
    }

    /// What has changed since the last call, for the ledger to write.
    pub fn take_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changes);
        let sessions = changed.sessions.union(&changed.active);
        let left = changed.queue.iter().copied();
        let left = left.filter(|id| !self.queue.contains_key(id)).collect();
        let waiting = changed.queue.union(&changed.asked);
        Changes {
            sessions: sessions
                .filter_map(|id| self.sessions.get(id))
                .cloned()
                .collect(),
            slots: changed
                .slots
                .into_iter()
                .map(|id| {
                    let slot = self.slots.get(&id).cloned().unwrap_or_default();
                    (id, slot)
                })
                .collect(),
            settled: changed.settled,
            dropped: changed.dropped.into_iter().collect(),
            uses: changed
                .uses
                .into_iter()
                .filter_map(|(id, n)| {
                    let used = self.sessions.get(&id)?.uses.get(n)?.clone();
                    Some((id, n, used))
                })
                .collect(),
            renamed: changed.renamed,
            alerts: changed
                .alerts
                .then(|| self.alerts.iter().cloned().collect()),
            waiting: waiting
                .filter_map(|id| self.queue.get(id))
                .cloned()
                .collect(),
            left,
            keys: changed
                .keys
                .into_iter()
                .map(|key| {
                    let used = self.keys.get(&key).cloned();
                    (key, used)
                })
                .collect(),
        }
    }

    /// The sessions that fill a slot.
    pub fn in_slot<'a>(&'a self, slot: &'a SlotId) -> impl Iterator<Item = &'a ManagedSession> {
        self.sessions.values().filter(move |k| k.slot == *slot)
    }

    /// Where a session is; `None` where the policy has one place only, or it is not known.
    pub fn region_of(&self, id: &SessionId) -> Option<Region> {
        self.sessions.get(id).and_then(|k| k.region.clone())
    }

    /// Whether the service, where it has a session, answered the newest list.
    pub(super) fn can_reach(&self, managed: &ManagedSession) -> bool {
        self.fresh
            && managed
                .region
                .as_ref()
                .is_none_or(|r| !self.unreachable_regions.contains(r))
    }

    /// The slot that an id of ours names, by the present name of its pool; `None` for every other
    /// id.
    pub fn slot_of(&self, id: &SessionId) -> Option<SlotId> {
        let mut slot = self.drawn_for(id)?;
        if let Some(present) = self.renamed.get(&slot.pool) {
            slot.pool = present.clone();
        }
        Some(slot)
    }

    fn drawn_for(&self, id: &SessionId) -> Option<SlotId> {
        if mutation::on(Mutation::OwnEverything) {
            let owner = id
                .as_str()
                .split('-')
                .next()
                .and_then(|o| Owner::new(o).ok());
            return SessionName::parse(&owner?, id).map(|name| name.slot);
        }
        SessionName::parse(&self.owner, id).map(|name| name.slot)
    }

    /// The line of time was moved by `step`: bounds are thrown away, and remembered instants move
    /// with the line.
    pub fn clock_stepped(&mut self, step: Span) {
        let moved = |at: &mut Option<Timestamp>| *at = at.map(|t| t + step);
        for managed in self.sessions.values_mut() {
            managed.ready_by = managed.known_ready_by().map(|at| at + step);
            managed.clock = None;
            managed.starting_at = None;
            managed.last_read = None;
            managed.created += step;
            moved(&mut managed.active);
            moved(&mut managed.released);
            for unknown in managed.unknown.values_mut() {
                unknown.since += step;
                moved(&mut unknown.until);
            }
            for report in managed.reports.values_mut() {
                report.move_by(step);
            }
            moved(&mut managed.retry.not_before);
            if let Some(hold) = &mut managed.hold {
                hold.clock_stepped(step);
            }
            for (n, used) in managed.uses.iter_mut().enumerate() {
                used.clock_stepped(step);
                self.changes.uses.insert((managed.id.clone(), n));
            }
            if let Some(stop) = &mut managed.stop {
                stop.since += step;
                stop.after = stop.after.map(|at| at + step);
            }
            self.changes.sessions.insert(managed.id.clone());
        }
        for (id, slot) in &mut self.slots {
            moved(&mut slot.retry.not_before);
            if let Some(wish) = &mut slot.wish {
                wish.at += step;
            }
            if let Some(parked) = &mut slot.parked {
                parked.since += step;
            }
            self.changes.slots.insert(id.clone());
        }
        for waiter in self.queue.values_mut() {
            waiter.asked += step;
            waiter.hold.clock_stepped(step);
            self.changes.queue.insert(waiter.hold.id);
        }
        for (key, used) in &mut self.keys {
            used.at += step;
            self.changes.keys.insert(key.clone());
        }
        for at in self.ended.values_mut() {
            *at += step;
        }
    }

    pub(super) fn slot_mut(&mut self, slot: &SlotId) -> &mut SlotState {
        self.changes.slots.insert(slot.clone());
        self.slots.entry(slot.clone()).or_default()
    }

    /// Takes a session from whoever holds it.
    pub(super) fn end_hold(&mut self, id: &SessionId, at: Timestamp) -> Option<Hold> {
        let managed = self.session_mut(id)?;
        let before = managed.uses.len();
        let hold = managed.end_hold(at);
        if managed.uses.len() > before {
            self.changes.uses.insert((id.clone(), before));
        }
        hold
    }

    pub(super) fn session_mut(&mut self, id: &SessionId) -> Option<&mut ManagedSession> {
        let managed = self.sessions.get_mut(id)?;
        self.changes.sessions.insert(id.clone());
        Some(managed)
    }
}
