//! Values for the tests of the ledger: plain ones for stories, any ones for properties.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::arbitrary::{any_hold, any_queue, any_region, any_service};
use super::{Fresh, Ledger, LedgerError, RecordedEvent};
use crate::arr::limits::LIMITS;
use crate::keeper::{
    Address, Changes, Event, KeeperState, LeaseClock, ManagedSession, Parked, ParkedBy, Ports,
    Reason, Retry, Settled, SlotState, Status, StopAsked, Waiter, Wish, WishedBy,
};
use crate::units::{HoldId, Minutes, Owner, SessionId, Size, SlotId, Span, Timestamp};

pub(crate) const FRESH: Fresh = Fresh {
    seed: u64::MAX - 6,
    made: Timestamp::from_millis(1_772_323_200_000),
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn owner() -> Owner {
    Owner::new("studio7").expect("an owner")
}

pub(crate) fn session(id: &str) -> SessionId {
    SessionId::new(id).expect("an id")
}

pub(crate) fn slot(text: &str) -> SlotId {
    text.parse().expect("a slot")
}

pub(super) fn ledger() -> Ledger {
    Ledger::in_memory(FRESH).expect("memory has room")
}

impl Ledger {
    /// Writes events without numbers: they get those that come next.
    pub(super) fn write(
        &mut self,
        owner: &Owner,
        at: Timestamp,
        changes: &Changes,
        events: &[Event],
    ) -> Result<(), LedgerError> {
        let mut seq = self.last_seq()?;
        let number = |event: &Event| {
            seq = seq.next();
            RecordedEvent {
                seq,
                event: event.clone(),
            }
        };
        let events: Vec<RecordedEvent> = events.iter().map(number).collect();
        self.write_numbered(owner, at, changes, &events)
    }
}

/// An intent: a create that is about to be sent.
pub(crate) fn intent(id: &str, place: &str, now: Timestamp) -> ManagedSession {
    ManagedSession {
        id: session(id),
        slot: slot(place),
        region: None,
        service: None,
        size: Size::Premium,
        status: Status::Starting,
        seen: false,
        absent: None,
        alarmed: false,
        granted: Minutes::ZERO,
        reserved: Minutes::new(20),
        elapsed: Minutes::ZERO,
        created: now,
        clock: None,
        starting_at: None,
        last_read: None,
        doubted: false,
        hold: None,
        active: None,
        unknown: BTreeMap::new(),
        released: None,
        stop: None,
        retry: Retry::default(),
        address: None,
    }
}

/// A session that was Ready from an instant on, for so many minutes.
pub(super) fn settled(
    id: &str,
    place: &str,
    ready: Timestamp,
    minutes: u32,
    price: &str,
) -> Settled {
    Settled {
        id: session(id),
        slot: slot(place),
        region: None,
        size: Size::Standard,
        status: Status::Stopped,
        ready: LeaseClock::new(ready - Span::seconds(20), ready),
        minutes: Minutes::new(minutes),
        certain: true,
        price: price.parse().expect("a price"),
        ended: ready + Span::minutes(i64::from(minutes)),
        why: None,
    }
}

pub(super) fn live(known: ManagedSession) -> Changes {
    Changes {
        sessions: vec![known],
        ..Changes::default()
    }
}

pub(super) fn ended(settled: Vec<Settled>) -> Changes {
    Changes {
        settled,
        ..Changes::default()
    }
}

/// What of a memory is in the ledger, written a second time as plainly as possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) sessions: BTreeMap<SessionId, ManagedSession>,
    pub(super) slots: BTreeMap<SlotId, SlotState>,
    pub(super) queue: BTreeMap<HoldId, Waiter>,
    pub(super) settled: BTreeMap<SessionId, Settled>,
}

impl Kept {
    pub(super) fn apply(&mut self, changes: &Changes) {
        for known in &changes.sessions {
            let bare = ManagedSession {
                unknown: BTreeMap::new(),
                clock: None,
                starting_at: None,
                last_read: None,
                doubted: false,
                retry: Retry::default(),
                ..known.clone()
            };
            self.sessions.insert(known.id.clone(), bare);
        }
        self.slots.extend(changes.slots.iter().cloned());
        for settled in &changes.settled {
            self.sessions.remove(&settled.id);
            self.settled.insert(settled.id.clone(), settled.clone());
        }
        for id in &changes.dropped {
            self.sessions.remove(id);
        }
        let waiting = changes.waiting.iter().map(|w| (w.hold.id, w.clone()));
        self.queue.extend(waiting);
        self.queue.retain(|id, _| !changes.left.contains(id));
    }

    /// All that a ledger holds of the owner.
    pub(super) fn of(ledger: &Ledger) -> Self {
        let keeper = ledger
            .load(&owner(), Tz::UTC, LIMITS, at("2026-03-05T00:00:00Z"))
            .expect("loads");
        let mut kept = Self {
            sessions: keeper.sessions,
            slots: keeper.slots,
            queue: keeper.queue,
            settled: BTreeMap::new(),
        };
        let take = |s: Settled| drop(kept.settled.insert(s.id.clone(), s));
        ledger
            .each_settled(&owner(), Timestamp::MIN, take)
            .expect("reads");
        kept
    }
}

/// An empty memory of the owner with the given sessions.
pub(super) fn keeper(sessions: Vec<ManagedSession>) -> KeeperState {
    let mut keeper = KeeperState::new(owner(), 0, LIMITS);
    keeper.sessions = sessions.into_iter().map(|k| (k.id.clone(), k)).collect();
    keeper
}

pub(super) fn any_instant() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000_000i64..1_800_000_000_000).prop_map(Timestamp::from_millis)
}

