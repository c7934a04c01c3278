//! Promises 3 and 4: nothing outlives its lease by more than a minute, and nothing in use loses it.

use crate::keeper::{ReasonKind, Status};
use crate::sim::world::World;
use crate::units::{SessionId, Span, Timestamp};

use super::bounds::RETRY_TIME;
use super::broken::{BrokenPromise, broken};
use super::session::own_slot;
use super::state::Promises;

impl Promises {
    /// Promise 3: whenever the daemon dies, nothing lives longer than its lease and a minute.
    pub(super) fn lease_ends(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        for session in self.live.values().filter(|s| s.status == Status::Ready) {
            let Some(pool) = self.pools.get(&session.slot.pool) else {
                continue;
            };
            let exposure = session.end - now;
            if exposure > pool.lease + Span::minutes(1) {
                let what = format!(
                    "{} would go on for {exposure}, its lease is {}",
                    session.id, pool.lease
                );
                return Err(broken(3, now, what));
            }
        }
        Ok(())
    }

    /// Promise 4: a session in use that ended while nothing was wrong. `stopped_for` is the reason
    /// that a daemon gave.
    pub(in crate::sim::scenarios) fn lost(
        &self,
        world: &World,
        id: &SessionId,
        stopped_for: Option<ReasonKind>,
    ) -> Result<(), BrokenPromise> {
        let now = world.now();
        let wire = world.wire.lock();
        let (Ok(hosted), Some(asked)) = (wire.sites.get(id), wire.log.sessions.get(id)) else {
            return Ok(());
        };
        let Some(slot) = own_slot(id) else {
            return Ok(());
        };
        let Some(bounds) = self.pools.get(&slot.pool) else {
            return Ok(());
        };
        let calm =
            self.calm_since <= hosted.created || self.calm_since + bounds.lease + RETRY_TIME <= now;
        if !calm {
            return Ok(());
        }
        let wrong = match (hosted.status(now), asked.stop) {
            (Status::Expired, None) => {
                hosted.lease.span() < bounds.life
                    && self.affordable(now, world.daemons[0].started, &wire)
            }
            // A lost ledger forgets who holds a session.
            (Status::Stopped, Some(_)) if !self.exempt.forgot => {
                matches!(
                    stopped_for,
                    Some(
                        ReasonKind::Idle
                            | ReasonKind::Surplus
                            | ReasonKind::RolledOver
                            | ReasonKind::BootTimeout
                            | ReasonKind::Duplicate
                    )
                )
            }
            _ => false,
        };
        if wrong {
            let what = format!(
                "{id} was in use and ended {} ({stopped_for:?})",
                hosted.status(now)
            );
            return Err(broken(4, now, what));
        }
        Ok(())
    }
}
