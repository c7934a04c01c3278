//! The service on its sockets: connections with their limits and time-outs, TLS, requests read and
//! answered as the protocol says.

mod admission;
mod altered;
pub(super) mod api;
mod body;
mod connection;
pub(super) mod format;
pub mod limits;
pub(super) mod operation;
mod origin;
mod parse_errors;
mod problem;
mod request;
mod response;
pub(super) mod self_signed;
pub(super) mod server;
pub(super) mod tls;
mod wire_format;

#[cfg(test)]
mod tests;