fn any_clock() -> impl Strategy<Value = LeaseClock> {
    (any_instant(), 1i64..60_000).prop_map(|(after, width)| {
        LeaseClock::new(after, after + Span::millis(width)).expect("in order")
    })
}

/// Few ids, so that changes meet each other.
pub(super) fn any_id() -> impl Strategy<Value = SessionId> {
    (0u8..6).prop_map(|n| session(&format!("studio7-a-{n}-x")))
}

fn any_slot() -> impl Strategy<Value = SlotId> {
    (0u8..3, 0u32..2).prop_map(|(pool, n)| slot(&format!("pool-{pool}/{n}")))
}

fn any_size() -> impl Strategy<Value = Size> {
    prop_oneof![
        Just(Size::Standard),
        Just(Size::Premium),
        Just(Size::Other("Huge ½".into()))
    ]
}

fn any_status() -> impl Strategy<Value = Status> {
    let words = vec![
        "Starting", "Ready", "Stopped", "Expired", "Error", "Pausing",
    ];
    proptest::sample::select(words).prop_map(|word| Status::from(String::from(word)))
}

fn any_reason() -> impl Strategy<Value = Reason> {
    (any_instant(), -100_000i64..100_000, any::<u32>(), ".{0,9}").prop_flat_map(
        |(since, ms, n, last)| {
            prop_oneof![
                Just(Reason::Idle {
                    since,
                    timeout: Span::millis(ms.abs())
                }),
                Just(Reason::LeaseHalfSpent {
                    left: Span::millis(ms),
                    lease: Minutes::new(n)
                }),
                Just(Reason::Backoff {
                    failures: n,
                    until: since,
                    last
                }),
                Just(Reason::Exit),
            ]
        },
    )
}

fn any_known() -> impl Strategy<Value = ManagedSession> {
    let what = (
        any_id(),
        any_slot(),
        any_size(),
        any_status(),
        any::<bool>(),
        any_region(),
        any_service(),
    );
    let lease = (any::<u32>(), any::<u32>(), any::<u32>(), any_instant());
    let readings = (option::of(any_clock()), option::of(any_instant()), 0u32..3);
    let use_of_it = (option::of(any_hold()), option::of(any_instant()));
    let end = (
        option::of((any_instant(), any_reason())),
        option::of(("[a-z.]{1,9}", any::<Option<u16>>())),
    );
    (what, lease, readings, use_of_it, end).prop_map(|(what, lease, readings, use_of_it, end)| {
        ManagedSession {
            id: what.0,
            slot: what.1,
            region: what.5,
            service: what.6,
            size: what.2,
            status: what.3,
            seen: what.4,
            absent: None,
            alarmed: false,
            granted: Minutes::new(lease.0),
            reserved: Minutes::new(lease.1),
            elapsed: Minutes::new(lease.2),
            created: lease.3,
            clock: readings.0,
            starting_at: readings.1,
            last_read: readings.1,
            doubted: false,
            retry: Retry {
                failures: readings.2,
                not_before: readings.1,
            },
            hold: use_of_it.0,
            active: use_of_it.1,
            unknown: BTreeMap::new(),
            released: readings.1,
            stop: end.0.map(|(since, reason)| StopAsked { since, reason }),
            address: end.1.map(|(hostname, port)| Address {
                hostname,
                ports: Ports::new([("handshake", port)]),
            }),
        }
    })
}

fn any_slot_memory() -> impl Strategy<Value = SlotState> {
    let parked = option::of((any::<bool>(), any_instant()));
    let wish = option::of((any::<bool>(), any_instant()));
    (
        parked,
        wish,
        any::<u32>(),
        option::of(any_instant()),
        option::of(".{0,9}"),
        any::<u64>(),
    )
        .prop_map(
            |(parked, wish, failures, not_before, last_failure, drawn)| SlotState {
                parked: parked.map(|(person, since)| Parked {
                    by: if person {
                        ParkedBy::Person
                    } else {
                        ParkedBy::Rule
                    },
                    since,
                    why: None,
                }),
                wish: wish.map(|(person, at)| Wish {
                    by: if person {
                        WishedBy::Person
                    } else {
                        WishedBy::Client
                    },
                    at,
                }),
                retry: Retry {
                    failures,
                    not_before,
                },
                last_failure,
                drawn,
            },
        )
}

fn any_settled() -> impl Strategy<Value = Settled> {
    let what = (any_id(), any_slot(), any_size(), any_status(), any_region());
    (
        what,
        option::of(any_clock()),
        0u32..1440,
        any::<bool>(),
        0u32..100_000_000,
        any_instant(),
        option::of(".{0,9}"),
    )
        .prop_map(
            |(what, ready, minutes, certain, price, ended, why)| Settled {
                id: what.0,
                slot: what.1,
                region: what.4,
                size: what.2,
                status: what.3,
                ready,
                minutes: Minutes::new(minutes),
                certain,
                price: format!("{}.{:06}", price / 1_000_000, price % 1_000_000)
                    .parse()
                    .expect("a price"),
                ended,
                why,
            },
        )
}

pub(super) fn any_changes() -> impl Strategy<Value = Changes> {
    (
        vec(any_known(), 0..4),
        vec((any_slot(), any_slot_memory()), 0..3),
        vec(any_settled(), 0..2),
        vec(any_id(), 0..2),
        any_queue(),
    )
        .prop_map(
            |(sessions, slots, settled, dropped, (waiting, left))| Changes {
                sessions,
                slots,
                settled,
                dropped,
                waiting,
                left,
            },
        )
}
