//! Coverage: how often each reason and each fault occurred in a run of many scenarios.

use std::collections::BTreeMap;

use crate::keeper::{Event, EventKind, Plan, Reason};

/// Names every reason, in a list and in a match that the compiler keeps complete.
macro_rules! reasons {
    ($($name:ident),* $(,)?) => {
        /// Every reason there is.
        pub(super) const REASONS: &[&str] = &[$(stringify!($name)),*];

        fn name(reason: &Reason) -> &'static str {
            match reason {
                $(Reason::$name { .. } => stringify!($name)),*
            }
        }
    };
}

reasons![
    Wanted,
    Demand,
    Requested,
    CreateUnanswered,
    Successor,
    LeaseHalfSpent,
    LeaseShortened,
    NotDue,
    Booting,
    RunsOut,
    Idle,
    ScheduleClosed,
    Budget,
    OverBudget,
    PoolRemoved,
    BeyondMax,
    Surplus,
    MaxLifetime,
    RolledOver,
    BootTimeout,
    Duplicate,
    ParkedByPerson,
    Backoff,
    Stopping,
    Exit,
    ServiceUnreachable,
    NotNeeded,
    RegionNotListed,
];

/// How often things occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    pub(super) reasons: BTreeMap<&'static str, u64>,
    pub(super) faults: BTreeMap<String, u64>,
}

impl Coverage {
    pub(super) fn count_event(&mut self, event: &Event) {
        if let EventKind::Creating { why, .. }
        | EventKind::Extending { why, .. }
        | EventKind::Stopping { why }
        | EventKind::Parked { why } = &event.what
        {
            *self.reasons.entry(name(why)).or_default() += 1;
        }
    }

    pub(super) fn count_plan(&mut self, plan: &Plan) {
        for slot in &plan.slots {
            *self.reasons.entry(name(&slot.why)).or_default() += 1;
        }
    }

    pub(super) fn count_fault(&mut self, fault: String) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (reason, n) in &other.reasons {
            *self.reasons.entry(reason).or_default() += n;
        }
        for (fault, n) in &other.faults {
            *self.faults.entry(fault.clone()).or_default() += n;
        }
    }

    /// The reasons that were never given.
    pub(super) fn never(&self) -> Vec<&'static str> {
        REASONS
            .iter()
            .filter(|r| !self.reasons.contains_key(*r))
            .copied()
            .collect()
    }
}
