//! How many sessions a pool keeps, allows and stocks, and when.

use crate::policy::Schedule;

/// How many sessions a pool keeps, allows and stocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Slots kept filled.
    pub min: u32,
    /// The most sessions.
    pub max: u32,
    /// Sessions kept Ready and unused.
    pub spare: u32,
}

impl Counts {
    /// The same with so many reservations in force.
    pub(in crate::policy) fn with_reserved(self, reserved: u32) -> Self {
        let min = self.min.saturating_add(reserved);
        Self {
            min: min.min(self.max),
            ..self
        }
    }
}

/// A time with counts of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolWindow {
    /// When it is.
    pub when: Schedule,
    /// The counts that are in force then.
    pub counts: Counts,
}
