//! The daemon: observe, plan, execute, record.
//!
//! A pass takes no input. Timers, signals and API calls only wake it; it reads the world afresh
//! each time, so a missed wake costs time, never truth.

mod farewell;
mod looping;
mod pass;
mod reload;
mod shared;
mod signals;
mod tell;
mod watch;

pub use farewell::farewell;
pub use looping::keep;
pub use pass::{Passed, observe, pass};
pub use reload::{PolicyError, Reloaded, read as read_policy, reload_text};
pub use shared::{Shared, State, WishError};
pub use signals::{Asked, listen};
pub use watch::look_for_activity;
