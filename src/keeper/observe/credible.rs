//! Which numbers of an answer can be true.
//!
//! A service can say anything. What it says of minutes and leases is held against what it can grant
//! at all, and against when the session can have become Ready. A number that cannot be is passed
//! over for that session alone: what is known stays, and it is never a reason to stop or to pay.
//! What contradicts the known bounds by no more than a minute is left to the lease clock, because
//! minutes are rounded and clocks drift apart.

use crate::keeper::lease::LeaseClock;
use crate::keeper::session::{Session, Status};
use crate::keeper::state::ManagedSession;
use crate::policy::Limits;
use crate::units::{Minutes, Span, Timestamp};

/// How far an answer may be from what is known.
const TOLERANCE: Span = Span::minutes(1);

/// Which numbers of an answer cannot be true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Its minutes in Ready.
    pub(super) elapsed: bool,
    /// Its lease.
    pub(super) lease: bool,
}

impl Doubt {
    /// What cannot be true of an answer about `known` that was asked for at `sent` and there at
    /// `received`. A list has no `sent`: it may be old.
    pub(super) fn of(
        known: &ManagedSession,
        limits: Limits,
        sent: Option<Timestamp>,
        received: Timestamp,
        session: &Session,
    ) -> Self {
        let longest = limits.longest_lease();
        Self {
            elapsed: session.elapsed > longest.plus(Minutes::new(1))
                || contradicts(known, sent, received, session),
            lease: session.max_lease > longest,
        }
    }

    /// Whether there is any.
    pub(super) const fn any(self) -> bool {
        self.elapsed || self.lease
    }

    /// The answer without what cannot be true.
    pub(super) fn leave_out(self, known: &ManagedSession, session: &Session) -> Session {
        let mut session = session.clone();
        if self.elapsed {
            session.elapsed = known.elapsed;
        }
        if self.lease {
            session.max_lease = known.granted;
        }
        session
    }
}

fn contradicts(
    known: &ManagedSession,
    sent: Option<Timestamp>,
    received: Timestamp,
    session: &Session,
) -> bool {
    let earliest = known.starting_at.max(known.clock.map(LeaseClock::earliest));
    let too_long = earliest.is_some_and(|at| received - session.elapsed.span() + TOLERANCE < at);
    let too_short = match (&session.status, sent) {
        (Status::Starting, _) => return session.elapsed > Minutes::ZERO,
        // It may have ended long ago, but not before what was heard of it.
        (status, Some(_)) if status.is_terminal() => {
            session.elapsed.plus(Minutes::new(1)) < known.elapsed
        }
        (_, Some(sent)) => known.clock.is_some_and(|clock| {
            let after = LeaseClock::from_reading(sent, received, session.elapsed).earliest();
            after > clock.latest() + TOLERANCE
        }),
        (_, None) => false,
    };
    too_long || too_short
}

/// Between which instants a session must have become Ready that is Ready at `received`, where
/// nothing is known of its minutes: since it was last seen Starting, or its lease would be over.
pub(super) fn bounds_of_any(known: &ManagedSession, received: Timestamp) -> Option<LeaseClock> {
    let at_most = received - known.granted.span() - TOLERANCE;
    LeaseClock::new(
        known.starting_at.map_or(at_most, |at| at.max(at_most)),
        received,
    )
}
