//! One session of the service: its life as a function of the instants that made it.
//!
//! Promises: it expires at ready + lease to the millisecond, whenever anyone asks; elapsed minutes
//! are rounded down; once it was seen to have ended it stays so, whatever the clock does.

use crate::host::engine::ServerAddress;
use crate::keeper::Status;
use crate::units::{Minutes, SessionId, Size, Timestamp};

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
    pub(super) fn as_of(&self, then: Timestamp) -> Option<Self> {
        let mut past = (self.created <= then).then(|| self.clone())?;
        if let Some((_, lease)) = past.former.iter().find(|(replaced, _)| *replaced > then) {
            past.lease = *lease;
        }
        past.stopped = past.stopped.filter(|at| *at <= then);
        past.settled = false;
        Some(past)
    }

    /// Where the server is, and since when or from when on.
    pub(super) const fn server(&self) -> Option<(Timestamp, &ServerAddress)> {
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
}
