//! The answer to a list, which may be old.

use std::collections::BTreeSet;

use crate::keeper::event::{Event, EventKind};
use crate::keeper::lease::LeaseClock;
use crate::keeper::observation::Listing;
use crate::keeper::session::Session;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::{Policy, Unmanaged};
use crate::units::{SessionId, SlotId, Timestamp};

use super::credible::{Doubt, bounds_of_any};
use super::reading::unknown_words;

impl KeeperState {
    pub(in crate::keeper) fn apply_listing(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        listing: &Listing,
        events: &mut Vec<Event>,
    ) {
        self.listed_at = Some(listing.received);
        // What a silent region holds besides is as it was.
        let mut unmanaged = std::mem::take(&mut self.unmanaged);
        let managed: BTreeSet<SessionId> = unmanaged.keys().cloned().collect();
        unmanaged.retain(|_, s| {
            s.region
                .as_ref()
                .is_some_and(|r| listing.unreachable.contains_key(r))
        });
        for session in &listing.sessions {
            if self.sessions.contains_key(&session.id) {
                self.apply_listed(session, listing.received, events);
            } else if let Some(slot) = self.slot_of(&session.id) {
                if !self.ended.contains_key(&session.id) && !session.status.is_terminal() {
                    self.adopt(policy, slot, session, listing.received, events);
                    self.apply_listed(session, listing.received, events);
                }
            } else {
                if policy.unmanaged == Unmanaged::Report && !managed.contains(&session.id) {
                    let what = EventKind::Unmanaged {
                        status: session.status.clone(),
                    };
                    events.push(Event {
                        at: now,
                        slot: None,
                        session: Some(session.id.clone()),
                        what,
                    });
                }
                unmanaged.insert(session.id.clone(), session.clone());
            }
        }
        self.unmanaged = unmanaged;
    }

    /// One line of a list about a session that is known: it may be old, so it only ever moves
    /// knowledge forward.
    fn apply_listed(&mut self, session: &Session, received: Timestamp, events: &mut Vec<Event>) {
        let Some(managed) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let news = !managed.seen
            || session.status.rank() > managed.status.rank()
            || session.max_lease > managed.granted
            || session.elapsed > managed.elapsed;
        if session.status.is_terminal() || session.status.rank() < managed.status.rank() || !news {
            return;
        }
        let slot = managed.slot.clone();
        let doubt = Doubt::of(managed, self.limits, None, received, session);
        let credible = managed.credible(doubt, session, received, events);
        let session = &*credible;
        let before = managed.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        if session.status.rank() == 1 && doubt.elapsed {
            managed.clock = managed.clock.or_else(|| bounds_of_any(managed, received));
        } else if session.status.rank() == 1 {
            let latest = received - session.elapsed.span();
            let bounds = match managed.clock {
                Some(clock) => clock.at_least(received, session.elapsed).ok(),
                None => managed
                    .starting_at
                    .and_then(|after| LeaseClock::new(after, latest)),
            };
            if managed.clock.is_some() && bounds.is_none() {
                events.push(Event::about(
                    received,
                    &slot,
                    &session.id,
                    EventKind::ClockReset,
                ));
                managed.starting_at = None;
            }
            managed.clock = bounds;
        }
        self.report_progress(&slot, &session.id, &before, received, events);
    }

    /// A session of ours that this memory did not know: somebody else's memory asked for it. It
    /// counts as active now.
    pub(in crate::keeper) fn adopt(
        &mut self,
        policy: &Policy,
        slot: SlotId,
        session: &Session,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let what = EventKind::Adopted {
            status: session.status.clone(),
            lease: session.max_lease,
        };
        let words = unknown_words(Some(&session.status), Some(&session.size));
        let told = std::iter::once(what).chain(words);
        events.extend(told.map(|what| Event::about(now, &slot, &session.id, what)));
        let mut managed = ManagedSession::intended(
            session.id.clone(),
            slot,
            session.region.clone(),
            session.size.clone(),
            session.max_lease.min(self.limits.longest_lease()),
            now,
        );
        managed.service = policy.service_of(session.region.as_ref());
        managed.starting_at = None;
        managed.active = Some(now);
        managed.seen = true;
        managed.status = session.status.clone();
        self.changes.sessions.insert(session.id.clone());
        self.sessions.insert(session.id.clone(), managed);
    }
}
