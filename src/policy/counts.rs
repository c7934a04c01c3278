//! Which counts of a pool are in force when.

use crate::units::{Span, Timestamp};

use super::model::Counts;
use super::parse::Pool;

impl Pool {
    /// The counts in force at an instant. Each reservation that is in force raises `min` by one, up
    /// to `max`.
    pub fn counts_at(&self, at: Timestamp) -> Counts {
        let reserved = self.reserved_within(at, Span::ZERO);
        let open = reserved == 0 || self.is_open_to_all(at);
        self.usual_counts(at, open).with_reserved(reserved)
    }

    /// The counts of the windows. Where it is open for reservations only there is nothing besides.
    fn usual_counts(&self, at: Timestamp, open: bool) -> Counts {
        let window = self.windows.iter().find(|window| window.when.is_open(at));
        let usual = window.map_or_else(|| self.base_counts(), |window| window.counts);
        match open {
            true => usual,
            false => Counts {
                min: 0,
                spare: 0,
                ..usual
            },
        }
    }

    /// The counts that a pool is to have sessions for, which take a while to boot: those in force,
    /// and where it is warmed up before, those of a window that opens while they boot.
    pub fn counts_ahead(&self, at: Timestamp, boot: Span) -> Counts {
        let reserved = self.reserved_within(at, boot) > 0;
        let is_open = |at| !reserved || self.is_open_to_all(at);
        let counts = |at, open| {
            let in_force = self.reserved_within(at, Span::ZERO);
            self.usual_counts(at, open).with_reserved(in_force)
        };
        let opens = self.prewarm && is_open(at + boot);
        let now = counts(at, is_open(at) || opens);
        if !self.prewarm {
            return now;
        }
        let soon = counts(at + boot, opens);
        Counts {
            min: now.min.max(soon.min),
            max: now.max.max(soon.max),
            spare: now.spare.max(soon.spare),
        }
    }

    /// Whether it is open, or to be warmed up for an opening or a reservation that is no further
    /// off.
    pub fn is_open_within(&self, at: Timestamp, ahead: Span) -> bool {
        let is_open = |at| self.schedule.is_open(at);
        is_open(at) || (self.prewarm && is_open(at + ahead)) || self.coming(at, ahead) > 0
    }

    /// The counts outside its windows.
    fn base_counts(&self) -> Counts {
        Counts {
            min: self.min,
            max: self.max,
            spare: self.spare,
        }
    }

    /// How many slots it has: as many as it ever allows sessions.
    pub fn slots(&self) -> u32 {
        let windows = self.windows.iter().map(|window| window.counts.max);
        windows.fold(self.max, u32::max)
    }

    /// The last time up to an instant that the schedule or a window opened, not further back than
    /// eight days.
    pub fn last_opening(&self, at: Timestamp) -> Option<Timestamp> {
        let windows = self.windows.iter().map(|window| &window.when);
        let opened = std::iter::once(&self.schedule).chain(windows);
        opened.filter_map(|when| when.last_opening(at)).max()
    }

    /// The first instant after another one at which the counts in force can change.
    pub fn next_counts(&self, after: Timestamp) -> Option<Timestamp> {
        let windows = self.windows.iter().map(|window| &window.when);
        let edges = windows.chain(&self.hours).map(|when| when.next_edge(after));
        let edges = edges.flatten().map(|edge| edge.at);
        let reserved = self.reservation_edges().filter(|at| after < *at);
        edges.chain(reserved).min()
    }

    /// The last instant up to another one at which they can have changed, not further back than
    /// eight days.
    pub fn last_counts(&self, at: Timestamp) -> Option<Timestamp> {
        let windows = self.windows.iter().map(|window| &window.when);
        let edges = windows.chain(&self.hours).map(|when| when.last_edge(at));
        let edges = edges.flatten().map(|edge| edge.at);
        let reserved = self.reservation_edges().filter(|edge| *edge <= at);
        edges.chain(reserved).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PoolWindow, Schedule};

    fn open(window: &str) -> Schedule {
        Schedule::new(vec![window.parse().expect("a window")])
    }

    /// Open on Mondays from eight to six, with more over lunch, and fewer that stand ready.
    fn pool(prewarm: bool) -> Pool {
        let counts = Counts {
            min: 2,
            max: 6,
            spare: 0,
        };
        let when = open("Mon 12:00-14:00 UTC");
        let later = open("Mon 16:00-17:00 UTC");
        Pool {
            max: 4,
            spare: 3,
            schedule: open("Mon 08:00-18:00 UTC"),
            windows: vec![
                PoolWindow { when, counts },
                PoolWindow {
                    when: later,
                    counts: Counts { max: 5, ..counts },
                },
            ],
            prewarm,
            ..Pool::new("a".parse().expect("a pool name"))
        }
    }

    fn at(time: &str) -> Timestamp {
        let text = format!("2026-03-02T{time}:00Z");
        text.parse().expect("an instant")
    }

    const BOOT: Span = Span::minutes(10);

    #[test]
    fn what_is_warmed_up_is_open_so_much_earlier_and_closes_with_its_schedule() {
        let is_open = |prewarm, time| pool(prewarm).is_open_within(at(time), BOOT);
        for (time, open, warmed) in [
            ("07:49", false, false),
            ("07:50", false, true),
            ("08:00", true, true),
            ("17:59", true, true),
            ("18:00", false, false),
        ] {
            assert_eq!(is_open(false, time), open, "{time}");
            assert_eq!(is_open(true, time), warmed, "{time}, warmed up");
        }
    }

    #[test]
    fn of_now_and_soon_the_larger_of_each_count_is_what_a_pool_is_warmed_up_for() {
        let ahead = |prewarm, time| {
            let counts = pool(prewarm).counts_ahead(at(time), BOOT);
            (counts.min, counts.max, counts.spare)
        };
        assert_eq!(ahead(false, "11:50"), (1, 4, 3));
        assert_eq!(ahead(true, "11:49"), (1, 4, 3));
        assert_eq!(ahead(true, "11:50"), (2, 6, 3));
        assert_eq!(ahead(true, "12:00"), (2, 6, 0));
        assert_eq!(ahead(true, "13:50"), (2, 6, 3));
        assert_eq!(ahead(true, "14:00"), (1, 4, 3));
        assert_eq!(pool(false).slots(), 6);
        assert_eq!(
            Pool {
                max: 7,
                ..pool(false)
            }
            .slots(),
            7
        );
    }

    #[test]
    fn the_nearest_opening_or_change_is_that_of_whichever_window_is_nearest() {
        let pool = pool(false);
        assert_eq!(pool.last_opening(at("08:00")), Some(at("08:00")));
        assert_eq!(pool.last_opening(at("13:00")), Some(at("12:00")));
        assert_eq!(pool.last_opening(at("19:00")), Some(at("16:00")));
        let changes = |time| (pool.last_counts(at(time)), pool.next_counts(at(time)));
        let (noon, two) = (Some(at("12:00")), Some(at("14:00")));
        assert_eq!(changes("12:00"), (noon, two));
        assert_eq!(changes("14:00"), (two, Some(at("16:00"))));
        assert_eq!(changes("11:00").1, noon);
        let mut bare = pool.clone();
        bare.windows.clear();
        let none = (bare.last_counts(at("12:00")), bare.next_counts(at("12:00")));
        assert_eq!(none, (None, None));
        assert_eq!(bare.last_opening(at("13:00")), Some(at("08:00")));
    }
}
