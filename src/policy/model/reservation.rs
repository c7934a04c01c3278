//! A time for which somebody has reserved a session.

use crate::units::Timestamp;

/// A time for which somebody has reserved a session of a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reservation {
    /// When a session is to be Ready.
    pub from: Timestamp,
    /// When it is not needed any more; never before `from`.
    pub to: Timestamp,
    /// What the calendar calls it, over all its occurrences.
    pub uid: String,
    /// What people call it.
    pub summary: String,
}
