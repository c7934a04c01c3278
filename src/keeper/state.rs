//! Memory: what the keeper knows from pass to pass.
//!
//! It is changed in three ways only: an observation is absorbed (`absorb`), an action begins or
//! ends (`record`), or a person or client asks for something (`ask`). Each change marks what the
//! ledger must write, so memory and ledger cannot drift apart. Reads no clock.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::units::{
    Minutes, Owner, Price, Region, SessionId, SessionName, Size, SlotId, Span, Timestamp,
};

use super::lease::LeaseClock;
use super::mutation::{self, Mutation};
use super::reason::Reason;
use super::session::{Session, Status};
use super::spend::Spent;

/// Everything the keeper remembers.
#[derive(Clone, Debug)]
pub struct KeeperState {
    /// Whose sessions these are.
    pub owner: Owner,
    /// Seed of the id streams; drawn once when the ledger is made.
    pub seed: u64,
    /// Sessions of ours that are live, or may be.
    pub sessions: BTreeMap<SessionId, ManagedSession>,
    /// What is remembered of slots, whether filled or not.
    pub slots: BTreeMap<SlotId, SlotState>,
    /// Ids of sessions that ended lately, so that a list that lags does not bring them back.
    pub ended: BTreeMap<SessionId, Timestamp>,
    /// What ended sessions cost.
    pub spent: Spent,
    /// Live sessions of the account that are not ours, as last listed.
    pub unmanaged: BTreeMap<SessionId, Session>,
    /// When the service last answered a list, and until when nothing has been heard since.
    pub listed_at: Option<Timestamp>,
    /// Whether the newest list was answered, by one region at least.
    pub fresh: bool,
    /// The regions that have answered a list since the start.
    pub listed_regions: BTreeSet<Region>,
    /// The regions that did not answer the newest list.
    pub unreachable_regions: BTreeSet<Region>,
    pub(super) changes: Unwritten,
    pub(super) reported: Reported,
}

/// What has been told already, and need not be told again.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    pub(super) parked: BTreeMap<SlotId, std::mem::Discriminant<Reason>>,
    pub(super) alerts: BTreeSet<(String, Timestamp, Decimal)>,
}

/// What the ledger has not written yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten {
    pub(super) sessions: BTreeSet<SessionId>,
    /// Sessions of which only the last activity is different; the next write takes them along.
    pub(super) active: BTreeSet<SessionId>,
    pub(super) slots: BTreeSet<SlotId>,
    pub(super) settled: Vec<Settled>,
    pub(super) dropped: BTreeSet<SessionId>,
    /// A session that nobody used is used now, so a pool may want another spare.
    pub(super) taken: bool,
}

/// What the ledger must write, in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Live sessions that are new or different.
    pub sessions: Vec<ManagedSession>,
    /// Slots that are different.
    pub slots: Vec<(SlotId, SlotState)>,
    /// Sessions that ended, with their final account. They are live no more.
    pub settled: Vec<Settled>,
    /// Sessions that were asked for and never came to be. They are live no more, and cost nothing.
    pub dropped: Vec<SessionId>,
}

impl Changes {
    /// True where there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.slots.is_empty()
            && self.settled.is_empty()
            && self.dropped.is_empty()
    }

    /// Adds what has changed since.
    pub fn then(&mut self, newer: Self) {
        self.sessions
            .retain(|old| !newer.sessions.iter().any(|new| new.id == old.id));
        self.slots
            .retain(|(old, _)| !newer.slots.iter().any(|(new, _)| new == old));
        self.sessions.extend(newer.sessions);
        self.slots.extend(newer.slots);
        self.settled.extend(newer.settled);
        self.dropped.extend(newer.dropped);
    }
}

