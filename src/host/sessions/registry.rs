//! The state machine of sessions: pure, driven by instants that come in as values.
//!
//! Promises: a session expires at ready + lease to the millisecond, whenever anyone asks; elapsed
//! minutes are rounded down; a lease only grows; a terminal session stays as it ended and can be
//! read for 30 days.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use chrono::{Datelike, Timelike};

use crate::arr::limits::LARGEST_UPDATE;
use crate::arr::wire::{ErrorDetail, SessionBody};
use crate::host::engine::{Boot, Engine, ServerAddress};
use crate::keeper::Status;
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

/// How long a terminal session can be read.
const READABLE: Span = Span::hours(30 * 24);

/// One session of the service.
#[derive(Clone, Debug)]
pub struct HostedSession {
    /// Its id.
    pub id: SessionId,
    /// The kind of server.
    pub size: Size,
    /// Its lease, from Ready.
    pub lease: Minutes,
    /// When it was created.
    pub created: Timestamp,
    /// The lease it was created with.
    pub(in crate::host) asked: Minutes,
    pub(in crate::host) boot: BootOutcome,
    pub(in crate::host) stopped: Option<Timestamp>,
    /// Whether it was seen to have ended: then it has, even where a clock was set back since.
    pub(in crate::host) settled: bool,
    /// Former leases, each with the instant at which it was replaced.
    pub(in crate::host) former: Vec<(Timestamp, Minutes)>,
}

/// How the server of a session boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host) enum BootOutcome {
    /// It is reached from an instant on.
    Ready(Timestamp, ServerAddress),
    /// It turns out at an instant that there will be none.
    Fails(Timestamp, BootFailure),
}

/// Why a session has no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum BootFailure {
    OutOfServers,
    Broken,
}

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

impl HostedSession {
    /// When the session ended or will, if nothing is done: by a stop, a failed boot, or its lease.
    pub fn end(&self) -> (Timestamp, Status) {
        let by_itself = match &self.boot {
            BootOutcome::Ready(at, _) => (*at + self.lease.span(), Status::Expired),
            BootOutcome::Fails(at, _) => (*at, Status::Error),
        };
        self.stopped
            .map(|at| (at, Status::Stopped))
            .filter(|(at, _)| *at <= by_itself.0)
            .unwrap_or(by_itself)
    }

    /// The session as it was at an earlier instant, if it was there.
    fn as_of(&self, then: Timestamp) -> Option<Self> {
        let mut past = (self.created <= then).then(|| self.clone())?;
        if let Some((_, lease)) = past.former.iter().find(|(replaced, _)| *replaced > then) {
            past.lease = *lease;
        }
        past.stopped = past.stopped.filter(|at| *at <= then);
        past.settled = false;
        Some(past)
    }

    /// Where the server is, and since when or from when on.
    const fn server(&self) -> Option<(Timestamp, &ServerAddress)> {
        match &self.boot {
            BootOutcome::Ready(at, place) => Some((*at, place)),
            BootOutcome::Fails(..) => None,
        }
    }

    /// When it became Ready or will, if it is not stopped before.
    pub fn boots(&self) -> Option<Timestamp> {
        self.server().map(|(at, _)| at)
    }

    /// Where it is reached.
    pub fn place(&self) -> Option<&ServerAddress> {
        self.server().map(|(_, place)| place)
    }

    /// Where it is in its life at an instant.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.end() {
            (at, status) if self.settled || at <= now => status,
            _ if self.server().is_some_and(|(at, _)| at <= now) => Status::Ready,
            _ => Status::Starting,
        }
    }

    /// Whole minutes in Ready at an instant, rounded down.
    pub fn elapsed(&self, now: Timestamp) -> Minutes {
        let (end, _) = self.end();
        let until = if self.settled { end } else { end.min(now) };
        self.server()
            .map_or(Minutes::ZERO, |(from, _)| (until - from).floor_minutes())
    }

    /// The session's properties as they go over the wire.
    pub fn body(&self, now: Timestamp) -> SessionBody {
        let status = self.status(now);
        let place = self
            .server()
            .map(|(_, place)| place)
            .filter(|_| status == Status::Ready);
        let booted = self
            .server()
            .filter(|(at, _)| *at <= self.end().0 && (self.settled || *at <= now));
        let speed = booted.map(|(_, place)| place);
        let message = match &self.boot {
            BootOutcome::Fails(_, BootFailure::OutOfServers) => {
                Some(format!("No {} servers are available.", self.size))
            }
            BootOutcome::Fails(_, BootFailure::Broken) => {
                Some("The server could not be started.".into())
            }
            BootOutcome::Ready(..) => None,
        };
        let error = message
            .filter(|_| status == Status::Error)
            .map(|message| ErrorDetail {
                code: "InternalServerError".into(),
                message,
                ..ErrorDetail::default()
            });
        SessionBody {
            id: self.id.to_string(),
            creation_time: Some(creation_time(self.created)),
            hostname: place.map(|p| p.hostname.clone()),
            handshake_port: place.map(|p| p.handshake_port.into()),
            arr_inspector_port: place.map(|p| p.inspector_port.into()),
            elapsed_time_minutes: Some(self.elapsed(now).get().into()),
            max_lease_time_minutes: Some(self.lease.get().into()),
            size: Some(self.size.to_string()),
            status: status.as_str().into(),
            teraflops: speed
                .and_then(|p| serde_json::Number::from_f64(f64::from(p.decitflops) / 10.0)),
            error,
        }
    }
}

