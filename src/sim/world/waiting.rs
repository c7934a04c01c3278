//! Who waits in which order, as the clients were told, and who was served before their turn.

use std::collections::{BTreeMap, BTreeSet};

use crate::keeper::Acquired;
use crate::units::{HoldId, PoolName, Span, Timestamp};

/// How long a client that does not ask again keeps its turn.
const TURN_LASTS: Span = Span::minutes(1);

/// A client that has a place in a queue.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    hold: HoldId,
    asked: Timestamp,
}

/// Somebody was served while another one had waited longer, and still asked.
#[derive(Clone, Debug)]
pub struct OutOfTurn {
    /// Who was served.
    pub served: String,
    /// Who was not.
    pub waits: String,
    /// When that one last asked.
    pub asked: Timestamp,
}

/// The queues as clients know them.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    waiters: BTreeMap<(PoolName, String), Waiter>,
    /// Holds that were on a session: whose they are goes on with what it has.
    granted: BTreeSet<HoldId>,
    /// Who was passed over: that is in order only if there is a session for them too.
    passed_over: BTreeMap<(PoolName, String), OutOfTurn>,
}

impl Waiting {
    /// Takes in what a client was told at an instant; nothing where it was refused. Tells of a
    /// client that others were served before, and that still waits when it asks again.
    pub(super) fn told(
        &mut self,
        now: Timestamp,
        pool: &PoolName,
        client: &str,
        answer: Option<&Acquired>,
    ) -> Option<OutOfTurn> {
        let place = (pool.clone(), client.to_owned());
        let passed_over = self.passed_over.remove(&place);
        let hold = match answer {
            Some(Acquired::Waiting { hold, .. }) => {
                let (hold, asked) = (*hold, now);
                self.waiters.insert(place, Waiter { hold, asked });
                return passed_over.filter(|turn| now - turn.asked < TURN_LASTS);
            }
            Some(Acquired::Ready { hold, .. }) => Some(*hold),
            None => None,
        };
        self.waiters.remove(&place);
        let hold = hold.filter(|hold| self.granted.insert(*hold))?;
        let before = self.waiters.iter().filter(|((other, _), waiter)| {
            *other == *pool && waiter.hold < hold && now - waiter.asked < TURN_LASTS
        });
        for (place, waiter) in before {
            let turn = OutOfTurn {
                served: client.to_owned(),
                waits: place.1.clone(),
                asked: waiter.asked,
            };
            self.passed_over.entry(place.clone()).or_insert(turn);
        }
        None
    }
}
