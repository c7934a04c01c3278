//! A run: a policy in a calm world with the visits of a usage, and the record that it leaves.
//!
//! When sessions were Ready and ended is read from the service's own book; why, and who held them,
//! from what the daemon told.

pub mod record;

use std::collections::BTreeMap;

use crate::keeper::{Event, EventKind, Reason, Status};
use crate::ledger::LedgerError;
use crate::policy::{Policy, Pool};
use crate::units::{Minutes, PoolName, SessionId, Size, SlotId, Span, Timestamp};

use self::record::{Exposure, Lived, Record, Use, Visited};
use crate::sim::usage::{Days, Visit};
use crate::sim::world::{SimConfig, World};

/// Runs a policy over whole days. `progress` hears how many days are done.
///
/// # Errors
/// If the simulated daemon's ledger, which is kept in memory, cannot be made, read or written.
pub fn run(
    policy: &Policy,
    visits: &[Visit],
    days: Days,
    seed: u64,
    config: SimConfig,
    progress: impl FnMut(u32),
) -> Result<Record, LedgerError> {
    walk(policy, visits, days, seed, config, true, progress)
}

/// The same, without or with the passes that would find no news.
fn walk(
    policy: &Policy,
    visits: &[Visit],
    days: Days,
    seed: u64,
    config: SimConfig,
    skips_idle_passes: bool,
    mut progress: impl FnMut(u32),
) -> Result<Record, LedgerError> {
    let (from, to) = (days.start(), days.end());
    let mut world = World::new(policy.clone(), seed, from, config)?;
    world.skips_idle_passes = skips_idle_passes;
    for visit in visits {
        world.visit(
            visit.client.clone(),
            visit.pool.clone(),
            visit.from,
            visit.to,
        );
    }
    let mut writing = Writing {
        policy,
        record: Record {
            from,
            to,
            ..Record::default()
        },
        open: BTreeMap::new(),
        parked: BTreeMap::new(),
    };
    for (done, date) in (1u32..).zip(days.dates()) {
        let end = crate::sim::usage::midnight(date.succ_opt().unwrap_or(date), days.zone);
        world.run_until(end);
        // The book forgets what ended long ago, so it is read while it still knows.
        for event in world.take_events() {
            writing.take(&event, &world);
        }
        if let Some(error) = world.ledger_error.take() {
            return Err(error);
        }
        progress(done);
    }
    Ok(writing.close(&world, visits))
}

/// A record that is being written.
struct Writing<'p> {
    policy: &'p Policy,
    record: Record,
    /// Sessions that have not ended, by their place in the record, with the hold that is open.
    open: BTreeMap<SessionId, (usize, Option<(String, Timestamp)>)>,
    /// Since when a budget keeps a slot empty, and until when at the most.
    parked: BTreeMap<SlotId, (Timestamp, Timestamp)>,
}

