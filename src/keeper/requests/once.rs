//! A request that comes with a key of its own is carried out once, however often it arrives: a
//! client that never saw the answer sends it again, and a proxy may send it twice.

use crate::keeper::event::Event;
use crate::keeper::state::{KeeperState, KeyUse};
use crate::policy::Policy;
use crate::units::{HoldKey, PoolName, Timestamp};

use super::acquire::Acquired;
use super::claimant::Claimant;
use super::target::Refusal;

impl KeeperState {
    /// Gives a client a session as [`Self::acquire`] does. The same request with the same key has
    /// the same hold, as long as there is that hold; once it is over nothing is given for it.
    ///
    /// # Errors
    /// Those of [`Self::acquire`]; also if the key came with another request before, or its hold is
    /// over.
    pub fn acquire_once(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        pool: &PoolName,
        claimant: Claimant<'_>,
        key: &HoldKey,
    ) -> Result<(Acquired, Vec<Event>), Refusal> {
        let before = self.keys.get(key).cloned();
        if let Some(used) = &before {
            let same = used.pool == *pool
                && used.client == claimant.client
                && used.team.as_ref() == claimant.team
                && used.size.as_ref() == claimant.size;
            if !same {
                return Err(Refusal::KeyReused { key: key.clone() });
            }
            if self.hold_of(used.hold).is_none() {
                return Err(Refusal::HoldOver { hold: used.hold });
            }
        }
        let (acquired, events) = self.acquire(now, policy, pool, claimant)?;
        if before.is_none() {
            let used = KeyUse {
                pool: pool.clone(),
                client: claimant.client.into(),
                team: claimant.team.cloned(),
                size: claimant.size.cloned(),
                hold: acquired.hold(),
                at: now,
            };
            self.remember_key(key.clone(), used);
        }
        Ok((acquired, events))
    }
}
