//! Promise 7: the ledger's spend is the service's own account of the same sessions.

use std::collections::BTreeSet;

use crate::sim::world::World;
use crate::units::Timestamp;

use super::bounds::RETRY_TIME;
use super::broken::{BrokenPromise, broken};
use super::state::Promises;

impl Promises {
    /// Promise 7: what a ledger knows for certain is what the service says, and what it does not
    /// know is a bound.
    pub(in crate::sim::scenarios) fn accounts(&self, world: &World) -> Result<(), BrokenPromise> {
        let now = world.now();
        let wire = world.wire.lock();
        let mut settled = BTreeSet::new();
        for daemon in &world.daemons {
            let mut wrong = None;
            daemon.with_ledger(|ledger| {
                let read = ledger.each_settled(Timestamp::MIN, |account| {
                    settled.insert(account.id.clone());
                    let Ok(hosted) = wire.sites.get(&account.id) else {
                        return;
                    };
                    let (truth, noted) = (hosted.elapsed(now), account.minutes);
                    let ended = hosted.status(now).is_terminal();
                    if !ended || (account.certain && truth != noted) || truth > noted {
                        wrong = Some(format!(
                            "{} has {noted} in the ledger and {truth} at the service",
                            account.id
                        ));
                    }
                });
                read.expect("the ledger can be read");
            });
            if let Some(what) = wrong {
                return Err(broken(7, now, what));
            }
        }
        let grace = self.interval + self.interval + RETRY_TIME;
        if self.exempt.forgot || self.calm_since + grace > now {
            return Ok(());
        }
        for id in wire.log.sessions.keys() {
            let Ok(hosted) = wire.sites.get(id) else {
                continue;
            };
            let over = hosted.end().0.max(self.calm_since) + grace < now;
            if over && hosted.elapsed(now).get() > 0 && !settled.contains(id) {
                return Err(broken(7, now, format!("{id} has ended and has no account")));
            }
        }
        Ok(())
    }
}
