//! What a rule is told, and what it answers.
//!
//! A rule is a function of a [`SessionContext`], which is what it needs and not the world. One
//! function both decides and says when to look again, so the two cannot disagree.

use crate::keeper::reason::Reason;
use crate::keeper::state::{ManagedSession, SlotState};
use crate::policy::{Limits, Pool};
use crate::units::{SessionId, Timestamp};

/// One session that fills a slot, as a rule sees it.
#[derive(Clone, Copy)]
pub(in crate::keeper) struct SessionContext<'a> {
    /// The present instant.
    pub(in crate::keeper) now: Timestamp,
    /// The rules of its pool.
    pub(in crate::keeper) pool: &'a Pool,
    /// What the session service allows.
    pub(in crate::keeper) limits: Limits,
    /// The session.
    pub(in crate::keeper) session: &'a ManagedSession,
    /// What is remembered of its slot.
    pub(in crate::keeper) slot: Option<&'a SlotState>,
    /// The schedule of its pool, as it is now.
    pub(in crate::keeper) schedule: ScheduleNow,
    /// Whether it waits for somebody: a spare, or a successor whose predecessor is still used.
    pub(in crate::keeper) is_stock: bool,
    /// Whether it is a spare.
    pub(in crate::keeper) is_spare: bool,
    /// Since when the pool may need fewer sessions: the latest end of a use, or change of its
    /// counts.
    pub(in crate::keeper) needs_since: Option<Timestamp>,
    /// Whether the pool has as many as it needs without it.
    pub(in crate::keeper) is_surplus: bool,
    /// The session that is to take its place, if that one is Ready.
    pub(in crate::keeper) ready_successor: Option<&'a SessionId>,
}

impl SessionContext<'_> {
    /// Whether a client uses the session, or may use it as far as its activity sources can say.
    pub(in crate::keeper) fn in_use(&self) -> bool {
        self.session.in_use(self.now, self.pool.idle_timeout)
            || self
                .session
                .unknown_until()
                .is_some_and(|until| self.now < until)
    }
}

/// A pool's schedule at one instant.
#[derive(Clone, Copy)]
pub(in crate::keeper) struct ScheduleNow {
    /// Whether it is open.
    pub(in crate::keeper) open: bool,
    /// When that changes next, if ever.
    pub(in crate::keeper) next_edge: Option<Timestamp>,
    /// When it closed, where it has.
    pub(in crate::keeper) closed_at: Option<Timestamp>,
}

impl ScheduleNow {
    /// The schedule of a pool at an instant. What is warmed up for an opening is not stopped for
    /// it: it may take as long to boot as the pool allows.
    pub(in crate::keeper) fn of(pool: &Pool, now: Timestamp) -> Self {
        let last = pool.schedule.last_edge(now).filter(|edge| !edge.opens);
        Self {
            open: pool.is_open_within(now, pool.boot_timeout),
            next_edge: pool.schedule.next_edge(now).map(|edge| edge.at),
            closed_at: last.map(|edge| edge.at),
        }
    }
}

/// What a rule says of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Verdict {
    /// Stop it.
    Stop(Reason),
    /// Nothing now; at this instant it may be due.
    RecheckAt(Timestamp),
    /// Nothing, as far as this rule can see.
    Keep,
}

impl Verdict {
    /// Stops at a deadline, and looks again then.
    pub(in crate::keeper) fn at(
        deadline: Timestamp,
        now: Timestamp,
        reason: impl FnOnce() -> Reason,
    ) -> Self {
        if deadline <= now {
            Self::Stop(reason())
        } else {
            Self::RecheckAt(deadline)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rolled_over;
    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::state::UnknownSource;
    use crate::policy::ActivitySource;
    use crate::units::Span;

    #[test]
    fn a_source_that_cannot_say_counts_as_use_until_its_limit_and_not_at_it() {
        let ends = |until: Timestamp| {
            let mut case = case();
            case.ready_successor = "st-a-0-02".parse().ok();
            let unknown = UnknownSource {
                since: now() - minutes(1),
                until: Some(until),
                why: None,
                alarmed: false,
            };
            case.session.unknown = [(ActivitySource::Sockets, unknown)].into();
            matches!(case.judge(rolled_over::rule), Verdict::Stop(_))
        };
        assert!(!ends(now() + Span::millis(1)));
        assert!(ends(now()));
        assert!(ends(now() - Span::millis(1)));
    }
}
