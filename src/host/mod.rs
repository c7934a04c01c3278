//! The session service that leasekeeper itself can run: the same protocol, over simulated servers.
//!
//! [`Book`] is the pure state machine of sessions; an [`Engine`] provides servers; `request` reads
//! what clients send, `service` answers it, `server` puts both on a socket. Without a [`State`] it
//! keeps everything in memory: its sessions end with the process. Knows the wire types, and nothing
//! of the keeper's rules.

mod answer;
mod auth;
mod connection;
mod engine;
mod entra;
pub mod faults;
pub mod limits;
mod registries;
mod registry;
mod request;
mod selfsigned;
mod server;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod wire_format;

pub use auth::{HostAccount, KeyError};
pub use engine::{Boot, Engine, ServerAddress, Simulated};
pub use entra::{EntraError, EntraVerifier};
pub use registry::{HostedSession, RegistryError, SessionRegistry, TimeChanges};
pub use selfsigned::{SelfSigned, self_signed};
pub use server::{Host, HostConfig, HostError, HostOptions};
pub use store::{StateError, StateFile};
pub use tls::{Tls, TlsError};
pub use wire_format::WireFormat;
