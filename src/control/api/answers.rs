//! What the control API answers to a request that it carries out. Reports and events are the
//! ledger's and the keeper's own types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keeper::{Address, HoldEnd};
use crate::units::{HoldId, SessionId, TeamName, Timestamp};

use super::views::SlotDecision;
use super::warning::WarningView;

/// The answer to `health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthReply {
    /// Always true.
    pub ok: bool,
}

/// The answer to `touch`, `park`, `wake` and `release`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeReply {
    /// A sentence for each thing that changed at once.
    pub events: Vec<String>,
    /// Of `touch`: the sessions that count as used now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<SessionId>,
    /// What comes of it: what is decided now about the slots that were named. Left out where
    /// sessions count as used, and of slots that are empty because nobody wants them filled, the
    /// first only where no other is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotOutcome>,
    /// Why the ledger does not have it yet, where it could not be written: a crash before it can
    /// be forgets what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<String>,
}

/// What is decided about a slot once a request has changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotOutcome {
    /// The slot.
    pub slot: String,
    /// The session that fills it, or is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What is decided.
    pub decision: SlotDecision,
    /// Why.
    pub why: String,
}

/// The answer to a request that lets a hold go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnoozeReply {
    /// The hold.
    pub hold: HoldId,
    /// Until when no rule ends it that can be put off.
    pub until: Timestamp,
    /// Why the ledger does not have it yet, where it could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<String>,
}

/// The answer to `acquire`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        /// The team that the hold counts to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamName>,
        /// Until when its lease lasts for certain. It is renewed long before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leased_until: Option<Timestamp>,
        /// When the hold ends if nothing more is heard of the client, and by which rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_ends: Option<HoldEnd>,
        /// That the hold is about to end, where its pool warns of that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<WarningView>,
        /// Why the ledger does not have the hold yet, where it could not be written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unwritten: Option<String>,
    },
    /// None is free; the client has a place in the queue, and keeps it by asking again. Status 202.
    Waiting {
        /// Always true.
        waiting: bool,
        /// The hold that the client is to have.
        hold: HoldId,
        /// The team that it counts to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamName>,
        /// Its place in the queue, from 1.
        place: u32,
        /// What it waits for.
        why: String,
        /// Until when, where that is known.
        until: Option<Timestamp>,
    },
}
