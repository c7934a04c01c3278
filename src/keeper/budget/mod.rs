//! The rule of budgets: a lease is a promise to pay for its whole length, so it is reserved before
//! it is asked for.
//!
//! For every bound, what ended sessions cost plus the whole leases of live ones must stay within
//! it; a request that does not fit is shortened to what fits, else refused. So spending cannot pass
//! a budget even if nobody ever stops anything again. A lease that can cross the edge of a period
//! is charged, in each, with the largest part of it that can fall there. An exposure cap bounds
//! what live sessions could still bill from now on, whatever period that falls into.

mod exceeded;
mod exposure;
mod request;
mod reservations;
mod share;
mod stay;
mod team;
#[cfg(test)]
mod tests;
mod window;

pub(in crate::keeper) use exposure::smallest_caps;
pub use exposure::{Exposure, ExposureLine, exposure};
pub(super) use request::{Fit, Request};
pub use reservations::BudgetLine;
pub(super) use reservations::Reservations;
pub(super) use share::TeamShare;
pub(super) use stay::cannot_stay;
pub(super) use team::{cannot_hold, cannot_wait};
pub(super) use window::{CostWindow, UNKNOWN_BOOT};
