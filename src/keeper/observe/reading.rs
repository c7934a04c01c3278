//! One answer about one session.

use std::borrow::Cow;

use crate::keeper::event::{Event, EventKind};
use crate::keeper::lease::LeaseClock;
use crate::keeper::observation::SessionReading;
use crate::keeper::session::{Session, Status};
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::{SessionId, Size, SlotId, Timestamp};

use super::credible::{Doubt, bounds_of_any};

impl KeeperState {
    pub(in crate::keeper) fn apply_reading(
        &mut self,
        policy: &Policy,
        answer: &SessionReading,
        events: &mut Vec<Event>,
    ) {
        let session = &answer.session;
        if !self.sessions.contains_key(&session.id) {
            let Some(slot) = self.slot_of(&session.id) else {
                return;
            };
            if self.ended.contains_key(&session.id) || session.status.is_terminal() {
                return;
            }
            self.adopt(policy, slot, session, answer.received, events);
        }
        let Some(managed) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let slot = managed.slot.clone();
        let older = managed.last_read.is_some_and(|at| at > answer.sent)
            || session.status.rank() < managed.status.rank();
        if older && !session.status.is_terminal() {
            return;
        }
        managed.last_read = Some(answer.sent);
        let doubt = Doubt::of(
            managed,
            self.limits,
            Some(answer.sent),
            answer.received,
            session,
        );
        let credible = managed.credible(doubt, session, answer.received, events);
        let session = &*credible;
        let before = managed.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        match session.status.rank() {
            0 => managed.starting_at = managed.starting_at.max(Some(answer.sent)),
            1 if doubt.elapsed => {
                managed.clock = managed
                    .clock
                    .or_else(|| bounds_of_any(managed, answer.received));
            }
            1 => {
                let reading =
                    LeaseClock::from_reading(answer.sent, answer.received, session.elapsed);
                let narrowed = managed
                    .starting_at
                    .map_or(Ok(reading), |at| reading.not_before(at));
                let agreed = narrowed.and_then(|r| managed.clock.map_or(Ok(r), |c| c.intersect(r)));
                if agreed.is_err() {
                    events.push(Event::about(
                        answer.received,
                        &slot,
                        &session.id,
                        EventKind::ClockReset,
                    ));
                    managed.starting_at = None;
                }
                managed.clock = Some(agreed.unwrap_or(reading));
            }
            _ => {
                let (at, status) = (answer.received, session.status.clone());
                let (minutes, certain) = if doubt.elapsed {
                    (managed.most_billed(at), false)
                } else {
                    (session.elapsed, true)
                };
                self.settle(
                    policy,
                    &session.id,
                    at,
                    status,
                    minutes,
                    certain,
                    session.error.clone(),
                    events,
                );
                return;
            }
        }
        self.report_progress(&slot, &session.id, &before, answer.received, events);
    }

    /// Says what an answer or a list has moved forward.
    pub(in crate::keeper) fn report_progress(
        &mut self,
        slot: &SlotId,
        id: &SessionId,
        before: &Before,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(managed) = self.sessions.get(id) else {
            return;
        };
        let mut tell = |what| events.push(Event::about(at, slot, id, what));
        let status = (before.status != managed.status).then_some(&managed.status);
        let size = (before.size != managed.size).then_some(&managed.size);
        unknown_words(status, size).for_each(&mut tell);
        if !before.seen && managed.status == Status::Starting {
            tell(EventKind::Booting);
        }
        if before.status.rank() == 0 && managed.is_ready() {
            let ready = managed.clock.map_or(at, LeaseClock::latest);
            let ends = ready + managed.granted.span();
            let after = ready - managed.created;
            self.boots.note(&slot.pool, after);
            tell(EventKind::Ready {
                address: managed.address.clone(),
                after,
                ends,
            });
        }
    }
}

/// The words among them that this version does not know.
pub(super) fn unknown_words(
    status: Option<&Status>,
    size: Option<&Size>,
) -> impl Iterator<Item = EventKind> {
    let status = status.and_then(|status| match status {
        Status::Other(word) => Some(word.to_string()),
        _ => None,
    });
    let size = size.and_then(|size| match size {
        Size::Other(word) => Some(word.to_string()),
        _ => None,
    });
    let words = status.into_iter().chain(size);
    words.map(|word| EventKind::UnknownWord { word })
}

/// What was known before an answer was taken over.
pub(in crate::keeper) struct Before {
    status: Status,
    size: Size,
    seen: bool,
    /// Whether anything has changed that must outlive the process. What was granted of a lease that
    /// is reserved anyway and the elapsed minutes are not: they change all the time, and are read
    /// again before anything rests on them.
    pub(in crate::keeper) worth_writing: bool,
}

impl ManagedSession {
    /// An answer without what cannot be true, which is told once.
    pub(super) fn credible<'a>(
        &mut self,
        doubt: Doubt,
        session: &'a Session,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Cow<'a, Session> {
        if !doubt.any() {
            return Cow::Borrowed(session);
        }
        if !std::mem::replace(&mut self.doubted, true) {
            let what = EventKind::Incredible {
                elapsed: session.elapsed,
                lease: session.max_lease,
            };
            events.push(Event::about(at, &self.slot, &self.id, what));
        }
        Cow::Owned(doubt.leave_out(self, session))
    }

    /// Takes over what the service says, where it is further than what is known.
    pub(in crate::keeper) fn take(&mut self, session: &Session) -> Before {
        let address = session.address.clone();
        let same = self.seen
            && self.status == session.status
            && self.size == session.size
            && self.reserved >= session.max_lease
            && (session.region.is_none() || self.region == session.region)
            && (address.is_none() || self.address == address);
        let before = Before {
            status: self.status.clone(),
            size: self.size.clone(),
            seen: self.seen,
            worth_writing: !same,
        };
        self.seen = true;
        self.absent = None;
        self.region = session.region.clone().or_else(|| self.region.take());
        self.size = session.size.clone();
        self.status = session.status.clone();
        self.granted = self.granted.max(session.max_lease);
        self.reserved = self.reserved.max(self.granted);
        self.elapsed = self.elapsed.max(session.elapsed);
        self.address = address.or_else(|| self.address.take());
        before
    }
}
