//! From the wire to the queue: what a request sets off happens in its turn.

use crate::sim::network::wire::WireEvent;

use super::{World, WorldEvent};

impl World {
    /// Queues what the wire must make happen.
    pub(super) fn queue_wire_events(&mut self) {
        let (events, requests) = {
            let mut wire = self.wire.lock();
            (std::mem::take(&mut wire.events), wire.log.count)
        };
        self.queue.mix(i64::try_from(requests).unwrap_or(i64::MAX));
        let now = self.now();
        for event in events {
            match event {
                WireEvent::Departing(call) => self.queue.push(now, WorldEvent::Departs(call)),
                WireEvent::Sent(call, outcome) => {
                    if let Some(after) = outcome.effect {
                        self.queue.push(now + after, WorldEvent::Arrives(call));
                    }
                    self.queue
                        .push(now + outcome.reply, WorldEvent::Answered(call));
                }
                WireEvent::Edge(at, session) => self.queue.push(at, WorldEvent::Edge(session)),
            }
        }
    }
}
