//! Promise 10: an activity source that cannot say is not silence.

use crate::keeper::ReasonKind;
use crate::sim::world::World;
use crate::units::{SessionId, Span};

use super::broken::{BrokenPromise, broken};
use super::session::own_slot;
use super::state::Promises;

impl Promises {
    /// A session ended under a client that sends no heartbeats, so only the sources of its pool
    /// showed that it is used. `stopped_for` is the reason that a daemon gave.
    ///
    /// Promise 10: while they cannot say, it is stopped for idleness no sooner than `unknown_limit`
    /// after they last could; promise 4: while nothing is wrong, it is not stopped for that at all.
    pub(in crate::sim::scenarios) fn unseen(
        &self,
        world: &World,
        id: &SessionId,
        stopped_for: Option<ReasonKind>,
    ) -> Result<(), BrokenPromise> {
        let now = world.now();
        let Some(slot) = own_slot(id) else {
            return Ok(());
        };
        let Some(bounds) = self.pools.get(&slot.pool).filter(|p| p.is_watched) else {
            return Ok(());
        };
        if stopped_for != Some(ReasonKind::Idle) || self.exempt.forgot {
            return Ok(());
        }
        let unknown = world
            .sources
            .fault
            .filter(|(how, since, until)| how.is_unknown() && *since <= now && now < *until);
        if let Some((how, since, _)) = unknown
            && bounds
                .unknown_limit
                .is_some_and(|limit| now < since + limit)
        {
            let what =
                format!("{id} was in use, and was stopped as idle while sources had: {how:?}");
            return Err(broken(10, now, what));
        }
        if self.calm_since + self.interval + Span::minutes(2) < now {
            let what = format!("{id} was in use, its source said so, and it was stopped as idle");
            return Err(broken(4, now, what));
        }
        Ok(())
    }
}
