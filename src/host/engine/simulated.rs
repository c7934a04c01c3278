//! The engine without servers: every boot is made up.

use crate::units::{Minutes, SessionId, Size, Span};

use super::{Boot, Engine, ServerAddress};

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