/// An instant as the service writes it, with six fractional digits. A list has a thousand of them,
/// and a pattern that is read anew for each would take longer than all the rest.
fn creation_time(at: Timestamp) -> String {
    let at = at.to_utc();
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second, micros) = (
        at.hour(),
        at.minute(),
        at.second(),
        at.timestamp_subsec_micros(),
    );
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// What time alone has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeChanges {
    /// The sessions that have ended.
    pub ended: Vec<SessionId>,
    /// The sessions that ended so long ago that they are forgotten.
    pub forgotten: Vec<SessionId>,
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
        self.settle(now);
        if let Some(there) = self.sessions.get(id) {
            // The lease may have been extended since; a retry names the first one.
            let same = there.size == *size && there.asked == lease;
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
        let session_now = HostedSession {
            id: id.clone(),
            size: size.clone(),
            lease,
            created: now,
            asked: lease,
            boot,
            stopped: None,
            settled: false,
            former: Vec::new(),
        };
        self.live.insert(id.clone());
        self.due.insert((session_now.end().0, id.clone()));
        Ok((true, self.sessions.entry(id.clone()).or_insert(session_now)))
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
        let session_now = self.sessions.get_mut(id).ok_or(RegistryError::NotFound)?;
        if session_now.status(now).is_terminal() {
            return Err(RegistryError::Ended);
        }
        if lease > LARGEST_UPDATE {
            return Err(RegistryError::AboveMaximum);
        }
        if lease <= session_now.lease {
            return Err(RegistryError::NotLarger);
        }
        self.due.remove(&(session_now.end().0, id.clone()));
        session_now.former.push((now, session_now.lease));
        session_now.lease = lease;
        self.due.insert((session_now.end().0, id.clone()));
        engine.extend(id, lease);
        Ok(session_now)
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
        let session_now = self.sessions.get_mut(id).ok_or(RegistryError::NotFound)?;
        if !session_now.status(now).is_terminal() {
            self.due.remove(&(session_now.end().0, id.clone()));
            session_now.stopped = Some(now);
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
            if let Some(session_now) = self.sessions.get_mut(&id) {
                session_now.settled = true;
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
    pub(in crate::host) fn restore(&mut self, session_now: HostedSession) {
        let entry = (session_now.end().0, session_now.id.clone());
        if session_now.settled {
            self.ended.insert(entry);
        } else {
            self.live.insert(session_now.id.clone());
            self.due.insert(entry);
        }
        self.sessions.insert(session_now.id.clone(), session_now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::engine::Simulated;

    fn id() -> SessionId {
        SessionId::new("s").expect("an id")
    }
    fn engine() -> Simulated {
        Simulated {
            boot_delay: Span::seconds(10),
            capacity: 1,
        }
    }

    #[test]
    fn a_session_expires_at_the_end_of_its_lease_to_the_millisecond() {
        let (mut registry, at) = (SessionRegistry::default(), Timestamp::from_millis);
        registry
            .create(
                &mut engine(),
                &id(),
                &Size::Standard,
                Minutes::new(2),
                at(0),
            )
            .expect("created");
        let seen = |ms| {
            let s = registry.get(&id()).expect("there");
            (s.status(at(ms)), s.elapsed(at(ms)).get())
        };
        assert_eq!(seen(9_999), (Status::Starting, 0));
        assert_eq!(seen(10_000), (Status::Ready, 0));
        assert_eq!(seen(129_999), (Status::Ready, 1));
        assert_eq!(seen(130_000), (Status::Expired, 2));
        assert_eq!(seen(999_999_999), (Status::Expired, 2));
    }

    #[test]
    fn an_ended_session_can_be_read_for_30_days_and_its_id_is_free_after() {
        let (mut registry, mut engine) = (SessionRegistry::default(), engine());
        let day = |n: i64| Timestamp::default() + Span::hours(24 * n);
        registry
            .create(&mut engine, &id(), &Size::Standard, Minutes::new(9), day(0))
            .expect("created");
        registry.stop(&mut engine, &id(), day(1)).expect("there");
        let ended = day(0) + Span::seconds(10) + Span::minutes(9);
        assert_eq!(
            registry.settle(ended + Span::hours(30 * 24) - Span::millis(1)),
            TimeChanges::default()
        );
        assert_eq!(
            registry.get(&id()).expect("readable").status(day(30)),
            Status::Expired
        );
        let again = registry
            .create(&mut engine, &id(), &Size::Premium, Minutes::new(9), day(30))
            .map(|(new, _)| new);
        assert_eq!(again.expect_err("its id is taken"), RegistryError::Conflict);
        assert_eq!(
            registry.settle(ended + Span::hours(30 * 24)).forgotten,
            [id()]
        );
        assert_eq!(
            registry.get(&id()).expect_err("forgotten"),
            RegistryError::NotFound
        );
        assert!(
            registry
                .create(&mut engine, &id(), &Size::Premium, Minutes::new(9), day(31))
                .expect("free")
                .0
        );
    }

    #[test]
    fn a_time_of_creation_has_six_fractional_digits_and_an_offset() {
        assert_eq!(
            creation_time(Timestamp::from_millis(1_616_433_083_214)),
            "2021-03-22T17:11:23.214000+00:00"
        );
        assert_eq!(
            creation_time(Timestamp::default()),
            "1970-01-01T00:00:00.000000+00:00"
        );
    }

    #[test]
    fn an_older_list_shows_older_leases_and_sessions_that_have_ended_since() {
        let (mut registry, mut engine) = (
            SessionRegistry::default(),
            Simulated {
                boot_delay: Span::ZERO,
                capacity: 9,
            },
        );
        let at = |n| Timestamp::default() + Span::minutes(n);
        let [a, b, c] = ["a", "b", "c"].map(|id| SessionId::new(id).expect("an id"));
        registry
            .create(&mut engine, &a, &Size::Standard, Minutes::new(20), at(0))
            .expect("created");
        registry
            .create(&mut engine, &b, &Size::Standard, Minutes::new(20), at(1))
            .expect("created");
        registry
            .extend(&mut engine, &a, Minutes::new(30), at(2))
            .expect("extended");
        registry.stop(&mut engine, &b, at(3)).expect("there");
        registry
            .create(&mut engine, &c, &Size::Standard, Minutes::new(20), at(4))
            .expect("created");
        let then = |n| {
            let past = registry.live_as_of(at(n), None);
            past.map(|s| format!("{} {} {}", s.id, s.lease, s.elapsed(at(n))))
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(then(0), "a 20m 0m");
        assert_eq!(then(1), "a 20m 1m, b 20m 0m");
        assert_eq!(then(2), "a 30m 2m, b 20m 1m");
        assert_eq!(then(3), "a 30m 3m");
        assert_eq!(then(4), "a 30m 4m, c 20m 0m");
    }

    #[test]
    fn a_region_without_servers_ends_the_session_in_error() {
        let (mut registry, mut engine) = (SessionRegistry::default(), engine());
        let other = SessionId::new("t").expect("an id");
        registry
            .create(
                &mut engine,
                &id(),
                &Size::Standard,
                Minutes::new(9),
                Timestamp::default(),
            )
            .expect("created");
        registry
            .create(
                &mut engine,
                &other,
                &Size::Standard,
                Minutes::new(9),
                Timestamp::default(),
            )
            .expect("created");
        let body = registry
            .get(&other)
            .expect("there")
            .body(Timestamp::from_millis(10_000));
        assert_eq!(
            (
                body.status.as_str(),
                body.error.expect("an error").message.as_str()
            ),
            ("Error", "No Standard servers are available.")
        );
    }

    proptest! {
        #[test]
        fn a_lease_only_grows_and_a_terminal_session_stays_as_it_ended(
            requests in proptest::collection::vec((1i64..40_000, 0u8..3, 0u32..1_500), 1..40),
        ) {
            let (mut registry, mut engine, mut now) = (SessionRegistry::default(), engine(), Timestamp::default());
            registry.create(&mut engine, &id(), &Size::Standard, Minutes::new(1), now).expect("created");
            let mut ended = None;
            for (pause, what, lease) in requests {
                now += Span::millis(pause);
                let before = registry.get(&id()).expect("there").lease;
                match what {
                    0 => { let _ = registry.extend(&mut engine, &id(), Minutes::new(lease), now); }
                    1 if lease % 7 == 0 => registry.stop(&mut engine, &id(), now).expect("there"),
                    _ => {}
                }
                let s = registry.get(&id()).expect("there");
                prop_assert!(s.lease >= before && s.lease <= LARGEST_UPDATE);
                let seen = (s.status(now), s.elapsed(now));
                if let Some(ended) = &ended { prop_assert_eq!(ended, &seen); }
                if seen.0.is_terminal() { ended = Some(seen); }
            }
        }
    }
}
