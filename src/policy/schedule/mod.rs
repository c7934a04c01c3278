//! Schedules: when a pool is open, in its own time zone.
//!
//! A window is written as people say it: `Mon-Fri 08:00-18:00 Europe/Berlin`. Days may be a range
//! (also around the week's end), a list, or `daily`; an end at or before the start is on the next
//! day; `24:00` is the end of a day. Where the zone's clock jumps over a time, the first instant
//! after the gap stands for it; where a time comes twice, a window opens at the earlier and closes
//! at the later, unless both its ends come twice: it is open once. Windows that overlap or touch
//! are one.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Days, NaiveDate};

use crate::units::{Span, Timestamp};

mod local;
#[cfg(test)]
mod tests;
mod window;

pub use local::local_instant;
pub(super) use window::nearest_zone;
pub use window::{BadWindow, Window};

/// How many days around an instant are looked at: a week's schedule shows all its edges in them.
const HORIZON_DAYS: u64 = 9;

/// An edge of a schedule, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When it is.
    pub at: Timestamp,
    /// True where the schedule opens there, false where it closes.
    pub opens: bool,
}

/// When a pool is open.
///
/// ```
/// use leasekeeper::policy::Schedule;
/// use leasekeeper::units::Timestamp;
///
/// let schedule = Schedule::new(vec!["Mon-Fri 08:00-18:00 Europe/Berlin".parse()?]);
/// let at = |text: &str| text.parse::<Timestamp>();
/// assert!(schedule.is_open(at("2026-03-02T07:00:00Z")?));
/// // It closes at six in the evening, Berlin time, and opens on the next working day.
/// let friday = at("2026-03-06T17:00:00Z")?;
/// assert!(!schedule.is_open(friday));
/// let opens = schedule.next_edge(friday).map(|edge| edge.at);
/// assert_eq!(opens, Some(at("2026-03-09T07:00:00Z")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    opening: Opening,
    /// Instants of windows take long to find, and a plan asks for them many times.
    memo: Memo,
}

/// What opens a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Opening {
    #[default]
    Always,
    Never,
    During(Vec<Window>),
}

/// The stretches around one day, as they were last found. It says nothing that the windows do not
/// say, so two schedules are equal whatever they remember.
#[derive(Debug, Default)]
struct Memo(Mutex<Option<(NaiveDate, Stretches)>>);

/// When a schedule is open: from, and up to and without.
type Stretches = Arc<[(Timestamp, Timestamp)]>;

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}
impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Memo {}

impl Schedule {
    /// A schedule that is always open.
    pub fn always() -> Self {
        Self::default()
    }

    /// A schedule that never opens.
    pub fn never() -> Self {
        Self {
            opening: Opening::Never,
            memo: Memo::default(),
        }
    }

    /// A schedule that is open during each of the windows; never, where there is none.
    pub fn new(windows: Vec<Window>) -> Self {
        if windows.is_empty() {
            return Self::never();
        }
        Self {
            opening: Opening::During(windows),
            memo: Memo::default(),
        }
    }

    /// The windows, where it opens and closes.
    fn windows(&self) -> &[Window] {
        match &self.opening {
            Opening::Always | Opening::Never => &[],
            Opening::During(windows) => windows,
        }
    }

    /// All stretches around an instant, in order, those that overlap or touch as one.
    fn stretches(&self, around: Timestamp) -> Stretches {
        let day = around.to_utc().date_naive();
        // What is remembered is whole at every moment, so a poisoned lock still holds a good value.
        let mut memo = self.memo.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*memo {
            Some((remembered, stretches)) if *remembered == day => stretches.clone(),
            _ => memo.insert((day, self.find_stretches(day))).1.clone(),
        }
    }

    fn find_stretches(&self, day: NaiveDate) -> Stretches {
        let mut stretches = Vec::new();
        for window in self.windows() {
            // A zone's date is at most one day from that of UTC.
            let first = day
                .checked_sub_days(Days::new(HORIZON_DAYS + 2))
                .unwrap_or(day);
            stretches.extend(
                first
                    .iter_days()
                    .take(2 * HORIZON_DAYS as usize + 5)
                    .filter_map(|d| window.on(d)),
            );
        }
        stretches.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in stretches {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged.into()
    }

    /// Whether it is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        if self.opening == Opening::Always {
            return true;
        }
        let stretches = self.stretches(at);
        stretches[..begun(&stretches, at)]
            .last()
            .is_some_and(|(_, to)| at < *to)
    }

    /// How long it is open in a stretch of at most eight days.
    pub fn open_within(&self, from: Timestamp, to: Timestamp) -> Span {
        match &self.opening {
            Opening::Always => to - from,
            Opening::Never => Span::ZERO,
            Opening::During(_) => {
                let stretches = self.stretches(from);
                let inside = stretches.iter().map(|(opens, closes)| {
                    ((*closes).min(to) - (*opens).max(from)).max(Span::ZERO)
                });
                inside.fold(Span::ZERO, |sum, part| sum + part)
            }
        }
    }

    /// The first opening or closing strictly after an instant; `None` for a schedule that never
    /// changes.
    pub fn next_edge(&self, after: Timestamp) -> Option<Edge> {
        if self.windows().is_empty() {
            return None;
        }
        let limit = after + Span::hours(24 * 8);
        let stretches = self.stretches(after);
        let begun = begun(&stretches, after);
        let closes = stretches[..begun].last().map(|(_, to)| Edge {
            at: *to,
            opens: false,
        });
        let opens = stretches.get(begun).map(|(from, _)| Edge {
            at: *from,
            opens: true,
        });
        closes
            .filter(|e| e.at > after)
            .or(opens)
            .filter(|e| e.at <= limit)
    }

    /// The latest opening at or before an instant, not further back than eight days.
    pub fn last_opening(&self, at: Timestamp) -> Option<Timestamp> {
        if self.windows().is_empty() {
            return None;
        }
        let limit = at - Span::hours(24 * 8);
        let stretches = self.stretches(at);
        stretches[..begun(&stretches, at)]
            .last()
            .map(|(from, _)| *from)
            .filter(|from| *from >= limit)
    }
}

/// How many stretches have begun at an instant. They are in order and do not touch.
fn begun(stretches: &[(Timestamp, Timestamp)], at: Timestamp) -> usize {
    stretches.partition_point(|(from, _)| *from <= at)
}
