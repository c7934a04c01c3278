//! The state machine of sessions: pure, driven by instants that come in as values.
//!
//! Promises: a session expires at ready + lease to the millisecond, whenever anyone asks; elapsed minutes are rounded
//! down; a lease only grows; a terminal session stays as it ended and can be read for 30 days.

use std::collections::BTreeMap;

use crate::arr::wire::{ErrorDetail, SessionBody};
use crate::keeper::Status;
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

use super::engine::{Boot, Engine, Place};

/// How long a terminal session can be read.
const READABLE: Span = Span::hours(30 * 24);

/// One session of the service.
#[derive(Clone, Debug)]
pub struct Rented {
    /// Its id.
    pub id: SessionId,
    /// The kind of server.
    pub size: Size,
    /// Its lease, from Ready.
    pub lease: Minutes,
    /// When it was created.
    pub created: Timestamp,
    /// The lease it was created with.
    asked: Minutes,
    boots: Option<Timestamp>,
    fails: Option<Timestamp>,
    place: Option<Place>,
    stopped: Option<Timestamp>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
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

impl Rented {
    /// When the session ended or will, if nothing is done: by a stop, a failed boot, or its lease.
    pub fn end(&self) -> Option<(Timestamp, Status)> {
        let expires = self.boots.map(|at| (at + self.lease.span(), Status::Expired));
        let fails = self.fails.map(|at| (at, Status::Error));
        let stopped = self.stopped.map(|at| (at, Status::Stopped));
        [stopped, fails, expires].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// When it became Ready or will, if it is not stopped before.
    pub const fn boots(&self) -> Option<Timestamp> {
        self.boots
    }

    /// Where it is reached.
    pub const fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Where it is in its life at an instant.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.end() {
            Some((at, status)) if at <= now => status,
            _ if self.boots.is_some_and(|at| at <= now) => Status::Ready,
            _ => Status::Starting,
        }
    }

    /// Whole minutes in Ready at an instant, rounded down.
    pub fn elapsed(&self, now: Timestamp) -> Minutes {
        let until = self.end().map_or(now, |(at, _)| at.min(now));
        self.boots.map_or(Minutes::ZERO, |from| (until - from).floor_minutes())
    }

    /// The session's properties as they go over the wire.
    pub fn body(&self, now: Timestamp) -> SessionBody {
        let status = self.status(now);
        let place = self.place.as_ref().filter(|_| status == Status::Ready);
        let speed = self.place.as_ref().filter(|_| status != Status::Starting);
        let error = (status == Status::Error).then(|| ErrorDetail {
            code: "InternalServerError".into(),
            message: format!("No {} servers are available.", self.size),
            ..ErrorDetail::default()
        });
        SessionBody {
            id: self.id.to_string(),
            creation_time: Some(self.created.to_utc().format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()),
            hostname: place.map(|p| p.hostname.clone()),
            handshake_port: place.map(|p| p.handshake_port.into()),
            arr_inspector_port: place.map(|p| p.inspector_port.into()),
            elapsed_time_minutes: Some(self.elapsed(now).get().into()),
            max_lease_time_minutes: Some(self.lease.get().into()),
            size: Some(self.size.to_string()),
            status: status.as_str().into(),
            teraflops: speed.and_then(|p| serde_json::Number::from_f64(f64::from(p.decitflops) / 10.0)),
            error,
        }
    }
}

/// All sessions of one account.
#[derive(Debug, Default)]
pub struct Book {
    sessions: BTreeMap<SessionId, Rented>,
}

impl Book {
    /// Creates a session, or finds that the same one exists. Returns whether it is new.
    ///
    /// # Errors
    /// [`Refused::Conflict`] where the id exists with other settings.
    pub fn create(
        &mut self,
        engine: &mut dyn Engine,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
        now: Timestamp,
    ) -> Result<(bool, &Rented), Refused> {
        self.forget(now);
        if let Some(there) = self.sessions.get(id) {
            // The lease may have been extended since; a retry names the first one.
            let same = there.size == *size && there.asked == lease;
            return if same { Ok((false, &self.sessions[id])) } else { Err(Refused::Conflict) };
        }
        let live = self.sessions.values().filter(|s| !s.status(now).is_terminal()).count();
        let (boots, fails, place) = match engine.start(id, size, live) {
            Boot::Ready { after, at } => (Some(now + after), None, Some(at)),
            Boot::OutOfServers { after } => (None, Some(now + after), None),
        };
        let rented = Rented {
            id: id.clone(),
            size: size.clone(),
            lease,
            created: now,
            asked: lease,
            boots,
            fails,
            place,
            stopped: None,
        };
        Ok((true, self.sessions.entry(id.clone()).or_insert(rented)))
    }

