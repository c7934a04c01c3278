//! What a plan says: data, and nothing of how it came about.

use serde::Serialize;

use crate::keeper::action::Action;
use crate::keeper::budget::BudgetLine;
use crate::keeper::hold::HoldEnd;
use crate::keeper::reason::Reason;
use crate::units::{SessionId, SlotId, Timestamp};

/// What follows from policy and state at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The instant it was made for.
    pub now: Timestamp,
    /// Every slot's decision, in the order of the file.
    pub slots: Vec<SlotPlan>,
    /// What to ask of the service: stops first, then extensions, then creates.
    pub actions: Vec<Action>,
    /// Intents that came to nothing and are not needed any more.
    pub abandon: Vec<SessionId>,
    /// Sessions with an eighth of their lease or less left.
    pub alarms: Vec<SessionId>,
    /// Sessions that are to stop once their pools' hooks have ended.
    pub preparations: Vec<Preparation>,
    /// Holds that are about to end.
    pub warnings: Vec<Warning>,
    /// Every budget in its present period, with the plan's own requests included.
    pub budgets: Vec<BudgetLine>,
    /// The earliest instant at which anything can change.
    pub next_wake: Timestamp,
    /// The earliest instant at which anything changes even if the service has no news and nobody
    /// asks for anything.
    pub next_due: Option<Timestamp>,
}

/// A hold that is about to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The session that it is on.
    pub session: SessionId,
    /// When it ends unless something puts it off, and why.
    pub end: HoldEnd,
}

/// A session whose pool's hook runs before it is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The slot.
    pub slot: SlotId,
    /// The session.
    pub session: SessionId,
    /// Why it is to stop.
    pub why: Reason,
    /// When it is stopped whether or not the hook has ended: its time-out, and well before the
    /// lease is over.
    pub by: Timestamp,
}

/// One slot's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotPlan {
    /// The slot.
    pub slot: SlotId,
    /// The session that fills it, or is to.
    pub session: Option<SessionId>,
    /// What is decided.
    pub decision: Decision,
    /// Why.
    pub why: Reason,
}

/// What is decided about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A session is asked for.
    Create,
    /// The lease is renewed.
    Extend,
    /// The session is stopped.
    Stop,
    /// Nothing is to be done.
    Keep,
    /// The slot is wanted, and a rule keeps it empty for now.
    Park,
    /// The slot is empty, as it should be.
    Empty,
}

impl SlotPlan {
    /// Whether a rule keeps the slot empty.
    pub fn is_parked(&self) -> bool {
        self.decision == Decision::Park
    }
}
