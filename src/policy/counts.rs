//! Which counts of a pool are in force when.

use crate::units::{Span, Timestamp};

use super::model::Counts;
use super::parse::Pool;

impl Pool {
    /// The counts in force at an instant.
    pub fn counts_at(&self, at: Timestamp) -> Counts {
        let window = self.windows.iter().find(|window| window.when.is_open(at));
        window.map_or_else(|| self.base_counts(), |window| window.counts)
    }

    /// The counts that a pool is to have sessions for, which take a while to boot: those in force,
    /// and where it is warmed up before, those of a window that opens while they boot.
    pub fn counts_ahead(&self, at: Timestamp, boot: Span) -> Counts {
        let now = self.counts_at(at);
        if !self.prewarm {
            return now;
        }
        let soon = self.counts_at(at + boot);
        Counts {
            min: now.min.max(soon.min),
            max: now.max.max(soon.max),
            spare: now.spare.max(soon.spare),
        }
    }

    /// Whether it is open, or to be warmed up for an opening that is no further off.
    pub fn is_open_within(&self, at: Timestamp, ahead: Span) -> bool {
        let is_open = |at| self.schedule.is_open(at);
        is_open(at) || (self.prewarm && is_open(at + ahead))
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
        let edges = self
            .windows
            .iter()
            .map(|window| window.when.next_edge(after));
        edges.flatten().map(|edge| edge.at).min()
    }

    /// The last instant up to another one at which they can have changed, not further back than
    /// eight days.
    pub fn last_counts(&self, at: Timestamp) -> Option<Timestamp> {
        let edges = self.windows.iter().map(|window| window.when.last_edge(at));
        edges.flatten().map(|edge| edge.at).max()
    }
}
