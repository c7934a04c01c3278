//! The plan: for every slot a decision and its reason, the actions to perform, and when to look
//! again.
//!
//! [`plan`] only puts the rules together, in this order:
//! 1. *who fills which slot*: extras of a slot are stopped, sessions of slots that the policy lacks
//!    too;
//! 2. *endings*: the stop rules, in the order that `rules` states;
//! 3. *over budget*: what no longer fits is stopped, so that
//! 4. *renewals* reserve before anything new does: a session in use comes before one that is wished
//!    for;
//! 5. *successors* and 6. *empty slots* take what is left, pools in the order of the file;
//! 7. *warnings*: who holds what is about to end learns it.
//!
//! Ties break by pool order, ordinal, then session id, so the same input gives the same plan to the
//! last byte.

use crate::policy::Policy;
use crate::units::Timestamp;

use super::state::KeeperState;

mod assign;
mod create;
mod decision;
mod fill;
mod planner;
mod renew;
mod reserve;
mod stop;
mod warn;

pub use decision::{Decision, Plan, Preparation, SlotPlan, Warning};
use planner::Planner;

/// Plans one pass. Pure: the same input gives the same plan.
pub fn plan(now: Timestamp, policy: &Policy, state: &KeeperState) -> Plan {
    let mut planner = Planner::new(now, policy, state);
    planner.assign_slots();
    planner.apply_stop_rules();
    planner.reserve_live_sessions();
    planner.stop_over_budget();
    planner.renew();
    planner.fill();
    planner.warn();
    planner.finish()
}
