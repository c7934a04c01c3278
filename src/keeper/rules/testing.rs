//! One session in one pool, for the tests of a rule: Ready for five minutes, unused, and nothing
//! special about it.

use crate::keeper::lease::LeaseClock;
use crate::keeper::session::Status;
use crate::keeper::state::{ManagedSession, SlotState};
use crate::keeper::tests::world::pool;
use crate::policy::Pool;

pub(super) use crate::keeper::tests::world::LIMITS;
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

use super::context::{ScheduleNow, SessionContext, Verdict};

pub(super) struct Case {
    pub(super) pool: Pool,
    pub(super) session: ManagedSession,
    pub(super) is_stock: bool,
    pub(super) is_spare: bool,
    pub(super) needs_since: Option<Timestamp>,
    pub(super) is_surplus: bool,
    pub(super) ready_successor: Option<SessionId>,
    slot: Option<SlotState>,
    now: Timestamp,
}

/// A Monday morning at eight.
pub(super) fn now() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("an instant")
}

pub(super) fn minutes(n: i64) -> Span {
    Span::minutes(n)
}

pub(super) fn case() -> Case {
    let mut session = ManagedSession::intended(
        "st-a-0-01".parse().expect("an id"),
        "a/0".parse().expect("a slot"),
        None,
        Size::Standard,
        Minutes::new(20),
        now() - minutes(6),
    );
    (session.status, session.seen) = (Status::Ready, true);
    session.granted = Minutes::new(20);
    session.clock = LeaseClock::new(now() - minutes(6), now() - minutes(5));
    Case {
        pool: pool("a"),
        session,
        is_stock: false,
        is_spare: false,
        needs_since: None,
        is_surplus: false,
        ready_successor: None,
        slot: None,
        now: now(),
    }
}

impl Case {
    pub(super) fn slot(mut self, slot: SlotState) -> Self {
        self.slot = Some(slot);
        self
    }

    pub(super) fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    pub(super) fn ready(&mut self, after: Timestamp, until: Timestamp) {
        self.session.clock = LeaseClock::new(after, until);
    }

    pub(super) fn judge(&self, rule: fn(&SessionContext<'_>) -> Verdict) -> Verdict {
        rule(&SessionContext {
            now: self.now,
            pool: &self.pool,
            limits: LIMITS,
            session: &self.session,
            slot: self.slot.as_ref(),
            schedule: ScheduleNow::of(&self.pool, self.now),
            is_stock: self.is_stock,
            is_spare: self.is_spare,
            needs_since: self.needs_since,
            is_surplus: self.is_surplus,
            ready_successor: self.ready_successor.as_ref(),
        })
    }
}
