//! What is checked after every event, in order.

use crate::sim::world::World;

use super::broken::{BrokenPromise, broken};
use super::state::Promises;

impl Promises {
    /// Checks what must hold after every event.
    pub(in crate::sim::scenarios) fn check(&mut self, world: &World) -> Result<(), BrokenPromise> {
        let now = world.now();
        let mut wire = world.wire.lock();
        for daemon in &world.daemons {
            for reading in [daemon.reads(), now + daemon.ahead()] {
                self.days_read.extend(
                    self.days
                        .iter()
                        .position(|d| d.start <= reading && reading < d.end),
                );
            }
        }
        if let Some(trespass) = wire.log.trespasses.first() {
            return Err(broken(5, now, trespass.clone()));
        }
        if let Some(id) = wire.scattered.first() {
            return Err(broken(1, now, format!("{id} was created in two regions")));
        }
        if self.revision != Some(wire.revision) {
            self.revision = Some(wire.revision);
            self.observe(now, &mut wire);
            self.lease_ends(now)?;
            self.spend(now)?;
            self.exposure(now)?;
            self.doubles(now)?;
        }
        self.lasting_doubles(now)?;
        for id in &self.successors {
            self.waited.insert(id.clone(), now);
        }
        self.team(now, world)?;
        self.idle(now, world, &wire)
    }
}
