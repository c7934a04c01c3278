//! An engine with faults: what another one boots, made worse by rules.

use crate::host::faults::{Effect, Faults};
use crate::units::{Minutes, SessionId, Size};

use super::{Boot, Engine};

/// An engine whose boots go wrong as the rules say.
pub(in crate::host) struct Faulty<E> {
    pub(in crate::host) engine: E,
    pub(in crate::host) faults: Faults,
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
