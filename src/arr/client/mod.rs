//! Sending: one request with its deadline, its retries and its token; a client for each region, and
//! the fleet that they make.

mod connect;
mod error;
mod fleet;
pub(super) mod http;
pub(super) mod region_client;
pub(super) mod retry;
pub(super) mod transport;

pub use connect::ClientConfig;
pub use error::{BadCa, ConnectError};
pub use fleet::ArrFleet;
pub(crate) use transport::Http;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
