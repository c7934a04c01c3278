//! The client side of the session management REST API (api-version 2021-01-01).
//!
//! [`Fleet`] implements the `Service` seam over a client for each region: every operation runs
//! inside one deadline with its retries, 429 holds back the whole account, tokens are refreshed
//! well before their end. Knows `service`, and nothing of policies but their settings.

mod account;
mod certificate;
mod client;
mod connect;
mod convert;
mod decode;
mod entra;
mod fleet;
mod http;
mod retry;
mod token;
mod transport;
pub mod wire;

pub use connect::{ClientConfig, ConnectError};
pub use fleet::ArrFleet;
pub use token::{Credential, Secret};

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod entra_tests;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
