//! The pure core: what to do, and why.
//!
//! `plan()` turns a policy and a [`KeeperState`] into a `Plan` whose every decision carries its
//! [`Reason`]; `audit()` states the promises a second time, as a checker of any plan. Observations
//! enter memory by `KeeperState::absorb`, the outcomes of actions by `KeeperState::begin` and
//! `KeeperState::record`, and wishes of people and clients by `KeeperState::touch` and its neighbours. One
//! file holds one rule. No I/O, no clock, no randomness, no async; knows `policy` and `units`.

mod action;
mod audit;
mod budget;
mod event;
mod fill;
mod idle;
mod ids;
mod lease;
pub(crate) mod mutation;
mod observation;
mod observe;
mod outcome;
mod period;
mod plan;
mod planner;
mod reason;
mod requests;
mod rollover;
mod session;
mod spend;
mod state;

pub use action::Action;
pub use audit::{BrokenRule, Violation, audit};
pub use budget::BudgetLine;
pub use event::{Event, EventKind, Level};
pub use lease::LeaseClock;
pub use observation::{
    FailureKind, Listing, Observation, Operation, RequestFailure, SessionQuery, SessionReading,
};
pub use period::{Period, first_date};
pub use plan::{Decision, Plan, SlotPlan, plan};
pub use reason::{BudgetName, PeriodKind, Reason};
pub use requests::{Acquired, Refusal, Target};
pub use session::{Session, Status};
pub use spend::{Spent, split_days};
pub use state::{
    Address, Changes, Hold, KeeperState, ManagedSession, Parked, ParkedBy, Retry, Settled,
    SlotState, StopAsked, Wish, WishedBy,
};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod region_stories;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
