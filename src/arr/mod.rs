//! The client side of the session management REST API (api-version 2021-01-01).
//!
//! [`ArrFleet`] implements the `Service` seam over a client for each region: every operation runs
//! inside one deadline with its retries, 429 holds back the whole account, tokens are refreshed
//! well before their end. Knows `service`, and nothing of policies but their settings.

mod auth;
mod client;
mod protocol;

pub use auth::Credential;
pub(crate) use client::Http;
pub use client::{ArrFleet, BadCa, ClientConfig, ConnectError};
pub use protocol::{limits, wire};

#[cfg(test)]
mod testing;
