//! What has changed and the ledger has not written yet, so that state and ledger cannot drift
//! apart.

use std::collections::BTreeSet;

use crate::keeper::settled::Settled;
use crate::units::{HoldId, PoolName, SessionId, SlotId};

use super::alert::ToldAlert;
use super::managed::ManagedSession;
use super::queue::Waiter;
use super::slot::SlotState;

/// What the ledger has not written yet.
#[derive(Clone, Debug, Default)]
pub(in crate::keeper) struct Unwritten {
    pub(in crate::keeper) sessions: BTreeSet<SessionId>,
    /// Sessions of which only the last activity is different; the next write takes them along.
    pub(in crate::keeper) active: BTreeSet<SessionId>,
    pub(in crate::keeper) slots: BTreeSet<SlotId>,
    pub(in crate::keeper) settled: Vec<Settled>,
    pub(in crate::keeper) dropped: BTreeSet<SessionId>,
    pub(in crate::keeper) queue: BTreeSet<HoldId>,
    /// Clients in the queue that have only asked again; the next write takes them along.
    pub(in crate::keeper) asked: BTreeSet<HoldId>,
    pub(in crate::keeper) renamed: Vec<(PoolName, PoolName)>,
    pub(in crate::keeper) alerts: bool,
    /// A session that nobody used is used now, so a pool may want another spare.
    pub(in crate::keeper) taken: bool,
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
    /// Clients that wait, or have asked again.
    pub waiting: Vec<Waiter>,
    /// Clients that wait no more.
    pub left: Vec<HoldId>,
    /// Pools that are called otherwise now, from and to: their accounts and events go along.
    pub renamed: Vec<(PoolName, PoolName)>,
    /// All alerts that were told, where there are others than before.
    pub alerts: Option<Vec<ToldAlert>>,
}

impl Changes {
    /// True where there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.slots.is_empty()
            && self.settled.is_empty()
            && self.dropped.is_empty()
            && self.waiting.is_empty()
            && self.left.is_empty()
            && self.renamed.is_empty()
            && self.alerts.is_none()
    }

    /// Adds what has changed since.
    pub fn then(&mut self, newer: Self) {
        self.sessions
            .retain(|old| !newer.sessions.iter().any(|new| new.id == old.id));
        self.slots
            .retain(|(old, _)| !newer.slots.iter().any(|(new, _)| new == old));
        // A create that was given up and took effect late all the same is live again.
        self.dropped
            .retain(|old| !newer.sessions.iter().any(|new| new.id == *old));
        self.left
            .retain(|old| !newer.waiting.iter().any(|new| new.hold.id == *old));
        self.waiting.retain(|old| {
            !newer.left.contains(&old.hold.id)
                && !newer.waiting.iter().any(|new| new.hold.id == old.hold.id)
        });
        self.waiting.extend(newer.waiting);
        self.left.extend(newer.left);
        self.renamed.extend(newer.renamed);
        self.alerts = newer.alerts.or(self.alerts.take());
        self.sessions.extend(newer.sessions);
        self.slots.extend(newer.slots);
        self.settled.extend(newer.settled);
        self.dropped.extend(newer.dropped);
    }
}
