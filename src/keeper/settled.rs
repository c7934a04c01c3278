//! The final account of a session that ended.

use crate::units::{Minutes, Price, Region, SessionId, Size, SlotId, Timestamp};

use super::hold::Use;
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
    /// Who held it when, oldest first, within the time that it was billed for.
    pub uses: Vec<Use>,
}

impl Settled {
    /// Cuts its uses to the time that it was billed for. Where its lease clock was lost, `ready_by`
    /// tells by when it was Ready.
    pub(super) fn cut_uses(&mut self, ready_by: Option<Timestamp>) {
        let guessed = || self.ready_or_guess().latest();
        let end = ready_by.unwrap_or_else(guessed) + self.minutes.span();
        for used in &mut self.uses {
            used.to = used.to.min(end);
        }
        self.uses.retain(|used| used.from < used.to);
    }

    /// Bounds on the ready time, guessed from the end where they were never known.
    pub fn ready_or_guess(&self) -> LeaseClock {
        self.ready
            .unwrap_or_else(|| LeaseClock::from_reading(self.ended, self.ended, self.minutes))
    }
}
