//! What has changed and the ledger has not written yet, so that state and ledger cannot drift
//! apart.

use std::collections::BTreeSet;

use crate::keeper::hold::Use;
use crate::keeper::settled::Settled;
use crate::units::{HoldId, HoldKey, PoolName, SessionId, SlotId};

use super::alert::ToldAlert;
use super::key_use::KeyUse;
use super::managed::ManagedSession;
use super::queue::Waiter;
use super::slot::SlotState;

/// What the ledger has not written yet.
#[derive(Clone, Debug, Default)]
pub(in crate::keeper) struct Unwritten {
    pub(in crate::keeper) sessions: BTreeSet<SessionId>,
    /// Sessions of which only the last activity is different; the next write takes them along.
    pub(in crate::keeper) active: BTreeSet<SessionId>,
    pub(in crate::keeper) slots: BTreeSet<SlotId>,
    pub(in crate::keeper) settled: Vec<Settled>,
    pub(in crate::keeper) dropped: BTreeSet<SessionId>,
    pub(in crate::keeper) queue: BTreeSet<HoldId>,
    /// Uses of live sessions that are over: the session, and which of its uses. The session is
    /// different too then.
    pub(in crate::keeper) uses: BTreeSet<(SessionId, usize)>,
    /// Clients in the queue that have only asked again; the next write takes them along.
    pub(in crate::keeper) asked: BTreeSet<HoldId>,
    pub(in crate::keeper) keys: BTreeSet<HoldKey>,
    pub(in crate::keeper) renamed: Vec<(PoolName, PoolName)>,
    pub(in crate::keeper) alerts: bool,
    /// A session that nobody used is used now, so a pool may want another spare.
    pub(in crate::keeper) taken: bool,
}

/// What the ledger must write, in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Live sessions that are new or different.
    pub sessions: Vec<ManagedSession>,
    /// Slots that are different.
    pub slots: Vec<(SlotId, SlotState)>,
    /// Sessions that ended, with their final account. They are live no more.
    pub settled: Vec<Settled>,
    /// Uses of live sessions: the session, which of its uses, and who used it when.
    pub uses: Vec<(SessionId, usize, Use)>,
    /// Sessions that were asked for and never came to be. They are live no more, and cost nothing.
    pub dropped: Vec<SessionId>,
    /// Clients that wait, or have asked again.
    pub waiting: Vec<Waiter>,
    /// Clients that wait no more.
    pub left: Vec<HoldId>,
    /// Clients' own keys for requests: what each stands for, or that it is forgotten.
    pub keys: Vec<(HoldKey, Option<KeyUse>)>,
    /// Pools that are called otherwise now, from and to: their accounts and events go along.
    pub renamed: Vec<(PoolName, PoolName)>,
    /// All alerts that were told, where there are others than before.
    pub alerts: Option<Vec<ToldAlert>>,
}

