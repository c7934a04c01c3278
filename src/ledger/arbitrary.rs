//! Any holds, queues and places of sessions, for the properties of the ledger.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use ulid::Ulid;

use super::testing::{any_id, any_instant};
use crate::keeper::{Hold, Waiter};
use crate::policy::ServiceIdentity;
use crate::units::{HoldId, PoolName, Region};

/// Few ids, so that changes meet each other.
fn any_hold_id() -> impl Strategy<Value = HoldId> {
    (0u64..4).prop_map(|n| HoldId::new(Ulid::from_parts(n, 7)))
}

pub(super) fn any_hold() -> impl Strategy<Value = Hold> {
    let who = (any_hold_id(), ".{0,9}");
    (who, any_instant(), vec(any_id(), 0..3)).prop_map(|((id, client), since, former)| Hold {
        id,
        client,
        since,
        former,
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
