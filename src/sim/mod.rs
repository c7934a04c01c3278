//! The simulator: a deterministic world in which the real pass, the real ledger and the real book
//! of the session service run on virtual time.
//!
//! A [`World`] has one line of true time, machines with a daemon each, the service behind a
//! network, and clients that come and go. Nothing in it reads a clock or draws a random number that
//! the seed did not give. The same world answers `leasekeeper simulate` and tests the promises
//! against the service's own books.

mod client;
mod clock;
pub mod compare;
mod daemon;
mod link;
mod network;
pub mod record;
pub mod report;
mod report_reckon;
#[cfg(test)]
mod report_tests;
pub mod report_text;
pub mod run;
#[cfg(test)]
mod scenarios;
mod servers;
mod sites;
pub mod svg;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod usage;
mod wire;
mod world;

pub use client::{Guest, Served};
pub use clock::{SimClock, TrueTime, WallClock};
pub use daemon::SimDaemon;
pub use network::{NetworkFault, NetworkFaults, RequestOutcome};
pub use report_reckon::Heading;
pub use servers::{Boots, Servers};
pub use sites::{Site, Sites};
pub use wire::{RequestLog, Wire};
pub use world::{SimConfig, World};
