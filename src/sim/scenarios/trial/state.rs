//! What a trial has in hand: its world, its checks, and the faults that are in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use crate::daemon::Shared;
use crate::keeper::ReasonKind;
use crate::sim::scenarios::coverage::Coverage;
use crate::sim::scenarios::policy::ScenarioPolicy;
use crate::sim::scenarios::promises::Promises;
use crate::sim::scenarios::scenario::Scenario;
use crate::sim::world::World;
use crate::units::{SessionId, Span, Timestamp};

/// Something that a fault brings about later.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delayed {
    /// The disk has room again.
    RoomOnDisk,
    /// The second daemon is killed.
    SecondDaemonEnds(usize),
}

/// One scenario under way.
pub(super) struct Trial<'a, F> {
    pub(super) report: F,
    pub(super) scenario: &'a Scenario,
    pub(super) world: World,
    pub(super) policy: ScenarioPolicy,
    pub(super) promises: Promises,
    pub(super) coverage: Coverage,
    pub(super) rng: Rng,
    pub(super) delayed: Vec<Delayed>,
    /// Until when a fault is in force.
    pub(super) faults_until: Timestamp,
    /// Whether anything was wrong at the last event.
    pub(super) wrong: bool,
    pub(super) disk_full: bool,
    pub(super) second: Option<usize>,
    pub(super) restart_after: Option<Span>,
    pub(super) stays_down: bool,
    pub(super) stop_reasons: BTreeMap<SessionId, ReasonKind>,
    pub(super) counted_plan: Option<Timestamp>,
}

impl<F: FnMut(&str)> Trial<'_, F> {
    pub(super) fn fault_until(&mut self, until: Timestamp) {
        self.faults_until = self.faults_until.max(until);
    }

    pub(super) fn shared(&self) -> Option<Arc<Shared>> {
        self.world.daemons[0].shared().cloned()
    }

    pub(super) fn remind(&mut self, at: Timestamp, later: Delayed) {
        self.world
            .remind(at, self.scenario.events.len() + self.delayed.len());
        self.delayed.push(later);
    }
}
