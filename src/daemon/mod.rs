//! The daemon: observe, plan, execute, record.
//!
//! A pass takes no input. Timers, signals and API calls only wake it; it reads the world afresh
//! each time, so a missed wake costs time, never truth.

mod activity;
mod calendars;
mod deadline;
mod executor;
mod hooks;
mod pass;
mod policy_file;
mod reload;
mod review;
mod run_loop;
mod shared;
mod shutdown;
mod signals;
mod sinks;
mod systemd;
#[cfg(test)]
mod tests;

pub use activity::assign_activity;
pub use deadline::Deadline;
pub use pass::{Passed, observe, pass};
pub use policy_file::{
    PolicyError, read as read_policy, read_for as read_policy_for, read_text as read_policy_text,
};
pub use reload::reload_text;
pub use review::{Refused, ReloadRequest, Review};
pub use run_loop::run;
pub use shared::{DaemonState, Granted, Shared, WishError};
pub use shutdown::{log_what_is_left, shutdown};
pub use signals::{Signal, listen};
pub use sinks::EventLog;
