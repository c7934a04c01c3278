//! What is asked of a reload, and what it answers: a policy beside the one in force.
//!
//! Data only. May know the keeper and the policy.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::keeper::{HeldStop, KeeperState};
use crate::policy::{Policy, SettingChange};
use crate::units::Timestamp;

use super::policy_file::PolicyError;

/// A request to read the policy again.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Whether sessions that clients hold may be stopped.
    pub accept: bool,
    /// Who waits for what becomes of it.
    pub reply: oneshot::Sender<Result<Box<Review>, Box<Refused>>>,
}

/// A policy beside the one in force: what it says otherwise, and the keeper's state as it is under
/// it.
#[derive(Debug)]
pub struct Review {
    /// The instant it was looked at.
    pub now: Timestamp,
    /// What it says otherwise.
    pub changes: Vec<SettingChange>,
    /// The sessions that clients hold and that the change stops.
    pub held_stops: Vec<HeldStop>,
    /// The policy.
    pub policy: Arc<Policy>,
    /// What the keeper knows, under that policy.
    pub keeper: KeeperState,
}

/// A policy that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// Why not.
    pub error: PolicyError,
    /// What it would change, where that can be told.
    pub review: Option<Box<Review>>,
}

impl<E: Into<PolicyError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            review: None,
        }
    }
}
