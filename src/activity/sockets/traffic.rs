//! How much moves over the connections to one session: what the kernel counts, from look to look.
//!
//! The kernel counts from a connection's beginning, so the first look at one that is older than the
//! watching tells nothing of the last minute. Pure: instants come from the caller.

use std::collections::{BTreeMap, VecDeque};

use crate::keeper::Moved;
use crate::units::{ByteCount, Span, Timestamp};

use super::flow::Flow;

/// How far back a look looks.
const WINDOW: Span = Span::minutes(1);

/// What has moved over the connections to one session.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// What each connection had moved at the last look, by its cookie.
    counters: BTreeMap<u64, u64>,
    /// Whether there was no connection at the first look, so that nothing before it is missed.
    from_the_start: bool,
    /// What had moved since the first look, at each look of the last minute and at one before.
    looks: VecDeque<(Timestamp, u64)>,
}

/// What has moved lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lately {
    /// How much, since the instant that was looked back to.
    pub(super) moved: Moved,
    /// How long that is.
    over: Span,
    /// Whether nothing more can have moved in the last minute.
    pub(super) is_all: bool,
}

impl Lately {
    /// Whether at least so much moved in a minute. Of less than a minute nothing is made up.
    pub(super) fn reaches(&self, a_minute: ByteCount) -> bool {
        let millis = self.over.max(WINDOW).as_millis().unsigned_abs();
        let minute = WINDOW.as_millis().unsigned_abs();
        let moved = u128::from(self.moved.bytes.get()) * u128::from(minute);
        moved >= u128::from(a_minute.get()) * u128::from(millis)
    }
}

impl Traffic {
    /// Takes in the connections that there are at an instant, and says what has moved lately.
    pub(super) fn look(&mut self, now: Timestamp, flows: &[Flow]) -> Lately {
        let counted: BTreeMap<u64, u64> = flows
            .iter()
            .filter_map(|flow| flow.counter)
            .map(|counter| (counter.cookie, counter.bytes))
            .collect();
        if self.looks.back().is_some_and(|(last, _)| *last > now) {
            // The line of time was moved back; what was before stands on the old one.
            *self = Self::default();
        }
        let before = match self.looks.back() {
            Some((_, before)) => *before + self.since_last(&counted),
            None => {
                self.from_the_start = counted.is_empty();
                0
            }
        };
        self.counters = counted;
        self.looks.push_back((now, before));
        let is_old = |at: Timestamp| at <= now - WINDOW;
        while self.looks.get(1).is_some_and(|(at, _)| is_old(*at)) {
            self.looks.pop_front();
        }
        let (since, then) = self.looks.front().copied().unwrap_or((now, before));
        let over = now - since;
        let seconds = (over + Span::millis(999)).as_secs();
        Lately {
            moved: Moved {
                bytes: ByteCount::new(before - then),
                seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            },
            over,
            is_all: is_old(since) || self.from_the_start,
        }
    }

    /// What has moved since the last look: all of a connection that is new.
    fn since_last(&self, counted: &BTreeMap<u64, u64>) -> u64 {
        let moved = counted.iter().map(|(cookie, bytes)| {
            let before = self.counters.get(cookie).copied().unwrap_or(0);
            bytes.saturating_sub(before)
        });
        moved.fold(0, u64::saturating_add)
    }

    /// The connection over which most has moved since the last look, or else the first.
    pub(super) fn busiest<'f>(&self, flows: &'f [Flow]) -> Option<&'f Flow> {
        let moved = |flow: &Flow| {
            flow.counter.map_or(0, |counter| {
                let before = self.counters.get(&counter.cookie).copied();
                counter.bytes.saturating_sub(before.unwrap_or(0))
            })
        };
        flows.iter().rev().max_by_key(|flow| moved(flow))
    }
}

#[cfg(test)]
mod tests {
    use super::super::flow::Counter;
    use super::*;
    use crate::keeper::Transport;

    const MINUTE: i64 = 60;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(0) + Span::seconds(second)
    }

    /// A connection that has moved so much.
    fn flow(cookie: u64, bytes: u64) -> Flow {
        let end = "10.0.0.7:1".parse().expect("an end");
        Flow {
            counter: Some(Counter { cookie, bytes }),
            ..Flow::new(Transport::Tcp, end, end)
        }
    }

    fn told(lately: Lately) -> (u64, u32, bool) {
        let Moved { bytes, seconds } = lately.moved;
        (bytes.get(), seconds, lately.is_all)
    }

    #[test]
    fn what_an_old_connection_moved_before_the_first_look_is_not_known_and_is_not_counted() {
        let mut traffic = Traffic::default();
        assert_eq!(told(traffic.look(at(0), &[flow(1, 900)])), (0, 0, false));
        assert_eq!(told(traffic.look(at(20), &[flow(1, 950)])), (50, 20, false));
        assert_eq!(told(traffic.look(at(60), &[flow(1, 960)])), (60, 60, true));
        // What moved more than a minute ago is over.
        assert_eq!(told(traffic.look(at(80), &[flow(1, 960)])), (10, 60, true));
        assert_eq!(
            told(traffic.look(at(400), &[flow(1, 980)])),
            (20, 320, true)
        );
    }

    #[test]
    fn all_that_a_new_connection_has_moved_counts_and_nothing_is_missed_where_none_was_before() {
        let mut traffic = Traffic::default();
        assert_eq!(told(traffic.look(at(0), &[])), (0, 0, true));
        assert_eq!(told(traffic.look(at(10), &[flow(1, 70)])), (70, 10, true));
        let two = [flow(1, 71), flow(2, 5)];
        assert_eq!(told(traffic.look(at(20), &two)), (76, 20, true));
        assert_eq!(told(traffic.look(at(30), &[flow(3, 1)])), (77, 30, true));
    }

    #[test]
    fn a_line_of_time_that_is_moved_back_begins_anew() {
        let mut traffic = Traffic::default();
        let _ = traffic.look(at(1_000), &[flow(1, 10)]);
        assert_eq!(told(traffic.look(at(5), &[flow(1, 90)])), (0, 0, false));
    }

    #[test]
    fn a_rate_is_of_a_minute_and_less_than_one_is_not_made_up() {
        let reaches = |seconds, bytes, least| {
            let mut traffic = Traffic::default();
            let _ = traffic.look(at(0), &[]);
            let lately = traffic.look(at(seconds), &[flow(1, bytes)]);
            lately.reaches(ByteCount::new(least))
        };
        assert!(reaches(MINUTE, 100, 100));
        assert!(!reaches(MINUTE, 99, 100));
        assert!(reaches(5 * MINUTE, 500, 100));
        assert!(!reaches(5 * MINUTE, 499, 100));
        assert!(reaches(1, 100, 100));
        assert!(!reaches(1, 99, 100));
        assert!(reaches(1, u64::MAX, u64::MAX));
    }

    #[test]
    fn the_connection_that_is_named_is_the_busiest_since_the_last_look() {
        let mut traffic = Traffic::default();
        let _ = traffic.look(at(0), &[flow(1, 1_000), flow(2, 10)]);
        let now = [flow(1, 1_001), flow(2, 90), flow(3, 80)];
        assert_eq!(traffic.busiest(&now), Some(&now[1]));
        assert_eq!(traffic.busiest(&now[..1]), Some(&now[0]));
        let silent = [flow(1, 1_000), flow(2, 10)];
        assert_eq!(traffic.busiest(&silent), Some(&silent[0]));
        assert_eq!(traffic.busiest(&[]), None);
    }
}
