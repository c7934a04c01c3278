//! Engines: what provides servers for sessions.
//!
//! The service's own records are a cache of what the engine knows. An engine is told when a session
//! starts, is extended and is stopped, and says how its server boots.

use crate::units::{Minutes, SessionId, Size, Span};

use super::faults::{Effect, Faults};

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

/// Servers that are not there: they boot after a delay, as many as the capacity allows.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// How long a server boots.
    pub boot_delay: Span,
    /// How many there are.
    pub capacity: u32,
}

impl Engine for Simulated {
    fn start(&mut self, id: &SessionId, _size: &Size, live: usize) -> Boot {
        if live >= self.capacity as usize {
            return Boot::OutOfServers {
                after: self.boot_delay,
            };
        }
        // Places are made from the id, so the same session is always at the same one.
        let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        let port = |n: u64| 49_152 + u16::try_from((hash >> n) % 16_382).unwrap_or(0);
        let at = ServerAddress {
            hostname: format!("vm-{:08x}.simulated.local", hash >> 32),
            handshake_port: port(0),
            inspector_port: port(16),
            decitflops: if hash & 1 == 0 { 81 } else { 106 },
        };
        Boot::Ready {
            after: self.boot_delay,
            at,
        }
    }

    fn extend(&mut self, _id: &SessionId, _lease: Minutes) {}

    fn stop(&mut self, _id: &SessionId) {}
}

/// An engine whose boots go wrong as the rules say.
pub(super) struct Faulty<E> {
    pub(super) engine: E,
    pub(super) faults: Faults,
}

impl<E: Engine> Engine for Faulty<E> {
    fn start(&mut self, id: &SessionId, size: &Size, live: usize) -> Boot {
        let (longer, effect) = self.faults.boot(size);
        let (after, boot) = match self.engine.start(id, size, live) {
            Boot::Ready { after, at } => (
                after,
                Boot::Ready {
                    after: after + longer,
                    at,
                },
            ),
            Boot::OutOfServers { after } => (
                after,
                Boot::OutOfServers {
                    after: after + longer,
                },
            ),
            Boot::Broken { after } => (
                after,
                Boot::Broken {
                    after: after + longer,
                },
            ),
        };
        match effect {
            None => boot,
            Some(Effect::OutOfServers(_)) => Boot::OutOfServers {
                after: after + longer,
            },
            Some(_) => Boot::Broken {
                after: after + longer,
            },
        }
    }

    fn extend(&mut self, id: &SessionId, lease: Minutes) {
        self.engine.extend(id, lease);
    }

    fn stop(&mut self, id: &SessionId) {
        self.engine.stop(id);
    }
}

/// One account's view of an engine that serves several.
pub(super) struct Common<'a> {
    pub(super) engine: &'a mut dyn Engine,
    /// How many sessions the others have.
    pub(super) elsewhere: usize,
}

impl Engine for Common<'_> {
    fn start(&mut self, id: &SessionId, size: &Size, live: usize) -> Boot {
        self.engine.start(id, size, live + self.elsewhere)
    }

    fn extend(&mut self, id: &SessionId, lease: Minutes) {
        self.engine.extend(id, lease);
    }

    fn stop(&mut self, id: &SessionId) {
        self.engine.stop(id);
    }
}