impl Writing<'_> {
    fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.policy.pools.iter().find(|p| p.name == *name)
    }

    fn take(&mut self, event: &Event, world: &World) {
        let why = match &event.what {
            EventKind::Creating { why, .. }
            | EventKind::Extending { why, .. }
            | EventKind::Stopping { why }
            | EventKind::Parked { why } => Some(why),
            _ => None,
        };
        if let Some(why) = why {
            *self.record.reasons.entry(name(why)).or_default() += 1;
        }
        let Some(slot) = &event.slot else { return };
        match (&event.what, &event.session) {
            (EventKind::Parked { why }, _) => self.kept_empty(slot, why, event.at),
            (
                EventKind::Creating {
                    size, lease, why, ..
                },
                Some(id),
            ) => self.created(id, slot, size, *lease, why, event.at),
            (_, Some(id)) => self.about(id, event, world),
            (_, None) => {}
        }
    }

    fn kept_empty(&mut self, slot: &SlotId, why: &Reason, at: Timestamp) {
        self.no_longer_kept(slot, at);
        if let Reason::Budget { until, .. } = why {
            let closes = self
                .pool(&slot.pool)
                .and_then(|p| p.schedule.next_edge(at))
                .filter(|e| !e.opens);
            let until = closes.map_or(*until, |edge| edge.at.min(*until));
            self.parked.insert(slot.clone(), (at, until));
        }
    }

    fn no_longer_kept(&mut self, slot: &SlotId, at: Timestamp) {
        if let Some((from, until)) = self.parked.remove(slot) {
            self.record
                .unaffordable
                .push((slot.clone(), from, until.min(at)));
        }
    }

    fn created(
        &mut self,
        id: &SessionId,
        slot: &SlotId,
        size: &Size,
        lease: Minutes,
        why: &Reason,
        at: Timestamp,
    ) {
        self.no_longer_kept(slot, at);
        // A create that is repeated is not another session.
        if self.open.contains_key(id) {
            return;
        }
        self.open
            .insert(id.clone(), (self.record.sessions.len(), None));
        self.record.sessions.push(Lived {
            id: id.clone(),
            slot: slot.clone(),
            size: size.clone(),
            price: self.policy.prices.of(size),
            created: at,
            ready: None,
            ended: None,
            status: Status::Starting,
            started_by: name(why),
            stopped_by: None,
            used: Vec::new(),
        });
        self.exposed(id, slot, lease, at);
    }

    /// The exposure of a session for which a lease was asked, to end so long after an instant.
    fn exposed(&mut self, id: &SessionId, slot: &SlotId, left: Minutes, at: Timestamp) {
        self.exposed_for(id, slot, left.span(), at);
    }

    fn exposed_for(&mut self, id: &SessionId, slot: &SlotId, length: Span, at: Timestamp) {
        if self
            .record
            .exposure
            .as_ref()
            .is_some_and(|e| e.length >= length)
        {
            return;
        }
        let lease = self.pool(&slot.pool).map_or(Minutes::ZERO, |p| p.lease);
        self.record.exposure = Some(Exposure {
            session: id.clone(),
            slot: slot.clone(),
            lease,
            at,
            length,
        });
    }

    fn about(&mut self, id: &SessionId, event: &Event, world: &World) {
        let Some((place, hold)) = self.open.get_mut(id) else {
            return;
        };
        let lived = &mut self.record.sessions[*place];
        match &event.what {
            EventKind::Stopping { why } => lived.stopped_by = Some(name(why)),
            EventKind::Held { client } => *hold = Some((client.clone(), event.at)),
            EventKind::Released { .. } => lived.used.extend(closed(hold, event.at)),
            EventKind::Renewed { to, .. } => {
                let boots = world
                    .wire
                    .lock()
                    .sites
                    .get(id)
                    .ok()
                    .and_then(crate::host::HostedSession::boots);
                let slot = lived.slot.clone();
                if let Some(boots) = boots {
                    self.exposed_for(id, &slot, boots + to.span() - event.at, event.at);
                }
            }
            EventKind::Ended { .. } | EventKind::NeverCreated => self.ended(id, event.at, world),
            _ => {}
        }
    }

    /// Takes the account of a session from the service's book. `at` is when the daemon knew of its
    /// end.
    fn ended(&mut self, id: &SessionId, at: Timestamp, world: &World) {
        let Some((place, mut hold)) = self.open.remove(id) else {
            return;
        };
        let lived = &mut self.record.sessions[place];
        let wire = world.wire.lock();
        match wire.sites.get(id) {
            Ok(rented) => {
                let end = Some(rented.end()).filter(|(end, _)| *end <= at);
                lived.ready = rented
                    .boots()
                    .filter(|boots| *boots <= end.as_ref().map_or(at, |(end, _)| *end));
                lived.ended = end.as_ref().map(|(end, _)| *end);
                lived.status = rented.status(at);
            }
            // It never came to be.
            Err(_) => lived.ended = Some(at),
        }
        let until = lived.ended.unwrap_or(at);
        lived.used.extend(closed(&mut hold, until));
    }

    fn close(mut self, world: &World, visits: &[Visit]) -> Record {
        let to = self.record.to;
        let open: Vec<SessionId> = self.open.keys().cloned().collect();
        for id in open {
            self.ended(&id, to, world);
        }
        let parked: Vec<SlotId> = self.parked.keys().cloned().collect();
        for slot in parked {
            self.no_longer_kept(&slot, to);
        }
        let served = world.clients.visits.iter().map(|visit| &visit.progress);
        let visited = |(visit, served): (&Visit, &crate::sim::VisitProgress)| Visited {
            visit: visit.clone(),
            waited: served.waited,
            lost: served.lost,
        };
        self.record.visits = visits.iter().zip(served).map(visited).collect();
        self.record
    }
}

