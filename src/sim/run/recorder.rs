//! The writing of a record: when sessions were Ready and ended is read from the service's own
//! registry; why, and who held them, from the daemon's events.

use std::collections::BTreeMap;

use crate::host::HostedSession;
use crate::keeper::{Event, EventKind, Reason, Status};
use crate::policy::{Policy, Pool};
use crate::sim::usage::Visit;
use crate::sim::world::{VisitProgress, World};
use crate::units::{Minutes, PoolName, SessionId, Size, SlotId, Span, Timestamp};

use super::record::{Exposure, Lived, Record, Use, Visited};

/// A record that is being written.
pub(super) struct Recorder<'p> {
    policy: &'p Policy,
    record: Record,
    /// Sessions that have not ended, by their place in the record, with the hold that is open.
    open: BTreeMap<SessionId, (usize, Option<(String, Timestamp)>)>,
    /// Since when a budget keeps a slot empty, and until when at the most.
    parked: BTreeMap<SlotId, (Timestamp, Timestamp)>,
}

impl<'p> Recorder<'p> {
    /// A record of a run between two instants, which is about to begin.
    pub(super) fn new(policy: &'p Policy, from: Timestamp, to: Timestamp) -> Self {
        Self {
            policy,
            record: Record {
                from,
                to,
                ..Record::default()
            },
            open: BTreeMap::new(),
            parked: BTreeMap::new(),
        }
    }

    fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.policy.pools.iter().find(|p| p.name == *name)
    }

    /// Records what a daemon reported.
    pub(super) fn take(&mut self, event: &Event, world: &World) {
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
            (EventKind::Parked { why }, _) => self.slot_parked(slot, why, event.at),
            (
                EventKind::Creating {
                    size, lease, why, ..
                },
                Some(id),
            ) => self.created(id, slot, size, *lease, why, event.at),
            (_, Some(id)) => self.session_event(id, event, world),
            (_, None) => {}
        }
    }

    fn slot_parked(&mut self, slot: &SlotId, why: &Reason, at: Timestamp) {
        self.slot_unparked(slot, at);
        if let Reason::Budget {
            until: Some(until), ..
        } = why
        {
            let closes = self
                .pool(&slot.pool)
                .and_then(|p| p.schedule.next_edge(at))
                .filter(|e| !e.opens);
            let until = closes.map_or(*until, |edge| edge.at.min(*until));
            self.parked.insert(slot.clone(), (at, until));
        }
    }

    fn slot_unparked(&mut self, slot: &SlotId, at: Timestamp) {
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
        self.slot_unparked(slot, at);
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

    fn session_event(&mut self, id: &SessionId, event: &Event, world: &World) {
        let Some((place, hold)) = self.open.get_mut(id) else {
            return;
        };
        let lived = &mut self.record.sessions[*place];
        match &event.what {
            EventKind::Stopping { why } => lived.stopped_by = Some(name(why)),
            EventKind::Held { client, .. } => *hold = Some((client.clone(), event.at)),
            EventKind::Released { .. } => lived.used.extend(closed(hold, event.at)),
            EventKind::Renewed { to, .. } => {
                let boots = world
                    .wire
                    .lock()
                    .sites
                    .get(id)
                    .ok()
                    .and_then(HostedSession::boots);
                let slot = lived.slot.clone();
                if let Some(boots) = boots {
                    self.exposed_for(id, &slot, boots + to.span() - event.at, event.at);
                }
            }
            EventKind::Ended { .. } | EventKind::NeverCreated => self.ended(id, event.at, world),
            _ => {}
        }
    }

    /// Takes the account of a session from the service's registry. `at` is when the daemon knew of
    /// its end.
    fn ended(&mut self, id: &SessionId, at: Timestamp, world: &World) {
        let Some((place, mut hold)) = self.open.remove(id) else {
            return;
        };
        let lived = &mut self.record.sessions[place];
        let wire = world.wire.lock();
        match wire.sites.get(id) {
            Ok(hosted) => {
                let end = Some(hosted.end()).filter(|(end, _)| *end <= at);
                lived.ready = hosted
                    .boots()
                    .filter(|boots| *boots <= end.as_ref().map_or(at, |(end, _)| *end));
                lived.ended = end.as_ref().map(|(end, _)| *end);
                lived.status = hosted.status(at);
            }
            // It never came to be.
            Err(_) => lived.ended = Some(at),
        }
        let until = lived.ended.unwrap_or(at);
        lived.used.extend(closed(&mut hold, until));
    }

    /// Ends the record with the run.
    pub(super) fn close(mut self, world: &World, visits: &[Visit]) -> Record {
        let to = self.record.to;
        let open: Vec<SessionId> = self.open.keys().cloned().collect();
        for id in open {
            self.ended(&id, to, world);
        }
        let parked: Vec<SlotId> = self.parked.keys().cloned().collect();
        for slot in parked {
            self.slot_unparked(&slot, to);
        }
        let served = world.clients.visits.iter().map(|visit| &visit.progress);
        let visited = |(visit, served): (&Visit, &VisitProgress)| Visited {
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
