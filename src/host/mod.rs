//! The session service that leasekeeper itself can run: the same protocol, over simulated servers.
//!
//! [`Book`] is the pure state machine of sessions; an [`Engine`] provides servers; `routes` puts both on a socket. It keeps
//! everything in memory: its sessions end with the process. Knows the wire types, and nothing of the keeper's rules.

mod auth;
mod book;
mod engine;
mod routes;
mod server;

pub use auth::{Account, KeyError};
pub use book::{Book, Refused, Rented};
pub use engine::{Boot, Engine, Place, Simulated};
pub use server::{Config, Host, HostError};
