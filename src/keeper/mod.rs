//! The pure core: what to do, and why. Knows `policy` and `units`; no I/O, no clock, no randomness, no async.

mod session;

pub use session::{Session, Status};
