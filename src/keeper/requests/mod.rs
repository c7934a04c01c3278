//! What people and clients ask for. Each request only records a wish; the next pass acts on it.

mod hold;
mod park;
mod target;
mod touch;

pub use hold::Acquired;
pub use target::{Refusal, Target};
