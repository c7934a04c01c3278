//! What people and clients ask for. Each request only records a wish; the next pass acts on it.

mod acquire;
mod outlook;
mod park;
mod release;
mod target;
mod touch;

pub use acquire::Acquired;
pub use outlook::Outlook;
pub use release::HoldRef;
pub use target::{Refusal, Target};
