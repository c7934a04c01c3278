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
