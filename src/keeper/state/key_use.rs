//! What a client's own key for a request stands for.

use serde::{Deserialize, Serialize};

use crate::keeper::hold::Hold;
use crate::units::{HoldId, HoldKey, PoolName, Size, Span, TeamName, Timestamp};

use super::KeeperState;

/// How long a key is remembered at the least.
const LASTS: Span = Span::hours(24);
/// How many keys are remembered; of more the oldest are forgotten.
const MOST_KEYS: usize = 10_000;

/// The request that a key was sent with, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The pool that it asked for a session of.
    pub pool: PoolName,
    /// Who asked.
    pub client: String,
    /// The team that it named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The size that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The hold that it got, or is to have.
    pub hold: HoldId,
    /// When it was first sent.
    pub at: Timestamp,
}

impl KeeperState {
    /// A hold that is on a session, or waits for one.
    pub(in crate::keeper) fn hold_of(&self, id: HoldId) -> Option<&Hold> {
        let mut held = self.sessions.values().filter_map(|k| k.hold.as_ref());
        let waits = || self.queue.get(&id).map(|waiter| &waiter.hold);
        held.find(|hold| hold.id == id).or_else(waits)
    }

    /// Remembers what a key stands for.
    pub(in crate::keeper) fn remember_key(&mut self, key: HoldKey, used: KeyUse) {
        if self.keys.len() >= MOST_KEYS {
            let oldest = self.keys.iter().min_by_key(|(_, used)| used.at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.forget_key(oldest);
            }
        }
        self.changes.keys.insert(key.clone());
        self.keys.insert(key, used);
    }

    /// Forgets keys that nobody sends any more: their holds are over, and they are a day old.
    pub(in crate::keeper) fn forget_old_keys(&mut self, now: Timestamp) {
        let old = self.keys.iter().filter(|(_, used)| used.at + LASTS <= now);
        let over = old.filter(|(_, used)| self.hold_of(used.hold).is_none());
        for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.forget_key(key);
        }
    }

    fn forget_key(&mut self, key: HoldKey) {
        self.keys.remove(&key);
        self.changes.keys.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::tests::fixtures::{knowing, now, pool, ready};

    fn used(hold: &Hold, at: Timestamp) -> KeyUse {
        KeyUse {
            pool: pool("a").name,
            client: "ann".into(),
            team: None,
            size: None,
            hold: hold.id,
            at,
        }
    }

    #[test]
    fn a_key_is_kept_for_a_day_and_as_long_as_its_hold() {
        let hold = Hold::of("ann", now());
        let mut held = ready(0, 0);
        held.hold = Some(hold.clone());
        let left = |session, age: Span| {
            let mut state = knowing([session]);
            let key: HoldKey = "k".parse().expect("a key");
            state.remember_key(key, used(&hold, now() - age));
            state.take_changes();
            state.forget_old_keys(now());
            (state.keys.len(), state.take_changes().keys.len())
        };
        let day = Span::hours(24);
        assert_eq!(left(ready(0, 0), day - Span::millis(1)), (1, 0));
        assert_eq!(left(ready(0, 0), day), (0, 1));
        assert_eq!(left(held, day), (1, 0));
    }

    #[test]
    fn of_too_many_keys_the_oldest_is_forgotten() {
        let hold = Hold::of("ann", now());
        let mut state = knowing([]);
        let key = |n: usize| n.to_string().parse::<HoldKey>().expect("a key");
        for n in 0..=MOST_KEYS {
            let age = Span::seconds(i64::try_from((n + 7) % MOST_KEYS).expect("few"));
            state.remember_key(key(n), used(&hold, now() - age));
        }
        assert_eq!(state.keys.len(), MOST_KEYS);
        // The one before the count began anew.
        assert!(!state.keys.contains_key(&key(MOST_KEYS - 8)));
    }
}
