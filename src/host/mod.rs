//! The session service that leasekeeper itself can run: the same protocol, over simulated servers.
//!
//! [`SessionRegistry`] is the pure state machine of sessions; an [`Engine`] provides servers;
//! `http` reads what clients send, answers it, and puts both on a socket. Without a [`StateFile`]
//! it keeps everything in memory: its sessions end with the process. Knows the wire types, and
//! nothing of the keeper's rules.

mod auth;
mod engine;
mod error;
pub mod faults;
mod http;
mod sessions;
mod store;

pub use auth::account::HostAccount;
pub use auth::entra::{EntraError, EntraVerifier};
pub use auth::key::KeyError;
pub use engine::{Boot, Engine, ServerAddress, Simulated};
pub use error::HostError;
pub use http::format::WireFormat;
pub use http::limits;
pub use http::self_signed::{SelfSigned, self_signed};
pub use http::server::{BoundHost, Host, HostConfig, HostOptions};
pub use http::tls::{Tls, TlsError};
pub use sessions::registry::{RegistryError, SessionRegistry, TimeChanges};
pub use sessions::session::HostedSession;
pub use store::{StateError, StateFile};
