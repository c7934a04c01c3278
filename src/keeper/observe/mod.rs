//! Applying an observation: how answers, lists and silence become knowledge.
//!
//! Knowledge only moves forward. A session's status never goes back, its lease never shrinks, and a
//! terminal session stays ended; whatever says otherwise is older than what is known and is passed
//! over. A list counts less than an answer about one session, because it may lag.

use crate::policy::Policy;
use crate::units::{SessionId, Span, Timestamp};

use super::event::Event;
use super::observation::{Observation, SessionReading};
use super::session::Status;
use super::state::KeeperState;

mod activity;
mod credible;
mod listing;
mod query;
mod reading;
mod report;
mod settle;

/// How long the ids of ended sessions are remembered, against lists that lag.
const REMEMBER_ENDED: Span = Span::hours(24);

impl KeeperState {
    /// Folds what one pass read into memory, and says what has happened.
    pub fn apply_observation(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        observation: &Observation,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, asked) in &observation.unknown {
            self.apply_not_found(policy, id, *asked, &mut events);
        }
        let mut readings: Vec<&SessionReading> = observation.readings.iter().collect();
        readings.sort_by_key(|a| a.sent);
        for answer in readings {
            self.apply_reading(policy, answer, &mut events);
        }
        self.fresh = observation.listing.is_some();
        self.unlisted.clone_from(&observation.unlisted);
        self.unreachable_regions = observation
            .listing
            .iter()
            .flat_map(|l| l.unreachable.keys().cloned())
            .collect();
        if let Some(listing) = &observation.listing {
            self.listed_regions.extend(listing.listed.iter().cloned());
            self.apply_listing(now, policy, listing, &mut events);
        }
        self.ended.retain(|_, at| now - *at < REMEMBER_ENDED);
        self.spent.forget_before(now);
        events
    }

    /// The service does not know a session, as of `asked`.
    fn apply_not_found(
        &mut self,
        policy: &Policy,
        id: &SessionId,
        asked: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(managed) = self.sessions.get_mut(id) else {
            return;
        };
        if managed.last_read.is_some_and(|at| at > asked) {
            return;
        }
        if !managed.seen {
            // The create has not taken effect, or not yet: it may be repeated.
            managed.absent = Some(asked);
            return;
        }
        let most = managed.most_billed(asked);
        self.settle(
            policy,
            id,
            asked,
            Status::Other("gone".into()),
            most,
            false,
            None,
            events,
        );
    }
}