    /// One session, live or ended.
    ///
    /// # Errors
    /// [`Refused::NotFound`].
    pub fn get(&self, id: &SessionId) -> Result<&Rented, Refused> {
        self.sessions.get(id).ok_or(Refused::NotFound)
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
    ) -> Result<&Rented, Refused> {
        let rented = self.sessions.get_mut(id).ok_or(Refused::NotFound)?;
        if rented.status(now).is_terminal() {
            return Err(Refused::Ended);
        }
        if lease >= Minutes::SERVICE_CAP {
            return Err(Refused::AboveMaximum);
        }
        if lease <= rented.lease {
            return Err(Refused::NotLarger);
        }
        rented.lease = lease;
        engine.extend(id, lease);
        Ok(rented)
    }

    /// Stops a session; one that has ended stays as it ended.
    ///
    /// # Errors
    /// [`Refused::NotFound`].
    pub fn stop(&mut self, engine: &mut dyn Engine, id: &SessionId, now: Timestamp) -> Result<(), Refused> {
        let rented = self.sessions.get_mut(id).ok_or(Refused::NotFound)?;
        if !rented.status(now).is_terminal() {
            rented.stopped = Some(now);
            engine.stop(id);
        }
        Ok(())
    }

    /// Every session that can still be read, by id.
    pub fn all(&self) -> impl Iterator<Item = &Rented> {
        self.sessions.values()
    }

    /// The sessions that are Starting or Ready, by id, after `from`.
    pub fn live(&self, now: Timestamp, from: Option<&SessionId>) -> impl Iterator<Item = &Rented> {
        let after = from.cloned();
        self.sessions.values().filter(move |s| after.as_ref().is_none_or(|a| s.id > *a) && !s.status(now).is_terminal())
    }

    /// Forgets sessions that ended more than 30 days ago.
    fn forget(&mut self, now: Timestamp) {
        self.sessions.retain(|_, s| s.end().is_none_or(|(at, _)| now - at < READABLE));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::engine::Simulated;
    use super::*;

    fn id() -> SessionId {
        SessionId::new("s").expect("an id")
    }
    fn engine() -> Simulated {
        Simulated { boot_delay: Span::seconds(10), capacity: 1 }
    }

    #[test]
    fn a_session_expires_at_the_end_of_its_lease_to_the_millisecond() {
        let (mut book, at) = (Book::default(), Timestamp::from_millis);
        book.create(&mut engine(), &id(), &Size::Standard, Minutes::new(2), at(0)).expect("created");
        let seen = |ms| {
            let s = book.get(&id()).expect("there");
            (s.status(at(ms)), s.elapsed(at(ms)).get())
        };
        assert_eq!(seen(9_999), (Status::Starting, 0));
        assert_eq!(seen(10_000), (Status::Ready, 0));
        assert_eq!(seen(129_999), (Status::Ready, 1));
        assert_eq!(seen(130_000), (Status::Expired, 2));
        assert_eq!(seen(999_999_999), (Status::Expired, 2));
    }

    #[test]
    fn a_region_without_servers_ends_the_session_in_error() {
        let (mut book, mut engine) = (Book::default(), engine());
        let other = SessionId::new("t").expect("an id");
        book.create(&mut engine, &id(), &Size::Standard, Minutes::new(9), Timestamp::default()).expect("created");
        book.create(&mut engine, &other, &Size::Standard, Minutes::new(9), Timestamp::default()).expect("created");
        let body = book.get(&other).expect("there").body(Timestamp::from_millis(10_000));
        assert_eq!(
            (body.status.as_str(), body.error.expect("an error").message.as_str()),
            ("Error", "No Standard servers are available.")
        );
    }

    proptest! {
        #[test]
        fn a_lease_only_grows_and_a_terminal_session_stays_as_it_ended(
            requests in proptest::collection::vec((1i64..40_000, 0u8..3, 0u32..1_500), 1..40),
        ) {
            let (mut book, mut engine, mut now) = (Book::default(), engine(), Timestamp::default());
            book.create(&mut engine, &id(), &Size::Standard, Minutes::new(1), now).expect("created");
            let mut ended = None;
            for (pause, what, lease) in requests {
                now += Span::millis(pause);
                let before = book.get(&id()).expect("there").lease;
                match what {
                    0 => { let _ = book.extend(&mut engine, &id(), Minutes::new(lease), now); }
                    1 if lease % 7 == 0 => book.stop(&mut engine, &id(), now).expect("there"),
                    _ => {}
                }
                let s = book.get(&id()).expect("there");
                prop_assert!(s.lease >= before && s.lease < Minutes::SERVICE_CAP);
                let seen = (s.status(now), s.elapsed(now));
                if let Some(ended) = &ended { prop_assert_eq!(ended, &seen); }
                if seen.0.is_terminal() { ended = Some(seen); }
            }
        }
    }
}
