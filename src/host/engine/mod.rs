//! Engines: what provides servers for sessions.
//!
//! The service's own records are a cache of what the engine knows. An engine is told when a session
//! starts, is extended and is stopped, and says how its server boots.

mod faulty;
mod shared;
mod simulated;

use crate::units::{Minutes, SessionId, Size, Span};

pub(super) use faulty::Faulty;
pub(super) use shared::SharedEngine;
pub use simulated::Simulated;

/// Where a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Host name.
    pub hostname: String,
    /// Port of the handshake, 49152–65534.
    pub handshake_port: u16,
    /// Port of the inspector, 49152–65534.
    pub inspector_port: u16,
    /// The server's speed in tenths of a teraflop.
    pub decitflops: u32,
}

/// How a server boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// It is reached at a place after a while.
    Ready {
        /// How long it takes.
        after: Span,
        /// Where it is then.
        at: ServerAddress,
    },
    /// There is no server of this size.
    OutOfServers {
        /// How long it takes to find that out.
        after: Span,
    },
    /// There is one, and it does not come up.
    Broken {
        /// How long it takes to find that out.
        after: Span,
    },
}

/// What provides servers.
pub trait Engine: Send {
    /// A session begins; `live` sessions are there already.
    fn start(&mut self, id: &SessionId, size: &Size, live: usize) -> Boot;
    /// A session's lease is extended to a new total.
    fn extend(&mut self, id: &SessionId, lease: Minutes);
    /// A session has ended.
    fn stop(&mut self, id: &SessionId);
}
