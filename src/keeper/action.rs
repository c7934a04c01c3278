//! Actions: what a plan asks of the service. They leave nothing for the executor to choose.

use serde::{Deserialize, Serialize};

use crate::units::{Minutes, Region, SessionId, Size, SlotId};

use super::observation::Operation;
use super::reason::Reason;

/// One request to the service, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Ask for a new session, or repeat an unanswered create.
    Create {
        /// The slot it is to fill.
        slot: SlotId,
        /// Its id.
        id: SessionId,
        /// Where to ask, where the policy names more than one region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
        /// The size to ask for.
        size: Size,
        /// The lease to ask for.
        lease: Minutes,
        /// Why.
        why: Reason,
    },
    /// Set a session's total lease.
    Extend {
        /// The slot it fills.
        slot: SlotId,
        /// The session.
        id: SessionId,
        /// The total that is granted now.
        from: Minutes,
        /// The total to ask for.
        to: Minutes,
        /// Why.
        why: Reason,
    },
    /// Stop a session.
    Stop {
        /// The slot it fills.
        slot: SlotId,
        /// The session.
        id: SessionId,
        /// Why.
        why: Reason,
    },
}

impl Action {
    /// The session it is about.
    pub const fn session(&self) -> &SessionId {
        match self {
            Self::Create { id, .. } | Self::Extend { id, .. } | Self::Stop { id, .. } => id,
        }
    }

    /// The slot it is about.
    pub const fn slot(&self) -> &SlotId {
        match self {
            Self::Create { slot, .. } | Self::Extend { slot, .. } | Self::Stop { slot, .. } => slot,
        }
    }

    /// Why it is to be done.
    pub const fn why(&self) -> &Reason {
        match self {
            Self::Create { why, .. } | Self::Extend { why, .. } | Self::Stop { why, .. } => why,
        }
    }

    /// The operation that carries it out.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::Extend { .. } => Operation::Extend,
            Self::Stop { .. } => Operation::Stop,
        }
    }
}