impl Changes {
    /// True where there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.slots.is_empty()
            && self.settled.is_empty()
            && self.dropped.is_empty()
            && self.uses.is_empty()
            && self.waiting.is_empty()
            && self.left.is_empty()
            && self.keys.is_empty()
            && self.renamed.is_empty()
            && self.alerts.is_none()
    }

    /// Adds what has changed since.
    pub fn then(&mut self, newer: Self) {
        self.sessions
            .retain(|old| !newer.sessions.iter().any(|new| new.id == old.id));
        self.slots
            .retain(|(old, _)| !newer.slots.iter().any(|(new, _)| new == old));
        // A create that was given up and took effect late all the same is live again.
        self.dropped
            .retain(|old| !newer.sessions.iter().any(|new| new.id == *old));
        let ends = |id: &SessionId| newer.settled.iter().any(|settled| settled.id == *id);
        self.uses.retain(|(id, n, _)| {
            let newer = newer.uses.iter().any(|(new, m, _)| (new, m) == (id, n));
            !newer && !ends(id)
        });
        self.uses.extend(newer.uses);
        self.left
            .retain(|old| !newer.waiting.iter().any(|new| new.hold.id == *old));
        self.waiting.retain(|old| {
            !newer.left.contains(&old.hold.id)
                && !newer.waiting.iter().any(|new| new.hold.id == old.hold.id)
        });
        self.keys
            .retain(|(old, _)| !newer.keys.iter().any(|(new, _)| new == old));
        self.keys.extend(newer.keys);
        self.waiting.extend(newer.waiting);
        self.left.extend(newer.left);
        self.renamed.extend(newer.renamed);
        self.alerts = newer.alerts.or(self.alerts.take());
        self.sessions.extend(newer.sessions);
        self.slots.extend(newer.slots);
        self.settled.extend(newer.settled);
        self.dropped.extend(newer.dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::hold::Hold;
    use crate::keeper::state::KeeperState;
    use crate::keeper::tests::fixtures::{ago, id, knowing, pool, ready, slot};
    use crate::units::Money;

    fn waiter(minutes: i64, asked: i64) -> Waiter {
        Waiter {
            hold: Hold::of("ann", ago(minutes)),
            pool: slot(0).pool,
            asked: ago(asked),
        }
    }

    fn drawn(drawn: u64) -> SlotState {
        SlotState {
            drawn,
            ..SlotState::default()
        }
    }

    fn alert(minutes: i64) -> ToldAlert {
        ToldAlert {
            budget: "daily budget".into(),
            start: ago(minutes),
            share: rust_decimal::Decimal::ONE,
            limit: Money::ZERO,
        }
    }

    fn settled(n: u32) -> Settled {
        Settled {
            id: id(0, n),
            slot: slot(0),
            region: None,
            size: crate::units::Size::Standard,
            status: crate::keeper::Status::Stopped,
            ready: None,
            minutes: crate::units::Minutes::ZERO,
            certain: true,
            price: crate::units::Price::default(),
            ended: ago(1),
            why: None,
            uses: Vec::new(),
        }
    }

    fn used_by(client: &str, n: usize) -> (SessionId, usize, Use) {
        (id(0, 0), n, Hold::of(client, ago(9)).use_until(ago(8)))
    }

    fn key(key: &str, stands: bool) -> (HoldKey, Option<KeyUse>) {
        let used = KeyUse {
            pool: slot(0).pool,
            client: "ann".into(),
            team: None,
            size: None,
            hold: waiter(1, 1).hold.id,
            at: ago(1),
        };
        (key.parse().expect("a key"), stands.then_some(used))
    }

    /// One of everything, each alone.
    fn each() -> Vec<Changes> {
        let none = Changes::default;
        vec![
            Changes {
                sessions: vec![ready(0, 0)],
                ..none()
            },
            Changes {
                slots: vec![(slot(0), drawn(1))],
                ..none()
            },
            Changes {
                settled: vec![settled(0)],
                ..none()
            },
            Changes {
                dropped: vec![id(0, 0)],
                ..none()
            },
            Changes {
                uses: vec![used_by("ann", 0)],
                ..none()
            },
            Changes {
                waiting: vec![waiter(1, 1)],
                ..none()
            },
            Changes {
                left: vec![waiter(1, 1).hold.id],
                ..none()
            },
            Changes {
                keys: vec![key("a", false)],
                ..none()
            },
            Changes {
                renamed: vec![(pool("a").name, pool("b").name)],
                ..none()
            },
            Changes {
                alerts: Some(Vec::new()),
                ..none()
            },
        ]
    }

    #[test]
    fn anything_that_has_changed_is_something_to_write() {
        assert!(Changes::default().is_empty());
        for changes in each() {
            assert!(!changes.is_empty(), "{changes:?}");
            let mut all = Changes::default();
            all.then(changes.clone());
            assert_eq!(all, changes);
            all.then(Changes::default());
            assert_eq!(all, changes);
        }
    }

    #[test]
    fn what_has_changed_since_takes_the_place_of_what_has_changed_before() {
        let used = || ManagedSession {
            active: Some(ago(1)),
            ..ready(0, 0)
        };
        let mut all = Changes {
            sessions: vec![ready(0, 0), ready(1, 0)],
            slots: vec![(slot(0), drawn(1)), (slot(1), drawn(1))],
            settled: vec![settled(7)],
            dropped: vec![id(2, 0), id(3, 0)],
            uses: vec![used_by("ann", 0), used_by("bob", 1)],
            waiting: vec![waiter(1, 1), waiter(2, 2), waiter(3, 3)],
            left: vec![waiter(4, 4).hold.id, waiter(5, 5).hold.id],
            keys: vec![key("a", true), key("b", true)],
            renamed: vec![(pool("a").name, pool("b").name)],
            alerts: Some(vec![alert(9)]),
        };
        all.then(Changes {
            sessions: vec![used(), ready(2, 0)],
            slots: vec![(slot(1), drawn(2))],
            settled: vec![settled(8)],
            dropped: vec![id(4, 0)],
            uses: vec![used_by("carl", 1), used_by("dora", 2)],
            waiting: vec![waiter(2, 0), waiter(4, 0)],
            left: vec![waiter(1, 1).hold.id],
            keys: vec![key("b", false), key("c", true)],
            renamed: vec![(pool("b").name, pool("c").name)],
            alerts: Some(vec![alert(8)]),
        });
        let expected = Changes {
            sessions: vec![ready(1, 0), used(), ready(2, 0)],
            slots: vec![(slot(0), drawn(1)), (slot(1), drawn(2))],
            settled: vec![settled(7), settled(8)],
            dropped: vec![id(3, 0), id(4, 0)],
            uses: vec![used_by("ann", 0), used_by("carl", 1), used_by("dora", 2)],
            waiting: vec![waiter(3, 3), waiter(2, 0), waiter(4, 0)],
            left: vec![waiter(5, 5).hold.id, waiter(1, 1).hold.id],
            keys: vec![key("a", true), key("b", false), key("c", true)],
            renamed: vec![
                (pool("a").name, pool("b").name),
                (pool("b").name, pool("c").name),
            ],
            alerts: Some(vec![alert(8)]),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn only_what_can_wait_for_the_next_pass_waits() {
        type Change = fn(&mut Unwritten);
        let changed = |change: Change| {
            let mut state = knowing([ready(0, 0)]);
            change(&mut state.changes);
            (state.must_be_written(), state.wants_pass())
        };
        let cases: [(Change, (bool, bool)); 12] = [
            (|_| {}, (false, false)),
            (|c| c.taken = true, (false, true)),
            (|c| c.active.extend([id(0, 0)]), (false, false)),
            (|c| c.asked.extend([waiter(1, 1).hold.id]), (false, false)),
            (|c| c.sessions.extend([id(0, 0)]), (true, false)),
            (|c| c.slots.extend([slot(0)]), (true, true)),
            (|c| c.settled.push(settled(0)), (true, false)),
            (|c| c.dropped.extend([id(0, 0)]), (true, false)),
            (|c| c.queue.extend([waiter(1, 1).hold.id]), (true, false)),
            (
                |c| c.renamed.push((pool("a").name, pool("b").name)),
                (true, false),
            ),
            (|c| c.alerts = true, (true, false)),
            (|c| c.keys.extend([key("a", true).0]), (true, false)),
        ];
        for (n, (change, expected)) in cases.into_iter().enumerate() {
            assert_eq!(changed(change), expected, "case {n}");
        }
    }

    #[test]
    fn changes_are_taken_once_and_as_they_are_now() {
        let mut state: KeeperState = knowing([ready(0, 0), ready(1, 0)]);
        let Unwritten {
            sessions, active, ..
        } = &mut state.changes;
        sessions.insert(id(0, 0));
        active.extend([id(0, 0), id(1, 0), id(2, 0)]);
        let taken = state.take_changes();
        assert_eq!(taken.sessions, [ready(0, 0), ready(1, 0)]);
        assert!(state.take_changes().is_empty());
    }
}
