//! Promise 6: an idle session is asked to stop by its time-out and one interval.

use std::collections::BTreeMap;

use crate::keeper::Status;
use crate::sim::network::wire::WireState;
use crate::sim::world::World;
use crate::units::{PoolName, SessionId, Timestamp};

use super::bounds::{ANSWER_TIME, RETRY_TIME};
use super::broken::{BrokenPromise, broken};
use super::state::Promises;

impl Promises {
    /// Promise 6: an idle session is asked to stop by its time-out and one interval.
    pub(super) fn idle(
        &self,
        now: Timestamp,
        world: &World,
        wire: &WireState,
    ) -> Result<(), BrokenPromise> {
        let mut late: BTreeMap<PoolName, Vec<SessionId>> = BTreeMap::new();
        if self.calm_since >= now {
            return Ok(());
        }
        for session in self.live.values().filter(|s| s.status == Status::Ready) {
            let Some(asked) = wire
                .log
                .sessions
                .get(&session.id)
                .filter(|a| a.stop.is_none())
            else {
                continue;
            };
            let Some(idle) = self.pools.get(&session.slot.pool).and_then(|p| p.idle) else {
                continue;
            };
            let waited = self.waited.get(&session.id).copied();
            let used = world
                .clients
                .last_used
                .get(&session.id)
                .copied()
                .max(session.ready)
                .max(waited)
                .unwrap_or(asked.first);
            // After a disturbance the daemon may first have to find the session, and count it as
            // active then.
            let calm = self.calm_since + self.interval + RETRY_TIME;
            if used.max(calm.min(now)) + idle + self.interval + ANSWER_TIME < now {
                late.entry(session.slot.pool.clone())
                    .or_default()
                    .push(session.id.clone());
            }
        }
        for (pool, late) in late {
            if late.len() > self.pools.get(&pool).map_or(0, |p| p.spare) {
                return Err(broken(
                    6,
                    now,
                    format!("nobody uses {late:?} of {pool}, and none was asked to stop"),
                ));
            }
        }
        Ok(())
    }
}
