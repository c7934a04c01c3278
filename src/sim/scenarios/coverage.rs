//! Coverage: how often each reason and each fault occurred in a run of many scenarios.

use std::collections::BTreeMap;

use strum::IntoEnumIterator;

use crate::keeper::{Event, EventKind, Plan, ReasonKind};

/// How often things occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    pub(super) reasons: BTreeMap<ReasonKind, u64>,
    pub(super) faults: BTreeMap<String, u64>,
}

impl Coverage {
    pub(super) fn count_event(&mut self, event: &Event) {
        if let EventKind::Creating { why, .. }
        | EventKind::Extending { why, .. }
        | EventKind::Stopping { why }
        | EventKind::Parked { why } = &event.what
        {
            *self.reasons.entry(why.kind()).or_default() += 1;
        }
    }

    pub(super) fn count_plan(&mut self, plan: &Plan) {
        for slot in &plan.slots {
            *self.reasons.entry(slot.why.kind()).or_default() += 1;
        }
    }

    pub(super) fn count_fault(&mut self, fault: String) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (reason, n) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += n;
        }
        for (fault, n) in &other.faults {
            *self.faults.entry(fault.clone()).or_default() += n;
        }
    }

    /// The reasons that were never given.
    pub(super) fn never(&self) -> Vec<ReasonKind> {
        ReasonKind::iter()
            .filter(|kind| !self.reasons.contains_key(kind))
            .collect()
    }
}