/// One session of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedSession {
    /// Its id.
    pub id: SessionId,
    /// The slot it fills, told by its id.
    pub slot: SlotId,
    /// Where it was asked for or seen, where the policy names more than one region.
    pub region: Option<Region>,
    /// The kind of server.
    pub size: Size,
    /// Where it is in its life, as the newest answer told.
    pub status: Status,
    /// Whether the service has ever told of it. Until then it is an intent, and its create may be
    /// repeated.
    pub seen: bool,
    /// For an intent: when the service last said that it knows no such session, since the create
    /// was last sent.
    pub absent: Option<Timestamp>,
    /// Whether the alarm of an unrenewed lease has been raised.
    pub alarmed: bool,
    /// The lease that the service has confirmed.
    pub granted: Minutes,
    /// The largest lease that may be in force: granted, or asked for and not yet refused. Budgets
    /// reckon with this.
    pub reserved: Minutes,
    /// Whole minutes in Ready, as the newest answer told.
    pub elapsed: Minutes,
    /// When it was asked for, or first seen where somebody else's memory asked for it.
    pub created: Timestamp,
    /// Between which instants it became Ready; `None` until known.
    pub clock: Option<LeaseClock>,
    /// The latest instant at which an answer said that it was still Starting.
    pub starting_at: Option<Timestamp>,
    /// When the newest answer about it alone was asked for; a list counts less.
    pub last_read: Option<Timestamp>,
    /// Who holds it.
    pub hold: Option<Hold>,
    /// The last activity of a client.
    pub active: Option<Timestamp>,
    /// When a client last gave it back; what was active before is over then.
    pub released: Option<Timestamp>,
    /// A stop that was asked for and has not ended it yet.
    pub stop: Option<StopAsked>,
    /// What failed lately about it: how often in a row, and when to try again.
    pub retry: Retry,
    /// Where a client connects.
    pub address: Option<Address>,
}

/// A client's claim on a Ready session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The client's own name for itself.
    pub client: String,
    /// Since when.
    pub since: Timestamp,
}

/// A stop that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopAsked {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// Failures in a row, and when to try again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// How often in a row.
    pub failures: u32,
    /// Not before this instant.
    pub not_before: Option<Timestamp>,
}

impl Retry {
    /// Whether a try is allowed at an instant.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// One more failure at `now`: the next try waits twice as long as the one before, from `first`
    /// to `most`.
    pub fn failed(&mut self, now: Timestamp, first: Span, most: Span) {
        let doubled = first.times(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + doubled.min(most));
    }
}

/// Where a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Host name.
    pub hostname: String,
    /// Port of the handshake.
    pub handshake_port: Option<u16>,
    /// Port of the inspector.
    pub inspector_port: Option<u16>,
}

/// What is remembered of a slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotState {
    /// Why it is kept empty, where a rule or a person said so.
    pub parked: Option<Parked>,
    /// Who last asked for it, where nobody has ended its session since.
    pub wish: Option<Wish>,
    /// Failed creates in a row.
    pub retry: Retry,
    /// What the last failure said.
    pub last_failure: Option<String>,
    /// How many ids have been drawn from the slot's stream.
    pub drawn: u64,
}

/// A wish for a slot's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Whose.
    pub by: WishedBy,
    /// When it was last repeated.
    pub at: Timestamp,
}

/// Who asked for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WishedBy {
    /// A client, which asks again and again until it gets a session: its wish lapses when it does
    /// not.
    Client,
    /// A person, who asks once.
    Person,
}

/// How long a client's wish lasts that is not repeated.
const WISH_LASTS: Span = Span::minutes(10);

impl Wish {
    /// When it lapses; `None` for never.
    pub fn lapses(&self) -> Option<Timestamp> {
        (self.by == WishedBy::Client).then(|| self.at + WISH_LASTS)
    }

    /// Whether it is to be heeded.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.lapses().is_none_or(|at| now < at)
    }
}

/// Why a slot is kept empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Whose doing.
    pub by: ParkedBy,
    /// Since when.
    pub since: Timestamp,
}

/// Who parked a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkedBy {
    /// The idle rule: until a client asks, the schedule opens again, or a person wakes it.
    Idle,
    /// A person: until a person wakes it.
    Person,
}

