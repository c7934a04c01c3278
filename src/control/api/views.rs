//! The answers to `status` and `plan`.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::warning::WarningView;
use crate::units::{Currency, HoldId, Minutes, Money, Region, TeamName, Timestamp};

use super::activity::ActivityView;

/// What is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// Whose sessions these are.
    pub owner: String,
    /// Where the session service is.
    pub endpoint: String,
    /// The daemon's present instant.
    pub now: Timestamp,
    /// When the last pass ended.
    pub passed: Option<Timestamp>,
    /// What keeps the service from answering.
    pub trouble: Option<String>,
    /// Why the policy that was read last is not the one in force.
    #[serde(default)]
    pub refused_policy: Option<String>,
    /// What keeps the ledger from being written; nothing is created or extended meanwhile.
    #[serde(default)]
    pub ledger_trouble: Option<String>,
    /// Since when the ledger knows what was spent, where it has lost what was before.
    #[serde(default)]
    pub spend_lost_before: Option<Timestamp>,
    /// The currency of every amount; `None` where the policy names no price.
    pub currency: Option<Currency>,
    /// Every slot that is filled, wanted or kept empty, and live sessions outside the policy.
    pub slots: Vec<SlotView>,
    /// Who waits for a session, pool by pool in the order of the queue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingView>,
    /// Every budget in its present period.
    pub budgets: Vec<BudgetView>,
    /// What could still be billed if the daemon died now.
    pub exposure: ExposureView,
    /// Live sessions of the account that are not ours.
    pub unmanaged: Vec<String>,
    /// The time zone of the budgets' days, by its IANA name.
    pub time_zone: String,
}

/// What could still be billed if the daemon died now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExposureView {
    /// The most that it can be; `None` where the policy names no price.
    pub amount: Option<Money>,
    /// When the last session ends at the latest; `None` where none is live.
    pub last_end: Option<Timestamp>,
    /// Every exposure cap, with what counts to it.
    pub caps: Vec<CapView>,
}

/// One exposure cap.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CapView {
    /// Whose it is.
    pub cap: String,
    /// The cap.
    pub limit: Money,
    /// What the sessions that it bounds could still cost.
    pub committed: Money,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotView {
    /// `<pool>/<ordinal>`.
    pub slot: String,
    /// The session that fills it.
    pub session: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// Its region, where the policy names more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Its size.
    pub size: Option<String>,
    /// Where a client connects.
    pub address: Option<String>,
    /// Its lease.
    pub lease: Option<Minutes>,
    /// When the lease ends at the earliest.
    pub ends_earliest: Option<Timestamp>,
    /// When the lease ends at the latest.
    pub ends_latest: Option<Timestamp>,
    /// Whole minutes in Ready.
    pub elapsed: Option<Minutes>,
    /// What that cost so far.
    pub cost: Option<Money>,
    /// Who holds it.
    pub held_by: Option<String>,
    /// The team that its hold counts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The id of that hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// That its hold is about to end, where its pool warns of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<WarningView>,
    /// What each activity source of its pool last said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<ActivityView>,
    /// What was decided at the last look.
    pub decision: SlotDecision,
    /// Why.
    pub why: String,
}

/// A client that waits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    /// The pool.
    pub pool: String,
    /// Its place in the queue, from 1.
    pub place: u32,
    /// The client's name for itself.
    pub client: String,
    /// The hold that it is to have.
    pub hold: HoldId,
    /// When it last asked.
    pub asked: Timestamp,
}

/// One budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// Which.
    pub budget: String,
    /// Its bound.
    pub limit: Money,
    /// What is spent and reserved.
    pub committed: Money,
    /// The same, in percent of the bound.
    pub percent: u32,
    /// When its next period begins.
    pub until: Timestamp,
}

/// What the next pass would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The instant it was made for.
    pub now: Timestamp,
    /// The requests, in order.
    pub actions: Vec<ActionView>,
    /// How many sessions stay as they are.
    pub kept: usize,
    /// Slots that a rule keeps empty, and why.
    pub parked: Vec<SlotView>,
    /// The budgets, with the requests included.
    pub budgets: Vec<BudgetView>,
    /// The currency of every amount; `None` where the policy names no price.
    pub currency: Option<Currency>,
    /// When something is due next.
    pub next: Timestamp,
    /// What keeps the daemon from carrying it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
    /// Of a policy that is not in force: the sessions that clients hold and that it stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_stops: Vec<HeldStopView>,
}

/// A session that a client holds, and that a policy stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldStopView {
    /// The slot.
    pub slot: String,
    /// The session.
    pub session: String,
    /// Who holds it.
    pub held_by: String,
    /// Why it is stopped.
    pub why: String,
}

/// One request of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionView {
    /// What is asked for.
    pub action: ActionKind,
    /// The slot.
    pub slot: String,
    /// The session.
    pub session: String,
    /// Its region, where the policy names more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Of a create: its size.
    pub size: Option<String>,
    /// Of an extension: the lease so far.
    pub from: Option<Minutes>,
    /// The lease asked for.
    pub to: Option<Minutes>,
    /// When that lease ends at the latest.
    pub ends: Option<Timestamp>,
    /// What it reserves.
    pub cost: Option<Money>,
    /// Why.
    pub why: String,
}

/// What was decided for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SlotDecision {
    /// A session is to be created in it.
    Create,
    /// The lease of its session is to be extended.
    Extend,
    /// Its session is to be stopped.
    Stop,
    /// Its session stays as it is.
    Keep,
    /// A rule keeps it empty for now.
    Parked,
    /// Nobody wants it filled.
    Empty,
}

impl fmt::Display for SlotDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Extend => "extend",
            Self::Stop => "stop",
            Self::Keep => "keep",
            Self::Parked => "parked",
            Self::Empty => "empty",
        })
    }
}

/// What an action of a plan asks of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// A new session.
    Create,
    /// A longer lease.
    Extend,
    /// The session's end.
    Stop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_in_a_table_as_it_does_in_json() {
        for decision in [
            SlotDecision::Create,
            SlotDecision::Extend,
            SlotDecision::Stop,
            SlotDecision::Keep,
            SlotDecision::Parked,
            SlotDecision::Empty,
        ] {
            let json = serde_json::to_value(decision).expect("a text");
            assert_eq!(json, decision.to_string());
        }
    }
}
