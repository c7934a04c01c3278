//! The figures of a report, as plain data. Serialized as they stand they are the JSON of
//! `simulate`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::keeper::PeriodKind;
use crate::units::{
    Currency, Minutes, Money, PoolName, SessionId, Size, SlotId, TeamName, Timestamp,
};

use super::timeline::Lane;

/// What a run comes to. In JSON every amount is null where the policy names no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(remote = "Self")]
pub struct Report {
    /// The policy's file, as the user named it.
    pub policy: String,
    /// Where the usage comes from.
    pub usage: String,
    /// The run's first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// How many days that is.
    pub days: u32,
    /// Whose days and months these are.
    pub time_zone: String,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether the policy names prices; without them everything costs nothing.
    pub priced: bool,
    /// Everything together.
    pub total: Figures,
    /// Each pool, in the order of the policy.
    pub pools: Vec<PoolFigures>,
    /// Each day.
    pub daily: Vec<DayFigures>,
    /// Each budget.
    pub budgets: Vec<BudgetFigures>,
    /// Why sessions were started, by the reason's name.
    pub starts: BTreeMap<String, u64>,
    /// Why sessions ended, by the reason's name; `expired`, `error` or `never-came-to-be` where
    /// nobody stopped them.
    pub ends: BTreeMap<String, u64>,
    /// The longest that a session would have gone on billing if the daemon had died.
    pub exposure: Option<ExposureFigures>,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, u64>,
    /// A line of time for each slot that was ever filled, or kept empty by a budget.
    pub slots: Vec<Lane>,
    /// Each session.
    pub sessions: Vec<SessionFigures>,
    /// Each visit.
    pub visits: Vec<VisitFigures>,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.priced {
            return Self::serialize(self, serializer);
        }
        let mut report = Self::serialize(self, serde_json::value::Serializer)
            .map_err(serde::ser::Error::custom)?;
        forget_amounts(&mut report);
        report.serialize(serializer)
    }
}

/// Makes every amount null, and the currency too.
fn forget_amounts(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "cost" | "wasted_cost" | "currency" => *member = Value::Null,
                    _ => forget_amounts(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget_amounts),
        _ => {}
    }
}

/// What is counted of a pool, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Sessions that were asked for.
    pub sessions: u32,
    /// Minutes billed.
    pub ready_minutes: u64,
    /// Of these, held by a client.
    pub held_minutes: u64,
    /// Of these, held by nobody.
    pub idle_minutes: u64,
    /// Of the idle ones, in sessions that nobody ever held, or after their last hold.
    pub wasted_minutes: u64,
    /// Minutes in which a budget kept a slot empty that was wanted.
    pub over_budget_minutes: u64,
    /// What the minutes billed cost.
    pub cost: Money,
    /// What the wasted minutes cost.
    pub wasted_cost: Money,
    /// What clients felt.
    pub clients: ClientFigures,
}

/// What clients felt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientFigures {
    /// Visits.
    pub visits: u32,
    /// Those that found a session at once.
    pub warm: u32,
    /// Those that waited for one.
    pub cold: u32,
    /// Those that never got one.
    pub never: u32,
    /// How often a session ended under a client.
    pub lost: u32,
    /// How long those that got a session waited.
    pub wait: Option<Waits>,
    /// How long those that waited did.
    pub cold_wait: Option<Waits>,
}

/// How long clients waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// Half of them no longer than this.
    pub median_seconds: i64,
    /// Nineteen in twenty no longer than this.
    pub p95_seconds: i64,
    /// None longer than this.
    pub max_seconds: i64,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolFigures {
    /// Its name.
    pub pool: PoolName,
    /// What is counted.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// Its date.
    pub date: NaiveDate,
    /// Minutes billed.
    pub ready_minutes: u64,
    /// What they cost.
    pub cost: Money,
    /// The same in percent of the policy's daily budget, rounded down.
    pub percent: Option<u32>,
    /// What each pool cost, in the order of the policy.
    pub pools: Vec<PoolCost>,
}

/// What a pool cost on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolCost {
    /// The pool.
    pub pool: PoolName,
    /// Its cost.
    pub cost: Money,
}

/// A budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetFigures {
    /// Its name in words.
    pub budget: String,
    /// The pool; none for a team's and the whole policy's.
    pub pool: Option<PoolName>,
    /// The team; none for a pool's and the whole policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// Day or month.
    pub period: PeriodKind,
    /// Its bound.
    pub limit: Money,
    /// How many of its periods the run touches.
    pub periods: u32,
    /// How many of them cost more than the bound.
    pub exceeded: u32,
    /// The first date of the period that cost most.
    pub most_on: NaiveDate,
    /// What that one cost.
    pub most: Money,
    /// The same in percent of the bound, rounded down.
    pub most_percent: u32,
}

/// How long a session would have gone on billing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExposureFigures {
    /// The session.
    pub session: SessionId,
    /// The slot it filled.
    pub slot: SlotId,
    /// The instant.
    pub at: Timestamp,
    /// How long.
    pub seconds: i64,
    /// The pool's lease.
    pub lease_minutes: Minutes,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionFigures {
    /// Its id.
    pub session: SessionId,
    /// The slot it filled.
    pub slot: SlotId,
    /// The kind of server.
    pub size: Size,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it became Ready.
    pub ready: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended, or where it was at the end of the run.
    pub status: String,
    /// Why it was asked for.
    pub started_by: String,
    /// Why it was stopped.
    pub stopped_by: Option<String>,
    /// Minutes billed.
    pub ready_minutes: u64,
    /// Of these, held.
    pub held_minutes: u64,
    /// Of these, in vain.
    pub wasted_minutes: u64,
    /// What it cost.
    pub cost: Money,
}

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VisitFigures {
    /// The client.
    pub client: String,
    /// The pool.
    pub pool: PoolName,
    /// From when on it wanted a session.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How long it waited for the first one; none where it never got one.
    pub waited_seconds: Option<i64>,
    /// How often its session ended under it.
    pub lost: u32,
}