/// Ends a hold, if one is open.
fn closed(hold: &mut Option<(String, Timestamp)>, to: Timestamp) -> Option<Use> {
    let (client, from) = hold.take()?;
    (from < to).then_some(Use { client, from, to })
}

/// The name of a reason, as in its JSON.
fn name(reason: &Reason) -> String {
    let json = serde_json::to_value(reason).unwrap_or_default();
    json["reason"].as_str().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::Report;
    use crate::sim::report::text::text;
    use crate::sim::testing::{at, heading, policy};
    use crate::sim::usage::model::Model;

    fn days(count: u32) -> Days {
        Days {
            count,
            ..heading().days
        }
    }

    fn record(policy: &Policy, count: u32, seed: u64) -> Record {
        let visits = Model::OfficeHours.visits(policy, days(count), 4, seed);
        run(
            policy,
            &visits,
            days(count),
            seed,
            SimConfig::default(),
            |_| (),
        )
        .expect("runs")
    }

    #[test]
    fn two_days_of_a_studio_read_as_a_report() {
        let record = record(&policy(), 2, 1);
        insta::assert_snapshot!(text(&Report::of(&record, &policy(), &heading()), 100));
    }

    #[test]
    fn the_same_seed_gives_the_same_record_and_another_one_another() {
        assert_eq!(record(&policy(), 3, 1), record(&policy(), 3, 1));
        assert_ne!(record(&policy(), 3, 1), record(&policy(), 3, 2));
    }

    #[test]
    fn what_the_record_bills_is_what_the_service_billed_and_no_budget_is_exceeded() {
        let mut policy = policy();
        policy.budget.daily = Some("21".parse().expect("money"));
        let record = record(&policy, 5, 3);
        let report = Report::of(
            &record,
            &policy,
            &crate::sim::Heading {
                days: days(5),
                ..heading()
            },
        );
        assert!(
            report.budgets.iter().all(|b| b.exceeded == 0),
            "{:?}",
            report.budgets
        );
        assert!(
            report.total.over_budget_minutes > 0 && report.total.clients.never > 0,
            "{:?}",
            report.total
        );
        for lived in &record.sessions {
            let order = [Some(lived.created), lived.ready, lived.ended];
            let order: Vec<Timestamp> = order.into_iter().flatten().collect();
            assert!(order.is_sorted(), "{lived:?}");
            let holds: Vec<Timestamp> = lived.used.iter().flat_map(|u| [u.from, u.to]).collect();
            assert!(
                holds.is_sorted() && holds.iter().all(|h| Some(*h) >= lived.ready),
                "{lived:?}"
            );
            assert!(
                lived
                    .ended
                    .is_none_or(|end| holds.iter().all(|h| *h <= end)),
                "{lived:?}"
            );
        }
    }

    #[test]
    fn passes_that_are_left_out_of_a_calm_world_would_have_changed_nothing() {
        let visits = Model::OfficeHours.visits(&policy(), days(2), 4, 1);
        let [every, few] = [false, true].map(|skips_idle_passes| {
            walk(
                &policy(),
                &visits,
                days(2),
                1,
                SimConfig::default(),
                skips_idle_passes,
                |_| (),
            )
            .expect("runs")
        });
        assert_eq!(every, few);
    }

    #[test]
    fn exposure_is_at_most_the_lease_and_a_minute() {
        let exposure = record(&policy(), 2, 1)
            .exposure
            .expect("sessions were asked for");
        assert!(
            exposure.length <= exposure.lease.span() + Span::minutes(1),
            "{exposure:?}"
        );
    }

    #[test]
    fn a_visit_that_no_session_can_serve_is_recorded_as_such() {
        let mut policy = policy();
        policy.pools.truncate(1);
        let sunday = Visit {
            from: at("2026-03-08T10:00:00Z"),
            to: at("2026-03-08T11:00:00Z"),
            pool: policy.pools[0].name.clone(),
            client: "ann".into(),
        };
        let record = run(
            &policy,
            std::slice::from_ref(&sunday),
            days(7),
            1,
            SimConfig::default(),
            |_| (),
        )
        .expect("runs");
        assert_eq!(
            record.visits,
            [Visited {
                visit: sunday,
                waited: None,
                lost: 0
            }]
        );
    }
}
