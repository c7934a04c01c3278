//! The daemon: observe, plan, execute, record.
//!
//! A pass takes no input. Timers, signals and API calls only wake it; it reads the world afresh each time, so a missed
//! wake costs time, never truth.

mod pass;
mod shared;
mod tell;

pub use pass::{Passed, pass};
pub use shared::{Shared, State};
