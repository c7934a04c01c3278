//! A promise that did not hold, as a check reports it.

use crate::units::Timestamp;

/// A promise that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::scenarios) struct BrokenPromise {
    /// Its number in the design; 0 for what must never happen at all.
    pub(in crate::sim::scenarios) promise: u8,
    pub(in crate::sim::scenarios) at: Timestamp,
    pub(in crate::sim::scenarios) what: String,
}

/// A report of a promise that does not hold.
pub(in crate::sim::scenarios) fn broken(promise: u8, at: Timestamp, what: String) -> BrokenPromise {
    BrokenPromise { promise, at, what }
}
