//! The policy as a value: one file for each table of the policy file.

mod auth;
mod budget;
mod counts;
mod hook;
mod identity;
mod policy;
mod reservation;
mod service;
mod team;

pub use auth::{Auth, EntraCredential, EntraSettings, SecretSource};
pub use budget::{Budget, Prices};
pub use counts::{Counts, PoolWindow};
pub use hook::Hook;
pub use identity::ServiceIdentity;
pub use policy::{ControlSettings, Policy, Reconcile, Unmanaged};
pub use reservation::Reservation;
pub use service::{Embedded, Location, ServiceConfig};
pub use team::Team;
