//! The state machine of one account's sessions: pure, driven by instants that come in as values.
//!
//! Promises: a lease only grows; a terminal session stays as it ended and can be read for 30 days.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::arr::limits::LARGEST_UPDATE;
use crate::host::engine::{Boot, Engine};
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

use super::session::{BootFailure, BootOutcome, HostedSession};

/// How long a terminal session can be read.
const READABLE: Span = Span::hours(30 * 24);

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryError {
    /// No such session.
    NotFound,
    /// The id exists with other settings.
    Conflict,
    /// The new lease is not larger than the present one.
    NotLarger,
    /// The new lease is not below the maximum.
    AboveMaximum,
    /// The session has ended.
    Ended,
}

/// What time alone has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeChanges {
    /// The sessions that have ended.
    pub ended: Vec<SessionId>,
    /// The sessions that ended so long ago that they are forgotten.
    pub forgotten: Vec<SessionId>,
}

impl HostedSession {
    /// Whether its lease can be set to this total.
    pub(in crate::host) fn may_extend(
        &self,
        lease: Minutes,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        if self.status(now).is_terminal() {
            Err(RegistryError::Ended)
        } else if lease > LARGEST_UPDATE {
            Err(RegistryError::AboveMaximum)
        } else if lease <= self.lease {
            Err(RegistryError::NotLarger)
        } else {
            Ok(())
        }
    }
}

/// All sessions of one account.
#[derive(Debug, Default)]
pub struct SessionRegistry {
    sessions: BTreeMap<SessionId, HostedSession>,
    /// Those that had not ended when the time was last told.
    live: BTreeSet<SessionId>,
    /// When each of those ends, if nothing is done.
    due: BTreeSet<(Timestamp, SessionId)>,
    /// When each of the others ended.
    ended: BTreeSet<(Timestamp, SessionId)>,
}

impl SessionRegistry {
    /// Creates a session, or finds that the same one exists. Returns whether it is new.
    ///
    /// # Errors
    /// [`RegistryError::Conflict`] where the id exists with other settings.
    pub fn create(
        &mut self,
        engine: &mut dyn Engine,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
        now: Timestamp,
    ) -> Result<(bool, &HostedSession), RegistryError> {
        self.create_granting(engine, id, size, lease, lease, now)
    }

    /// The same, where the lease that is granted is shorter than the one that was asked for.
    pub(in crate::host) fn create_granting(
        &mut self,
        engine: &mut dyn Engine,
        id: &SessionId,
        size: &Size,
        asked: Minutes,
        granted: Minutes,
        now: Timestamp,
    ) -> Result<(bool, &HostedSession), RegistryError> {
        self.settle(now);
        if let Some(there) = self.sessions.get(id) {
            // The lease may have been extended since; a retry names the first one.
            let same = there.size == *size && there.asked == asked;
            return if same {
                Ok((false, &self.sessions[id]))
            } else {
                Err(RegistryError::Conflict)
            };
        }
        let boot = match engine.start(id, size, self.live.len()) {
            Boot::Ready { after, at } => BootOutcome::Ready(now + after, at),
            Boot::OutOfServers { after } => {
                BootOutcome::Fails(now + after, BootFailure::OutOfServers)
            }
            Boot::Broken { after } => BootOutcome::Fails(now + after, BootFailure::Broken),
        };
        let session = HostedSession {
            id: id.clone(),
            size: size.clone(),
            lease: granted,
            created: now,
            asked,
            boot,
            stopped: None,
            settled: false,
            former: Vec::new(),
        };
        self.live.insert(id.clone());
        self.due.insert((session.end().0, id.clone()));
        Ok((true, self.sessions.entry(id.clone()).or_insert(session)))
    }

    /// One session, live or ended. Those that ended long ago are gone once [`Self::settle`] has
    /// been told the time.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`].
    pub fn get(&self, id: &SessionId) -> Result<&HostedSession, RegistryError> {
        self.sessions.get(id).ok_or(RegistryError::NotFound)
    }

    /// How many sessions are known, live and ended.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many had not ended when the time was last told.
    pub fn live_len(&self) -> usize {
        self.live.len()
    }

    /// Whether no session is known.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Sets a session's total lease.
    ///
    /// # Errors
    /// If there is none, it has ended, or the total is not larger than now and below the maximum.
    pub fn extend(
        &mut self,
        engine: &mut dyn Engine,
        id: &SessionId,
        lease: Minutes,
        now: Timestamp,
    ) -> Result<&HostedSession, RegistryError> {
        let session = self.sessions.get_mut(id).ok_or(RegistryError::NotFound)?;
        session.may_extend(lease, now)?;
        self.due.remove(&(session.end().0, id.clone()));
        session.former.push((now, session.lease));
        session.lease = lease;
        self.due.insert((session.end().0, id.clone()));
        engine.extend(id, lease);
        Ok(session)
    }

    /// Stops a session; one that has ended stays as it ended.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`].
    pub fn stop(
        &mut self,
        engine: &mut dyn Engine,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let session = self.sessions.get_mut(id).ok_or(RegistryError::NotFound)?;
        if !session.status(now).is_terminal() {
            self.due.remove(&(session.end().0, id.clone()));
            session.stopped = Some(now);
            self.due.insert((now, id.clone()));
            engine.stop(id);
        }
        self.settle(now);
        Ok(())
    }

    /// Every session that can still be read, by id.
    pub fn all(&self) -> impl Iterator<Item = &HostedSession> {
        self.sessions.values()
    }

    /// The sessions that are Starting or Ready, by id, after `from`.
    pub fn live(
        &self,
        now: Timestamp,
        from: Option<&SessionId>,
    ) -> impl Iterator<Item = &HostedSession> {
        let from = from.map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        let ids = self.live.range((from, Bound::Unbounded));
        ids.filter_map(|id| self.sessions.get(id))
            .filter(move |s| !s.status(now).is_terminal())
    }

    /// What [`Self::live`] was at an earlier instant.
    pub fn live_as_of(
        &self,
        then: Timestamp,
        from: Option<&SessionId>,
    ) -> impl Iterator<Item = HostedSession> {
        let from = from.map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        let sessions = self.sessions.range((from, Bound::Unbounded));
        sessions
            .filter_map(move |(_, s)| s.as_of(then))
            .filter(move |s| !s.status(then).is_terminal())
    }

    /// Tells the time: what has ended by now is no longer live, and what ended more than 30 days
    /// ago is forgotten. Returns what has changed since the time was last told.
    pub fn settle(&mut self, now: Timestamp) -> TimeChanges {
        let mut settled = TimeChanges::default();
        while let Some((at, id)) = self.due.first().filter(|(at, _)| *at <= now).cloned() {
            self.due.pop_first();
            self.live.remove(&id);
            if let Some(session) = self.sessions.get_mut(&id) {
                session.settled = true;
            }
            self.ended.insert((at, id.clone()));
            settled.ended.push(id);
        }
        while self
            .ended
            .first()
            .is_some_and(|(at, _)| now - *at >= READABLE)
        {
            if let Some((_, id)) = self.ended.pop_first() {
                self.sessions.remove(&id);
                settled.forgotten.push(id);
            }
        }
        settled
    }

    /// Puts back a session that was kept.
    pub(in crate::host) fn restore(&mut self, session: HostedSession) {
        let entry = (session.end().0, session.id.clone());
        if session.settled {
            self.ended.insert(entry);
        } else {
            self.live.insert(session.id.clone());
            self.due.insert(entry);
        }
        self.sessions.insert(session.id.clone(), session);
    }
}
