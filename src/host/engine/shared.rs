//! An engine that several accounts share: the capacity is that of all of them.

use crate::units::{Minutes, SessionId, Size};

use super::{Boot, Engine};

/// One account's view of an engine that serves several.
pub(in crate::host) struct SharedEngine<'a> {
    pub(in crate::host) engine: &'a mut dyn Engine,
    /// How many sessions the other accounts have.
    pub(in crate::host) elsewhere: usize,
}

impl Engine for SharedEngine<'_> {
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
