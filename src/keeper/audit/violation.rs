//! What an action would break.

use std::fmt;

use crate::units::SessionId;

/// A promise that an action would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The session of the offending action.
    pub session: SessionId,
    /// What would be broken.
    pub broken: BrokenRule,
}

/// What an action would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// Promise 1: the slot has a live session already, and it is no rollover.
    SecondSession,
    /// Promise 2: the whole policy's budget for the present day or month would be passed.
    Budget,
    /// Promise 3: the session would outlive its lease by more than a minute, or its cap.
    LeaseTooLong,
    /// The service would refuse a lease that is not larger.
    LeaseNotLarger,
    /// Promise 5: the id does not carry our prefix, or names another slot.
    NotOurs,
    /// Nothing may be created while the service, or the region to be asked, does not answer a list.
    ServiceUnreachable,
    /// Promise 9: what could still be billed would pass an exposure cap.
    Exposure,
    /// The action is about a session that is not there.
    NoSuchSession,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.broken {
            BrokenRule::SecondSession => "its slot has a live session already",
            BrokenRule::Budget => "a budget would be passed",
            BrokenRule::Exposure => "an exposure cap would be passed",
            BrokenRule::LeaseTooLong => "its lease would reach too far",
            BrokenRule::LeaseNotLarger => "the lease asked for is no longer than the present one",
            BrokenRule::NotOurs => "its id does not carry our prefix and slot",
            BrokenRule::ServiceUnreachable => "the service has not been listed",
            BrokenRule::NoSuchSession => "no such session is known",
        };
        write!(f, "{}: {what}", self.session)
    }
}
