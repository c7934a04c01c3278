//! What the control API answers to a request that it carries out. Reports and events are the
//! ledger's and the keeper's own types.

use serde::{Deserialize, Serialize};

use crate::keeper::Address;
use crate::units::{HoldId, SessionId, Timestamp};

/// The answer to `health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReply {
    /// Always true.
    pub ok: bool,
}

/// The answer to `touch`, `park`, `wake` and `release`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReply {
    /// A sentence for each thing that changed at once.
    pub events: Vec<String>,
}

/// The answer to `acquire`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AcquireReply {
    /// A Ready session, held for the client from now on. Status 200.
    Ready {
        /// The hold.
        hold: HoldId,
        /// The session.
        session: SessionId,
        /// Where the client connects.
        address: Address,
    },
    /// None is free; the client has a place in the queue, and keeps it by asking again. Status 202.
    Waiting {
        /// Always true.
        waiting: bool,
        /// The hold that the client is to have.
        hold: HoldId,
        /// Its place in the queue, from 1.
        place: u32,
        /// What it waits for.
        why: String,
        /// Until when, where that is known.
        until: Option<Timestamp>,
    },
}
