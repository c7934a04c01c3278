//! From a policy to the live session service: the only place that names an implementation of the
//! seam.
//!
//! It stands above `arr` and not inside `service`, because `arr` knows `service` and imports point
//! one way. A second protocol is a folder beside `arr`, a section of the policy, and a line in each
//! of the functions here.

use std::sync::Arc;

use crate::arr::{self, ArrFleet};
use crate::clock::Clock;
use crate::policy::{Limits, Policy};

pub use crate::arr::ConnectError;

/// The live session service of a policy.
pub type LiveService = ArrFleet;

/// A client for the service that a policy names.
///
/// # Errors
/// If the policy's settings cannot be used; nothing is sent yet.
pub fn connect(policy: &Policy, clock: Arc<dyn Clock>) -> Result<LiveService, ConnectError> {
    ArrFleet::connect(policy, clock)
}

/// What the service that a policy names allows.
pub const fn limits(_policy: &Policy) -> Limits {
    arr::limits::LIMITS
}
