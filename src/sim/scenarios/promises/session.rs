//! One session of ours, as the service's registry knows it, and what sessions cost.

use std::collections::BTreeMap;

use crate::keeper::{Period, Status};
use crate::sim::scenarios::policy::ScenarioPolicy;
use crate::units::{PoolName, SessionId, SessionName, Size, SlotId, Timestamp};

use super::bounds::price;

/// The slot of a session of ours, by the first name of its pool.
pub(super) fn own_slot(id: &SessionId) -> Option<SlotId> {
    let name = SessionName::parse(&"st".parse().expect("an owner"), id)?;
    let pool = ScenarioPolicy::first_name(&name.slot.pool);
    Some(SlotId { pool, ..name.slot })
}

/// One session of ours, as the registry knows it.
#[derive(Clone, Debug)]
pub(super) struct OwnSession {
    pub(super) id: SessionId,
    pub(super) slot: SlotId,
    pub(super) size: Size,
    pub(super) created: Timestamp,
    pub(super) ready: Option<Timestamp>,
    pub(super) status: Status,
    /// When it ends if nobody does anything any more, without what outsiders added to its lease.
    pub(super) end: Timestamp,
    /// Whether a daemon asked for it, and it began when it was asked for.
    pub(super) regular: bool,
}

impl OwnSession {
    /// What it costs in a period, in price-minutes.
    pub(super) fn cost(&self, period: Period) -> i64 {
        let Some(ready) = self.ready else { return 0 };
        i64::from(
            period
                .overlap(ready, self.end.max(ready))
                .floor_minutes()
                .get(),
        ) * price(&self.size)
    }
}

/// What ended sessions cost: in every day, in every month, and on the whole, by pool.
#[derive(Clone, Debug, Default)]
pub(super) struct PastCosts {
    pub(super) days: BTreeMap<(usize, PoolName), i64>,
    pub(super) months: BTreeMap<(usize, PoolName), i64>,
    pub(super) whole: BTreeMap<PoolName, i64>,
}
