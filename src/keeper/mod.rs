//! The pure core: what to do, and why.
//!
//! [`plan()`] turns a policy and a [`KeeperState`] into a [`Plan`] whose every decision carries its
//! [`Reason`]; [`audit()`] states the promises a second time, as a checker of any plan. The state
//! learns by [`KeeperState::apply_observation`] what the service says, by
//! [`KeeperState::start_action`] and [`KeeperState::finish_action`] what became of actions, and by
//! [`KeeperState::touch`] and its neighbours what people and clients ask for. One file holds one
//! rule. No I/O, no clock, no randomness, no async; knows `policy` and `units`.

mod action;
mod address;
mod alerts;
mod audit;
mod boots;
mod budget;
mod event;
mod event_text;
mod evidence;
mod held_stops;
mod hold;
mod hold_end;
mod ids;
mod lease;
mod level;
mod moves;
pub(crate) mod mutation;
mod observation;
mod observe;
mod outcome;
mod period;
mod plan;
mod reason;
mod renames;
mod requests;
mod rollover;
mod rules;
mod scope;
mod session;
mod settled;
mod spend;
mod state;
mod worst_case;

pub use action::Action;
pub use address::{Address, Ports};
pub use audit::{BrokenRule, Violation, audit};
pub use boots::Boots;
pub use budget::{BudgetLine, Exposure, ExposureLine, exposure};
pub use event::{Event, EventKind};
pub use evidence::{Evidence, Moved, Transport};
pub use held_stops::{HeldStop, held_stops, held_stops_of_change};
pub use hold::{Hold, HoldEnd, HoldRule, Use};
pub use lease::LeaseClock;
pub use level::Level;
pub use moves::{LeftBehind, NotNamed};
pub use observation::{
    ActivityAnswer, ActivityReading, FailureKind, Listing, Observation, Operation, RequestFailure,
    SessionQuery, SessionReading, SignOfUse,
};
pub use period::{Period, PeriodKind, first_date};
pub use plan::{Decision, Plan, Preparation, SlotPlan, Warning, plan};
pub use reason::{Reason, ReasonKind, SlotEffect};
pub use requests::{Acquired, Claimant, HoldRef, Outlook, Refusal, Target};
pub use scope::{BudgetKind, BudgetName, BudgetScope};
pub use session::{Session, Status};
pub use settled::Settled;
pub use spend::{Spent, split_days};
pub use state::{
    Changes, KeeperState, KeyUse, ManagedSession, Parked, ParkedBy, Retry, SlotState, SourceReport,
    StopAsked, ToldAlert, UnknownSource, Usage, Waiter, Wish, WishedBy,
};
pub use worst_case::{WorstCase, worst_case};

#[cfg(test)]
mod tests;
