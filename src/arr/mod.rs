//! The client side of the session management REST API (api-version 2021-01-01).
//!
//! [`Client`] implements the `Service` seam: every operation runs inside one deadline with its retries, 429 holds back the
//! whole account, tokens are refreshed well before their end. Knows `service`, and nothing of policies but their settings.

mod account;
mod certificate;
mod client;
mod connect;
mod convert;
mod entra;
mod http;
mod retry;
mod token;
mod transport;
pub mod wire;

pub use client::Client;
pub use connect::{Config, ConnectError};
pub use token::{Credential, Secret};

#[cfg(test)]
mod entra_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
