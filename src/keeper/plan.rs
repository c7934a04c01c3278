//! The plan: for every slot a decision and its reason, the actions to perform, and when to look
//! again.
//!
//! [`plan`] only puts the rules together, in this order:
//! 1. *who fills which slot*: extras of a slot are stopped, sessions of slots that the policy lacks
//!    too;
//! 2. *endings*: boot time-out, parked by hand, schedule, lifetime, idle;
//! 3. *over budget*: what no longer fits is stopped, so that
//! 4. *renewals* reserve before anything new does: a session in use comes before one that is wished
//!    for;
//! 5. *successors* and 6. *empty slots* take what is left, pools in the order of the file.
//!
//! Ties break by pool order, ordinal, then session id, so the same input gives the same plan to the
//! last byte.

use serde::Serialize;

use crate::policy::Policy;
use crate::units::{SessionId, SlotId, Timestamp};

use super::action::Action;
use super::budget::BudgetLine;
use super::planner::Planner;
use super::reason::Reason;
use super::state::KeeperState;

/// What follows from policy and memory at one instant.
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
    /// Every budget in its present period, with the plan's own requests included.
    pub budgets: Vec<BudgetLine>,
    /// The earliest instant at which anything can change.
    pub next_wake: Timestamp,
    /// The earliest instant at which anything changes even if the service has no news and nobody
    /// asks for anything.
    pub next_due: Option<Timestamp>,
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

/// Plans one pass. Pure: the same input gives the same plan.
pub fn plan(now: Timestamp, policy: &Policy, state: &KeeperState) -> Plan {
    let mut planner = Planner::new(now, policy, state);
    planner.assign_slots();
    planner.apply_stop_rules();
    planner.reserve_live_sessions();
    planner.stop_over_budget();
    planner.renew();
    planner.fill();
    planner.finish()
}