/// The final account of a session that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Its id.
    pub id: SessionId,
    /// The slot it filled.
    pub slot: SlotId,
    /// Where it was, where the policy names more than one region.
    pub region: Option<Region>,
    /// The kind of server.
    pub size: Size,
    /// How it ended.
    pub status: Status,
    /// Between which instants it became Ready; `None` where it never was.
    pub ready: Option<LeaseClock>,
    /// Whole minutes billed.
    pub minutes: Minutes,
    /// Whether the service itself said so, or the latest possible expiry had to be taken.
    pub certain: bool,
    /// The price of an hour that applied.
    pub price: Price,
    /// When the end became known.
    pub ended: Timestamp,
    /// Why it was stopped, where we asked for it; else the service's error.
    pub why: Option<String>,
}

impl ManagedSession {
    /// A session about to be asked for.
    pub(super) fn intended(
        id: SessionId,
        slot: SlotId,
        region: Option<Region>,
        size: Size,
        lease: Minutes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            slot,
            region,
            size,
            status: Status::Starting,
            seen: false,
            absent: None,
            alarmed: false,
            granted: Minutes::ZERO,
            reserved: lease,
            elapsed: Minutes::ZERO,
            created: now,
            clock: None,
            starting_at: Some(now),
            last_read: None,
            hold: None,
            active: None,
            released: None,
            stop: None,
            retry: Retry::default(),
            address: None,
        }
    }

    /// Whether a client can connect to it.
    pub fn is_ready(&self) -> bool {
        self.status.rank() == Status::Ready.rank()
    }

    /// Whether a client uses it: it is held, or was active within `idle_timeout` and not given back
    /// since.
    pub fn in_use(&self, now: Timestamp, idle_timeout: Option<Span>) -> bool {
        let active = self
            .active
            .filter(|at| self.released.is_none_or(|released| released < *at));
        self.hold.is_some()
            || idle_timeout
                .zip(active)
                .is_some_and(|(timeout, at)| now < at + timeout)
    }
}

impl KeeperState {
    /// An empty memory for an owner, with the seed of its id streams.
    pub fn new(owner: Owner, seed: u64) -> Self {
        Self {
            owner,
            seed,
            sessions: BTreeMap::new(),
            slots: BTreeMap::new(),
            ended: BTreeMap::new(),
            spent: Spent::default(),
            unmanaged: BTreeMap::new(),
            listed_at: None,
            fresh: false,
            listed_regions: BTreeSet::new(),
            unreachable_regions: BTreeSet::new(),
            changes: Unwritten::default(),
            reported: Reported::default(),
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
            ..
        } = &self.changes;
        !(sessions.is_empty() && slots.is_empty() && settled.is_empty() && dropped.is_empty())
    }

    /// What has changed since the last call, for the ledger to write.
    pub fn take_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changes);
        let sessions = changed.sessions.union(&changed.active);
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
        }
    }

    /// The sessions that fill a slot, smallest id first.
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

    /// The slot that an id of ours names; `None` for every other id.
    pub fn slot_of(&self, id: &SessionId) -> Option<SlotId> {
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
            managed.clock = None;
            managed.starting_at = None;
            managed.last_read = None;
            managed.created += step;
            moved(&mut managed.active);
            moved(&mut managed.released);
            moved(&mut managed.retry.not_before);
            if let Some(hold) = &mut managed.hold {
                hold.since += step;
            }
            if let Some(stop) = &mut managed.stop {
                stop.since += step;
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
        for at in self.ended.values_mut() {
            *at += step;
        }
    }

    pub(super) fn slot_mut(&mut self, slot: &SlotId) -> &mut SlotState {
        self.changes.slots.insert(slot.clone());
        self.slots.entry(slot.clone()).or_default()
    }

    pub(super) fn session_mut(&mut self, id: &SessionId) -> Option<&mut ManagedSession> {
        let managed = self.sessions.get_mut(id)?;
        self.changes.sessions.insert(id.clone());
        Some(managed)
    }
}
