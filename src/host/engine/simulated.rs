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

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str) -> ServerAddress {
        let mut engine = Simulated {
            boot_delay: Span::seconds(3),
            capacity: 1,
        };
        let id = SessionId::new(id).expect("an id");
        match engine.start(&id, &Size::Standard, 0) {
            Boot::Ready { after, at } if after == Span::seconds(3) => at,
            boot => panic!("{boot:?}"),
        }
    }

    #[test]
    fn the_same_session_is_always_at_the_same_place() {
        for (id, host, handshake_port, inspector_port, decitflops) in [
            ("s", "vm-af63ee4c", 57_638, 53_952, 81),
            ("t", "vm-af63e94c", 55_453, 60_094, 106),
            ("studio-a-0-01", "vm-6c736c1e", 49_210, 58_679, 81),
        ] {
            let at = ServerAddress {
                hostname: format!("{host}.simulated.local"),
                handshake_port,
                inspector_port,
                decitflops,
            };
            assert_eq!(place(id), at);
        }
    }

    #[test]
    fn ports_are_those_that_the_protocol_allows() {
        for n in 0..2_000 {
            let at = place(&format!("s-{n}"));
            for port in [at.handshake_port, at.inspector_port] {
                assert!((49_152..=65_534).contains(&port), "{port}");
            }
        }
    }
}
