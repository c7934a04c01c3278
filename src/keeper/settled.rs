//! The final account of a session that ended.

use crate::units::{Minutes, Price, Region, SessionId, Size, SlotId, Timestamp};

use super::lease::LeaseClock;
use super::session::Status;

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

impl Settled {
    /// Bounds on the ready time, guessed from the end where they were never known.
    pub fn ready_or_guess(&self) -> LeaseClock {
        self.ready
            .unwrap_or_else(|| LeaseClock::from_reading(self.ended, self.ended, self.minutes))
    }
}
