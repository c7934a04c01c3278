//! The simulator: a deterministic world in which the real pass, the real ledger and the real
//! registry of the session service run on virtual time.
//!
//! A [`World`] has one line of true time, machines with a daemon each, the service behind a
//! network, and clients that come and go. Nothing in it reads a clock or draws a random number that
//! the seed did not give. The same world answers `leasekeeper simulate` and tests the promises
//! against the service's own registries.

pub mod advice;
mod clock;
mod network;
pub mod report;
pub mod run;
#[cfg(test)]
mod scenarios;
mod service;
#[cfg(test)]
mod testing;
pub mod usage;
mod world;

pub use clock::{SimClock, TrueTime, WallClock};
pub use network::faults::{NetworkFault, NetworkFaults, RequestOutcome};
pub use network::request_log::{RequestLog, SessionRequests};
pub use network::wire::{Wire, WireState};
pub use report::Heading;
pub use service::servers::{Boots, Servers};
pub use service::sites::{Site, Sites};
pub use world::{ClientVisit, Clients, SimConfig, SimDaemon, VisitProgress, World, WorldEvent};
