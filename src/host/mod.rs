//! The session service that leasekeeper itself can run: the same protocol, over simulated servers.
//!
//! [`Book`] is the pure state machine of sessions; an [`Engine`] provides servers; `request` reads
//! what clients send, `service` answers it, `server` puts both on a socket. Without a [`State`] it
//! keeps everything in memory: its sessions end with the process. Knows the wire types, and nothing
//! of the keeper's rules.

mod answer;
mod auth;
mod book;
mod books;
mod engine;
mod entra;
pub mod faults;
pub mod limits;
mod line;
mod request;
mod selfsigned;
mod server;
mod service;
mod shape;
mod store;
#[cfg(test)]
mod tests;
mod tls;

pub use auth::{Account, KeyError};
pub use book::{Book, Refused, Rented, Settled};
pub use engine::{Boot, Engine, Place, Simulated};
pub use entra::{Entra, EntraError};
pub use selfsigned::{SelfSigned, self_signed};
pub use server::{Config, Host, HostError, Options};
pub use shape::Shape;
pub use store::{State, StateError};
pub use tls::{Tls, TlsError};
