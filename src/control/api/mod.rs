//! The control API, once: every path, every request and every answer. Server, client and commands
//! all use what stands here. docs/control-api.md describes it for people.
//!
//! May know the keeper's and the ledger's types, and nothing of HTTP.

mod activity;
mod answers;
pub mod path;
mod problem;
mod reload;
mod requests;
mod views;
mod warning;

pub use activity::{ActivityView, Said, UsageView};
pub use answers::{AcquireReply, ChangeReply, HealthReply, SlotOutcome, SnoozeReply};
pub use problem::{PROBLEM_JSON, Problem, ProblemCode};
pub use reload::{ChangeView, ReloadReply};
pub use requests::{
    AcquireRequest, ChargesQuery, DEFAULT_EVENTS, DEFAULT_SNOOZE, HoldRequest, IDEMPOTENCY_KEY,
    LONGEST_SNOOZE, MOST_EVENTS, ReleaseRequest, ReloadRequest, SnoozeRequest, SpendQuery,
    TargetRequest, WhyQuery,
};
pub use views::{
    ActionKind, ActionView, BudgetView, CapView, ExposureView, HeldStopView, PlanView,
    SlotDecision, SlotView, StatusView, WaitingView,
};
pub use warning::WarningView;
