//! A connection of this machine.

use std::net::SocketAddr;

use crate::keeper::Transport;

/// A connection of this machine, with IPv4 addresses as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) near: SocketAddr,
    pub(super) far: SocketAddr,
    /// What the kernel counts, where it does.
    pub(super) counter: Option<Counter>,
}

/// The bytes that a connection has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    /// Which connection, also among those that had the same ends before.
    pub(super) cookie: u64,
    /// Bytes that were acknowledged and bytes that were received, since it began.
    pub(super) bytes: u64,
}

impl Flow {
    pub(super) fn new(transport: Transport, near: SocketAddr, far: SocketAddr) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self {
            transport,
            near: canonical(near),
            far: canonical(far),
            counter: None,
        }
    }
}
