//! The pure core: what to do, and why.
//!
//! `plan()` turns a policy and a [`Memory`] into a `Plan` whose every decision carries its
//! [`Reason`]; `audit()` states the promises a second time, as a checker of any plan. Observations
//! enter memory by `Memory::absorb`, the outcomes of actions by `Memory::begin` and
//! `Memory::record`, and wishes of people and clients by `Memory::touch` and its neighbours. One
//! file holds one rule. No I/O, no clock, no randomness, no async; knows `policy` and `units`.

mod absorb;
mod action;
mod ask;
mod audit;
mod budget;
mod event;
mod fill;
mod idle;
mod ids;
mod lease;
mod memory;
pub(crate) mod mutation;
mod observation;
mod period;
mod plan;
mod planner;
mod reason;
mod record;
mod rollover;
mod session;
mod spend;

pub use action::Action;
pub use ask::{Acquired, Refusal, Target};
pub use audit::{Broken, Violation, audit};
pub use budget::BudgetLine;
pub use event::{Event, Level, What};
pub use lease::LeaseClock;
pub use memory::{
    Address, Changes, Hold, Known, Memory, Parked, ParkedBy, Retry, Settled, SlotMemory, StopAsked,
    Wish, WishedBy,
};
pub use observation::{Answer, Failure, FailureKind, Listing, Look, Observation, Operation};
pub use period::{Period, first_date};
pub use plan::{Decision, Plan, SlotPlan, plan};
pub use reason::{BudgetName, PeriodKind, Reason};
pub use session::{Session, Status};
pub use spend::{Spent, split_days};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod region_stories;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
