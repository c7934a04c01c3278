//! Ids: a seeded stream of session ids for each slot, and one of holds.
//!
//! The stream is part of the input of `plan()`, so the same input gives the same plan to the last
//! byte. Ids of one slot sort by the time of their planning.

use ulid::Ulid;

use crate::units::{HoldId, PoolName, SlotId, Timestamp};

/// The id that a slot's stream gives at its `drawn`-th draw, stamped with the time of planning.
pub(super) fn draw(seed: u64, slot: &SlotId, drawn: u64, now: Timestamp) -> Ulid {
    let mut state =
        seed ^ fnv1a(slot.pool.as_str().as_bytes()) ^ u64::from(slot.ordinal).rotate_left(32);
    state = mix(state).wrapping_add(drawn);
    let (high, low) = (mix(state), mix(state ^ 0x9e37_79b9_7f4a_7c15));
    let random = (u128::from(high) << 64 | u128::from(low)) & ((1 << 80) - 1);
    Ulid::from_parts(u64::try_from(now.millis()).unwrap_or(0), random)
}

/// The id of a client's hold, stamped with the time of its asking. It sorts behind `last`, the
/// newest id there is, so that ids tell who came first even where the clock does not.
pub(super) fn draw_hold(
    seed: u64,
    pool: &PoolName,
    client: &str,
    last: Option<HoldId>,
    now: Timestamp,
) -> HoldId {
    let stream = SlotId {
        pool: pool.clone(),
        ordinal: u32::MAX,
    };
    let drawn = HoldId::new(draw(seed, &stream, fnv1a(client.as_bytes()), now));
    last.map_or(drawn, |last| drawn.max(last.next()))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): spreads names over seeds. Nothing secret depends on it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The output function of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn streams_of_slots_pools_and_seeds_do_not_meet() {
        let mut seen = BTreeSet::new();
        for seed in 0..8 {
            for slot in ["a/0", "a/1", "b/0", "a-1/0"] {
                for drawn in 0..100 {
                    assert!(seen.insert(draw(
                        seed,
                        &slot.parse().expect("a slot"),
                        drawn,
                        Timestamp::from_millis(5)
                    )));
                }
            }
        }
    }

    #[test]
    fn the_same_input_gives_the_same_id() {
        let slot = "a/0".parse().expect("a slot");
        let id = draw(7, &slot, 3, Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(
            id,
            draw(7, &slot, 3, Timestamp::from_millis(1_700_000_000_000))
        );
        assert_eq!(id.timestamp_ms(), 1_700_000_000_000);
        // Ids outlive a version: what one has drawn, the next one must draw too.
        assert_eq!(id.to_string(), "01HF7YAT00NBPVQXX7HBV7FEYJ");
        let high: SlotId = "a/1000".parse().expect("a slot");
        let other = draw(7, &high, 3, Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(other.to_string(), "01HF7YAT007EXFA2M5X6Z410EJ");
    }

    #[test]
    fn the_functions_are_those_that_were_published() {
        // The authors' own vectors.
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(text.as_bytes()), hash, "{text}");
        }
        let gamma = 0x9e37_79b9_7f4a_7c15_u64;
        let first = [0, gamma, gamma.wrapping_mul(2)].map(mix);
        assert_eq!(
            first,
            [
                0xe220_a839_7b1d_cdaf,
                0x6e78_9e6a_a1b9_65f4,
                0x06c4_5d18_8009_454f
            ]
        );
    }
}
