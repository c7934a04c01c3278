//! Schedules: when a pool is open, in its own time zone.

use crate::units::Timestamp;

use super::Edge;

/// When a pool is open. The empty schedule is always open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {}

impl Schedule {
    /// A schedule that is always open.
    pub fn always() -> Self {
        Self::default()
    }
    /// Whether it is open at an instant.
    pub fn is_open(&self, _at: Timestamp) -> bool {
        true
    }
    /// The first opening or closing strictly after an instant; `None` for a schedule that never changes.
    pub fn next_edge(&self, _after: Timestamp) -> Option<Edge> {
        None
    }
    /// The latest opening at or before an instant, not looking further back than eight days.
    pub fn last_opening(&self, _at: Timestamp) -> Option<Timestamp> {
        None
    }
}
