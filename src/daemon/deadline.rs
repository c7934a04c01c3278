//! The end of the daemon has one deadline, which its steps share.
//!
//! Promises: from the instant at which the end is asked for, the last pass, the stops and the last
//! writes together take no longer than [`LONGEST_END`], whatever the service and the disk do; the
//! unit's `TimeoutStopSec` is longer. A step that ends early leaves its time to those after it.

use crate::units::{Span, Timestamp};

/// How long the end may take as a whole.
const LONGEST_END: Span = Span::seconds(52);
/// How long a pass that is under way may take to finish.
const LAST_PASS: Span = Span::seconds(10);
/// When the stops are given up, which leaves time to the control socket, the ledger, the log and
/// the embedded service.
const STOPS: Span = Span::seconds(40);

/// When the end that was asked for must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    asked: Timestamp,
}

impl Deadline {
    /// The deadline of an end that is asked for at an instant.
    pub const fn of_an_end_asked_at(asked: Timestamp) -> Self {
        Self { asked }
    }

    /// How long the pass that is under way may still take.
    pub(super) fn for_the_last_pass(self, now: Timestamp) -> Span {
        self.left(now, LAST_PASS)
    }

    /// How long the service may take to stop sessions.
    pub(super) fn for_the_stops(self, now: Timestamp) -> Span {
        self.left(now, STOPS)
    }

    /// How long what comes after the stops may take.
    pub fn for_the_last_writes(self, now: Timestamp) -> Span {
        self.left(now, LONGEST_END)
    }

    fn left(self, now: Timestamp, until: Span) -> Span {
        // A clock that goes back while the daemon ends does not lengthen the end.
        (self.asked + until - now).clamp(Span::ZERO, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = include_str!("../../systemd/leasekeeper.service");

    #[test]
    fn the_whole_end_fits_into_the_time_that_the_unit_gives_it() {
        let given = UNIT
            .lines()
            .find_map(|line| line.strip_prefix("TimeoutStopSec="))
            .and_then(|seconds| seconds.strip_suffix('s')?.parse().ok())
            .map(Span::seconds)
            .expect("the unit says it in seconds");
        assert!(LONGEST_END + Span::seconds(5) <= given);
    }

    #[test]
    fn each_step_has_what_the_ones_before_it_left_and_never_more() {
        let asked: Timestamp = "2026-03-02T08:00:00Z".parse().expect("an instant");
        let deadline = Deadline::of_an_end_asked_at(asked);
        let left = |since: Span| {
            [
                deadline.for_the_last_pass(asked + since),
                deadline.for_the_stops(asked + since),
                deadline.for_the_last_writes(asked + since),
            ]
            .map(Span::as_secs)
        };
        assert_eq!(left(Span::ZERO), [10, 40, 52]);
        assert_eq!(left(Span::seconds(25)), [0, 15, 27]);
        assert_eq!(left(Span::hours(1)), [0, 0, 0]);
        assert_eq!(
            left(Span::hours(-1)),
            [10, 40, 52],
            "a clock that was set back"
        );
    }
}
