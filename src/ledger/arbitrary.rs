//! Any sessions, slots, accounts and queues, for the properties of the ledger.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use ulid::Ulid;

use super::testing::session;
use crate::keeper::{
    Address, Changes, Hold, HoldEnd, HoldRule, KeyUse, LeaseClock, ManagedSession, Parked,
    ParkedBy, Ports, Reason, Retry, Settled, SlotState, Status, StopAsked, ToldAlert, Use, Waiter,
    Wish, WishedBy,
};
use crate::policy::ServiceIdentity;
use crate::units::{
    HoldId, HoldKey, Minutes, PoolName, Region, SessionId, Size, SlotId, Span, TeamName, Timestamp,
};

/// Few ids, so that changes meet each other.
fn any_hold_id() -> impl Strategy<Value = HoldId> {
    (0u64..4).prop_map(|n| HoldId::new(Ulid::from_parts(n, 7)))
}

pub(super) fn any_hold() -> impl Strategy<Value = Hold> {
    let who = (any_hold_id(), ".{0,9}", any_team());
    let when = (any_instant(), option::of(any_instant()));
    (who, when, vec(any_id(), 0..3)).prop_map(|((id, client, team), (since, here), former)| Hold {
        id,
        client,
        team,
        size: here.map(|_| Size::Premium),
        since,
        here,
        former,
        warned: here.map(|at| HoldEnd {
            at,
            by: HoldRule::IdleTimeout,
        }),
        snoozed: here,
    })
}

fn any_team() -> impl Strategy<Value = Option<TeamName>> {
    option::of("[a-z]{1,9}").prop_map(|name| name.map(|n| TeamName::new(&n).expect("a team")))
}

fn any_use() -> impl Strategy<Value = Use> {
    let who = (any_hold_id(), ".{0,9}", any_team());
    (who, any_instant(), any_instant()).prop_map(|((hold, client, team), from, to)| Use {
        hold,
        client,
        team,
        from,
        to,
    })
}

fn any_waiter() -> impl Strategy<Value = Waiter> {
    (any_hold(), 0u8..3, any_instant()).prop_map(|(hold, pool, asked)| Waiter {
        hold,
        pool: PoolName::new(&format!("pool-{pool}")).expect("a pool"),
        asked,
    })
}

/// Who waits, each once, and who waits no more.
pub(super) fn any_queue() -> impl Strategy<Value = (Vec<Waiter>, Vec<HoldId>)> {
    (vec(any_waiter(), 0..3), vec(any_hold_id(), 0..3)).prop_map(|(mut waiting, left)| {
        waiting.sort_by_key(|waiter| waiter.hold.id);
        waiting.dedup_by_key(|waiter| waiter.hold.id);
        waiting.retain(|waiter| !left.contains(&waiter.hold.id));
        (waiting, left)
    })
}

pub(super) fn any_region() -> impl Strategy<Value = Option<Region>> {
    option::of("[a-z-]{1,9}").prop_map(|name| name.map(|n| Region::new(&n).expect("a region")))
}

pub(super) fn any_service() -> impl Strategy<Value = Option<ServiceIdentity>> {
    option::of(prop_oneof![
        Just(ServiceIdentity::Embedded),
        "[a-z]{1,9}".prop_map(|host| ServiceIdentity::new(&format!("https://{host}"), "7c1f")),
    ])
}

fn any_keys() -> impl Strategy<Value = Vec<(HoldKey, Option<KeyUse>)>> {
    let used = (any_hold_id(), ".{0,9}", any_team(), any_instant());
    let used = used.prop_map(|(hold, client, team, at)| KeyUse {
        pool: PoolName::new("pool-0").expect("a pool"),
        client,
        team,
        size: None,
        hold,
        at,
    });
    let key = (0u8..4).prop_map(|n| HoldKey::new(&format!("key {n}")).expect("a key"));
    btree_map(key, option::of(used), 0..3).prop_map(|keys| keys.into_iter().collect())
}

fn any_alert() -> impl Strategy<Value = ToldAlert> {
    ("[a-z ]{1,9}", any_instant(), 1i64..=100, 1u32..9_999).prop_map(
        |(budget, start, share, bound)| ToldAlert {
            budget,
            start,
            share: Decimal::new(share, 2),
            limit: bound.to_string().parse().expect("an amount"),
        },
    )
}

pub(super) fn any_changes() -> impl Strategy<Value = Changes> {
    (
        vec(any_known(), 0..4),
        vec((any_slot(), any_slot_memory()), 0..3),
        vec(any_settled(), 0..2),
        vec(any_id(), 0..2),
        (any_queue(), any_keys()),
        vec((0u8..3, 0u8..3), 0..2),
        option::of(vec(any_alert(), 0..3)),
    )
        .prop_map(
            |(sessions, slots, settled, dropped, ((waiting, left), keys), renamed, alerts)| {
                Changes {
                    keys,
                    alerts,
                    sessions,
                    uses: Vec::new(),
                    slots,
                    settled,
                    dropped,
                    waiting,
                    left,
                    renamed: renamed
                        .into_iter()
                        .map(|(a, b)| (pool(a), pool(b)))
                        .collect(),
                }
            },
        )
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

fn pool(n: u8) -> PoolName {
    format!("pool-{n}").parse().expect("a pool")
}

fn any_slot() -> impl Strategy<Value = SlotId> {
    (0u8..3, 0u32..2).prop_map(|(n, ordinal)| SlotId {
        pool: pool(n),
        ordinal,
    })
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
            ready_by: readings.1,
            starting_at: readings.1,
            last_read: readings.1,
            doubted: false,
            retry: Retry {
                failures: readings.2,
                not_before: readings.1,
            },
            hold: use_of_it.0,
            uses: Vec::new(),
            active: use_of_it.1,
            unknown: BTreeMap::new(),
            reports: BTreeMap::new(),
            released: readings.1,
            stop: end.0.map(|(since, reason)| StopAsked {
                after: None,
                since,
                reason,
            }),
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
        option::of(any_reason().prop_map(|reason| reason.kind())),
    )
        .prop_map(
            |(parked, wish, failures, not_before, last_failure, drawn, told)| SlotState {
                told,
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
        (any_instant(), vec(any_use(), 0..3)),
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
                ended: ended.0,
                why,
                uses: ended.1,
            },
        )
}
