//! The promises of the design, checked after every event against the service's own registries, not
//! against what the daemon believes.
//!
//! What a promise cannot hold by nature has a bound that does; ARCHITECTURE.md says each in words.

mod accounts;
mod bounds;
mod broken;
mod check;
mod exposure;
mod idle;
mod leases;
mod session;
mod slots;
mod spend;
mod state;
mod team;
mod unknown;

pub(super) use self::broken::{BrokenPromise, broken};
pub(super) use self::state::Promises;
