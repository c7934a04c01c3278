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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::tests::fixtures::{knowing, now, policy, pool};
    use crate::policy::{Budget, Team};
    use crate::units::{Size, TeamName};

    #[test]
    fn a_request_that_differs_in_anything_it_says_is_another_one() {
        let guests: TeamName = "guests".parse().expect("a name");
        let mut policy = policy();
        policy.pools.push(pool("b"));
        policy.teams.push(Team {
            name: guests.clone(),
            members: [].into(),
            budget: Budget::default(),
            max: None,
        });
        let key: HoldKey = "k".parse().expect("a key");
        let [a, b] = ["a", "b"].map(|name| pool(name).name);
        let (says_team, says_size) = (Some(&guests), Some(&Size::Standard));
        let ann = Claimant {
            client: "ann",
            team: says_team,
            size: says_size,
        };
        let mut state = knowing([]);
        let first = state.acquire_once(now(), &policy, &a, ann, &key);
        let hold = first.expect("she waits").0.hold();
        let mut again = |pool: &PoolName, claimant: Claimant<'_>| {
            let asked = state.acquire_once(now(), &policy, pool, claimant, &key);
            asked.map(|(acquired, _)| acquired.hold())
        };
        assert_eq!(again(&a, ann), Ok(hold));
        let client = "bob";
        let (team, size) = (None, None);
        for (pool, claimant) in [
            (&b, ann),
            (&a, Claimant { client, ..ann }),
            (&a, Claimant { team, ..ann }),
            (&a, Claimant { size, ..ann }),
        ] {
            let reused = Refusal::KeyReused { key: key.clone() };
            assert_eq!(again(pool, claimant), Err(reused), "{pool} {claimant:?}");
        }
    }
}
