//! Whose the minutes of a session are: each belongs to whoever held the session when it began, or
//! to nobody.

use std::ops::Range;

use crate::keeper::Use;
use crate::units::{Minutes, Span, Timestamp};

/// The minutes of a session, counted from 0 at `ready`, in parts that follow each other and add up
/// to the whole; each with the use that it belongs to. `uses` are in the order of time.
pub(super) fn holders(
    ready: Timestamp,
    minutes: Minutes,
    uses: &[Use],
) -> Vec<(Range<u32>, Option<&Use>)> {
    let mut parts = Vec::new();
    let mut counted = 0;
    for used in uses {
        // The first minute that begins at or after an instant.
        let first = |at: Timestamp| (at - ready).max(Span::ZERO).ceil_minutes().get();
        let begins = first(used.from).clamp(counted, minutes.get());
        let ends = first(used.to).clamp(begins, minutes.get());
        for (part, whose) in [(counted..begins, None), (begins..ends, Some(used))] {
            if !part.is_empty() {
                parts.push((part, whose));
            }
        }
        counted = ends;
    }
    if counted < minutes.get() {
        parts.push((counted..minutes.get(), None));
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keeper::Hold;

    const READY: Timestamp = Timestamp::from_millis(1_772_438_400_000);

    fn used(client: &str, from: i64, to: i64) -> Use {
        Hold::of(client, READY + Span::seconds(from)).use_until(READY + Span::seconds(to))
    }

    #[test]
    fn a_minute_belongs_to_whoever_held_the_session_when_it_began() {
        let uses = [
            used("ann", 90, 240),
            used("bob", 250, 301),
            used("carl", 301, 330),
        ];
        let told = |minutes: u32| {
            let parts = holders(READY, Minutes::new(minutes), &uses);
            let client = |used: Option<&Use>| used.map_or("-", |used| &used.client).to_owned();
            let told = parts
                .iter()
                .map(|(part, whose)| (part.clone(), client(*whose)));
            told.collect::<Vec<_>>()
        };
        let part = |range, client: &str| (range, client.to_owned());
        let expected = [
            part(0..2, "-"),
            part(2..4, "ann"),
            part(4..5, "-"),
            part(5..6, "bob"),
            part(6..9, "-"),
        ];
        assert_eq!(told(9), expected);
        assert_eq!(told(3), [part(0..2, "-"), part(2..3, "ann")]);
        assert_eq!(told(0), []);
    }

    proptest! {
        #[test]
        fn the_parts_follow_each_other_and_add_up_whatever_the_uses(
            minutes in 0u32..100, uses in prop::collection::vec((-999i64..9_999, 0i64..999), 0..9),
        ) {
            let uses: Vec<Use> = uses
                .into_iter()
                .map(|(from, length)| used("ann", from, from + length))
                .collect();
            let parts = holders(READY, Minutes::new(minutes), &uses);
            let mut end = 0;
            for (part, _) in parts {
                prop_assert_eq!(part.start, end);
                prop_assert!(part.start < part.end);
                end = part.end;
            }
            prop_assert_eq!(end, minutes);
        }

        /// So what a team is reported to have used is never more than what its budget counted.
        #[test]
        fn a_use_has_no_more_minutes_than_its_length_rounded_up(
            from in -999i64..9_999, length in 0i64..9_999,
        ) {
            let uses = [used("ann", from, from + length)];
            let parts = holders(READY, Minutes::new(300), &uses);
            let held: u32 = parts
                .iter()
                .filter(|(_, whose)| whose.is_some())
                .map(|(part, _)| part.end - part.start)
                .sum();
            prop_assert!(held <= Span::seconds(length).ceil_minutes().get());
        }
    }
}
