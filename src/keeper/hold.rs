//! A client's claim on a session, and what such claims leave behind: who used a session when.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{HoldId, SessionId, Size, Span, TeamName, Timestamp};

/// A client's claim on a Ready session. It outlives sessions: it moves from one to its successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its own id.
    pub id: HoldId,
    /// The client's own name for itself.
    pub client: String,
    /// The team that it counts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The size that its client asked for; `None` for any of the pool's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Since when.
    pub since: Timestamp,
    /// Since when it is on its present session; `None` where it has never been on another, so since
    /// `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<Timestamp>,
    /// The sessions that it was on before, oldest first; of very many only the newest.
    #[serde(default)]
    pub former: Vec<SessionId>,
    /// That it is about to end, where its client was warned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<HoldEnd>,
    /// Until when no rule ends it that can be put off, because its client asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<Timestamp>,
}

/// When a hold ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub struct HoldEnd {
    /// When.
    pub at: Timestamp,
    /// By which rule.
    pub by: HoldRule,
}

/// What ends a hold by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldRule {
    /// One client may not hold it longer.
    MaxHold,
    /// The schedule closes.
    Schedule,
    /// The client gives no sign; each sign puts it off.
    HoldTimeout,
    /// Nobody uses the session; each sign of use puts it off.
    IdleTimeout,
    /// The session has lived as long as it may, and no other takes its place.
    Lifetime,
    /// A budget does not pay for a longer lease.
    Budget,
}

impl fmt::Display for HoldRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxHold => "one client may hold it no longer",
            Self::Schedule => "the schedule closes",
            Self::HoldTimeout => "there is no sign of its client",
            Self::IdleTimeout => "nobody uses it",
            Self::Lifetime => "the session has lived as long as it may",
            Self::Budget => "a budget pays for no longer lease",
        })
    }
}

/// Of how many former sessions a hold remembers the ids.
const MOST_FORMER: usize = 32;

impl Hold {
    /// A hold that begins.
    pub(in crate::keeper) const fn new(
        id: HoldId,
        client: String,
        team: Option<TeamName>,
        since: Timestamp,
    ) -> Self {
        Self {
            id,
            client,
            team,
            size: None,
            since,
            here: None,
            former: Vec::new(),
            warned: None,
            snoozed: None,
        }
    }

    /// Whether a session of a size is one that its client can use.
    pub(in crate::keeper) fn fits(&self, size: &Size) -> bool {
        self.size.as_ref().is_none_or(|wanted| wanted == size)
    }

    /// The same hold once it has left a session.
    #[must_use]
    pub(in crate::keeper) fn moved_from(mut self, session: SessionId) -> Self {
        self.former.push(session);
        let surplus = self.former.len().saturating_sub(MOST_FORMER);
        self.former.drain(..surplus);
        self
    }

    /// Since when it is on its present session.
    pub fn on_session_since(&self) -> Timestamp {
        self.here.unwrap_or(self.since)
    }

    /// Its use of its present session, as if it ended at an instant.
    pub fn use_until(&self, to: Timestamp) -> Use {
        Use {
            hold: self.id,
            client: self.client.clone(),
            team: self.team.clone(),
            from: self.on_session_since(),
            to,
        }
    }

    /// The line of time was moved.
    pub(in crate::keeper) fn clock_stepped(&mut self, step: Span) {
        self.since += step;
        self.here = self.here.map(|at| at + step);
        self.snoozed = self.snoozed.map(|at| at + step);
        // It is told again, by the clock that is right now.
        self.warned = None;
    }

    /// A client's hold, for tests.
    #[cfg(test)]
    pub(crate) fn of(client: &str, since: Timestamp) -> Self {
        let id = HoldId::new(ulid::Ulid::from_parts(since.millis().cast_unsigned(), 0));
        Self::new(id, client.into(), None, since)
    }
}

/// A time during which a client held a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// By which hold.
    pub hold: HoldId,
    /// The client's own name for itself.
    pub client: String,
    /// The team that it counted to.
    pub team: Option<TeamName>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

impl Use {
    /// The line of time was moved.
    pub(in crate::keeper) fn clock_stepped(&mut self, step: Span) {
        self.from += step;
        self.to += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::tests::fixtures::{ago, now};

    #[test]
    fn a_line_of_time_that_is_moved_takes_along_all_that_a_hold_and_a_use_remember() {
        let step = Span::minutes(3);
        let end = HoldEnd {
            at: now(),
            by: HoldRule::MaxHold,
        };
        let hold = Hold {
            here: Some(ago(2)),
            warned: Some(end),
            snoozed: Some(now()),
            ..Hold::of("ann", ago(4))
        };
        let (mut moved, mut used) = (hold.clone(), hold.use_until(now()));
        moved.clock_stepped(step);
        used.clock_stepped(step);
        let expected = Hold {
            since: ago(1),
            here: Some(now() + Span::minutes(1)),
            warned: None,
            snoozed: Some(now() + step),
            ..hold
        };
        assert_eq!(moved, expected);
        assert_eq!(used, expected.use_until(now() + step));
    }

    #[test]
    fn a_hold_of_no_size_is_for_any_and_of_one_for_that_one() {
        let mut hold = Hold::of("ann", now());
        let fits = |hold: &Hold| [Size::Standard, Size::Premium].map(|size| hold.fits(&size));
        assert_eq!(fits(&hold), [true, true]);
        hold.size = Some(Size::Premium);
        assert_eq!(fits(&hold), [false, true]);
    }

    #[test]
    fn of_very_many_former_sessions_the_newest_are_remembered() {
        let id = |n: usize| -> SessionId { format!("st-a-0-{n:02}").parse().expect("an id") };
        let moved = (0..=MOST_FORMER)
            .map(id)
            .fold(Hold::of("ann", now()), Hold::moved_from);
        assert_eq!(moved.former, (1..=MOST_FORMER).map(id).collect::<Vec<_>>());
    }
}
