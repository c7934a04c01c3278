//! What people and clients ask for. Each request only records a wish; the next pass acts on it.

mod acquire;
mod claimant;
mod hold_ref;
mod offer;
mod once;
mod outlook;
mod park;
mod release;
mod snooze;
mod target;
mod touch;

pub use acquire::Acquired;
pub use claimant::Claimant;
pub use hold_ref::HoldRef;
pub use outlook::Outlook;
pub use target::{Refusal, Target};
