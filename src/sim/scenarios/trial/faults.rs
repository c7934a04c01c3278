//! Faults: each is injected into the world, and the checks learn until when it is in force.

use crate::sim::network::faults::{NetworkFault, NetworkFaults};
use crate::sim::scenarios::fault::Fault;
use crate::sim::scenarios::policy::REGIONS;
use crate::sim::scenarios::promises::BrokenPromise;
use crate::sim::service::servers::Servers;
use crate::units::{Region, Size, Span};

use super::state::{Delayed, Trial};

/// How long after the last late effect was sent it can land.
const LATE: Span = Span::seconds(640);

impl<F: FnMut(&str)> Trial<'_, F> {
    pub(super) fn refuse_writes(&self, refuse: bool) {
        self.world.daemons[0].with_ledger(|ledger| {
            ledger
                .refuse_writes(refuse)
                .expect("SQLite takes the setting");
        });
    }

    pub(super) fn inject(&mut self, fault: &Fault) -> Result<(), BrokenPromise> {
        let now = self.world.now();
        match fault {
            Fault::Kill { waits, back } => {
                self.world.daemons[0].fuse = Some(*waits);
                self.restart_after = *back;
            }
            Fault::End { back } => {
                self.restart_after = Some(*back);
                self.world.end(0);
            }
            Fault::LoseLedger { back } => {
                self.world.kill(0);
                self.world.lose_ledger(0);
                self.promises.another_ledger();
                if !self.stays_down {
                    self.world.start_at(0, now + *back);
                }
            }
            Fault::DiskFull { length } => {
                self.disk_full = true;
                self.refuse_writes(true);
                self.remind(now + *length, Delayed::RoomOnDisk);
            }
            Fault::Requests {
                fault,
                percent,
                length,
            } => {
                let until = now + *length;
                self.world
                    .wire
                    .lock()
                    .network
                    .inject(*fault, until, *percent);
                self.promises.exempt.doubles |= *fault == NetworkFault::LateEffect;
                self.fault_until(
                    until
                        + if *fault == NetworkFault::LateEffect {
                            LATE
                        } else {
                            Span::minutes(2)
                        },
                );
            }
            Fault::Outage { length } => {
                self.world.wire.lock().network.cut(now + *length);
                self.fault_until(now + *length + Span::seconds(20));
            }
            Fault::Boot { how, length } => {
                self.each_servers(|servers| servers.disturb(*how, now + *length));
            }
            Fault::Exhausted { premium, length } => {
                let size = if *premium {
                    Size::Premium
                } else {
                    Size::Standard
                };
                self.each_servers(|servers| servers.exhaust(size.clone(), now + *length));
            }
            Fault::RegionExhausted { second, length } => {
                let region = self.region(*second);
                if let Some(site) = self.world.wire.lock().sites.at(region.as_ref()) {
                    for size in [Size::Standard, Size::Premium] {
                        site.servers.exhaust(size, now + *length);
                    }
                }
            }
            Fault::RegionOutage { second, length } => {
                let region = self.region(*second);
                let cut = |network: &mut NetworkFaults| match region {
                    Some(region) => network.cut_region(region, now + *length),
                    None => network.cut(now + *length),
                };
                cut(&mut self.world.wire.lock().network);
                self.fault_until(now + *length + Span::seconds(20));
            }
            Fault::Sources { how, length } => {
                // One thing at a time, so that what it did can be told.
                let over = self.world.sources.fault.map(|(.., until)| until);
                if over.is_none_or(|over| over + self.policy.interval.times(2) < now) {
                    let until = now + *length;
                    self.world.sources.fault = Some((*how, now, until));
                    self.fault_until(until);
                }
            }
            Fault::ClockStep { by } => {
                self.world.daemons[0].wall.step(*by);
                self.promises.exempt.stepped = true;
                self.fault_until(now + self.policy.interval);
            }
            Fault::Suspend { length } => {
                self.world.suspend(0, now + *length);
                self.promises.exempt.slept = true;
                self.fault_until(now + *length + Span::seconds(20));
            }
            Fault::SecondDaemon { length } => {
                if self.second.is_none() {
                    let policy = self.world.daemons[0].policy.clone();
                    let number = self.world.add_daemon(policy).expect("memory has room");
                    self.second = Some(number);
                    self.promises.another_ledger();
                    self.remind(now + *length, Delayed::SecondDaemonEnds(number));
                }
            }
            Fault::OutsiderCreates
            | Fault::OutsiderImitates { .. }
            | Fault::OutsiderExtends { .. }
            | Fault::OutsiderStops => {
                self.outsider(fault);
            }
            Fault::Edit(edit) => return self.edit(*edit),
        }
        Ok(())
    }

    /// The first region or the second, in a scenario that has two.
    fn region(&self, second: bool) -> Option<Region> {
        self.policy
            .regions
            .then(|| REGIONS[usize::from(second)].parse().expect("a region"))
    }

    fn each_servers(&self, change: impl Fn(&mut Servers)) {
        self.world
            .wire
            .lock()
            .sites
            .all()
            .for_each(|site| change(&mut site.servers));
    }
}
