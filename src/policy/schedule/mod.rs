//! Schedules: when a pool is open, in its own time zone.
//!
//! A window is written as people say it: `Mon-Fri 08:00-18:00 Europe/Berlin`. Days may be a range
//! (also around the week's end), a list, or `daily`; an end at or before the start is on the next
//! day; `24:00` is the end of a day; `Fri 18:00-Mon 06:00 Europe/Berlin` is one stretch. Where the
//! zone's clock jumps over a time, the first instant after the gap stands for it; where a time
//! comes twice, a window opens at the earlier and closes at the later, unless both its ends come
//! twice: it is open once. Windows that overlap or touch are one. On single dates it may be closed,
//! or open all day, whatever the windows say; a calendar may close it for any stretch of time but
//! those dates, and reservations open it for theirs.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::units::{Span, Timestamp};

mod dates;
mod local;
#[cfg(test)]
mod tests;
mod window;

pub use dates::Dates;
pub use local::local_instant;
pub(super) use window::nearest_zone;
pub use window::{BadWindow, BadZone, Window};

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
    /// When it is closed, whatever the windows say; in order.
    closed: Vec<(Timestamp, Timestamp)>,
    /// When a calendar closes it; in order, none touching another.
    holidays: Vec<(Timestamp, Timestamp)>,
    /// When it is open, whatever they say.
    open: Vec<(Timestamp, Timestamp)>,
    /// When reservations open it, whatever else closes it; in order, none touching another.
    reserved: Vec<(Timestamp, Timestamp)>,
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
            ..Self::default()
        }
    }

    /// A schedule that is open during each of the windows; never, where there is none.
    pub fn new(windows: Vec<Window>) -> Self {
        if windows.is_empty() {
            return Self::never();
        }
        Self {
            opening: Opening::During(windows),
            ..Self::default()
        }
    }

    /// The same schedule, closed on some dates and open all day on others. Days are those of the
    /// zone that is named with them, or else of `zone`.
    #[must_use]
    pub fn except_on(self, closed: &[Dates], open: &[Dates], zone: Tz) -> Self {
        let stretches = |dates: &[Dates]| {
            let mut stretches: Vec<_> = dates.iter().map(|dates| dates.stretch(zone)).collect();
            stretches.sort_unstable();
            stretches
        };
        Self {
            closed: stretches(closed),
            open: stretches(open),
            memo: Memo::default(),
            ..self
        }
    }

    /// The same schedule, closed in stretches of time that a calendar says, instead of those that
    /// one said before. On dates on which it is open all day it stays so.
    #[must_use]
    pub fn with_holidays(self, holidays: Vec<(Timestamp, Timestamp)>) -> Self {
        Self {
            holidays: merged(holidays),
            memo: Memo::default(),
            ..self
        }
    }

    /// The same schedule, open in stretches of time that are reserved, instead of those that were
    /// reserved before.
    #[must_use]
    pub fn with_reservations(self, reserved: Vec<(Timestamp, Timestamp)>) -> Self {
        Self {
            reserved: merged(reserved),
            memo: Memo::default(),
            ..self
        }
    }

    /// The zone of its first window.
    pub fn zone(&self) -> Option<Tz> {
        self.windows().first().map(Window::zone)
    }

    /// Whether it never changes.
    fn is_fixed(&self) -> bool {
        self.windows().is_empty() && self.dates().next().is_none()
    }

    /// Every stretch for which something else than the windows opens or closes it.
    fn dates(&self) -> impl Iterator<Item = &(Timestamp, Timestamp)> {
        let closed = self.closed.iter().chain(&self.holidays);
        closed.chain(&self.open).chain(&self.reserved)
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
        // A zone's date is at most one day from that of UTC.
        let days = Days::new(HORIZON_DAYS + 2);
        let first = day.checked_sub_days(days).unwrap_or(day);
        let last = day.checked_add_days(days).unwrap_or(day);
        let mut stretches = Vec::new();
        if self.opening == Opening::Always {
            let midnight = |date: NaiveDate| {
                Timestamp::from_utc(date.and_time(chrono::NaiveTime::MIN).and_utc())
            };
            stretches.push((midnight(first), midnight(last)));
        }
        for window in self.windows() {
            let dates = first.iter_days().take_while(|date| *date <= last);
            stretches.extend(dates.filter_map(|date| window.on(date)));
        }
        for closed in self.closed.iter().chain(&self.holidays) {
            stretches = stretches
                .into_iter()
                .flat_map(|s| without(s, *closed))
                .collect();
        }
        stretches.extend(self.open.iter().chain(&self.reserved));
        merged(stretches).into()
    }

    /// Whether it is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        if self.is_fixed() {
            return self.opening == Opening::Always;
        }
        let stretches = self.stretches(at);
        stretches[..begun(&stretches, at)]
            .last()
            .is_some_and(|(_, to)| at < *to)
    }

    /// How long it is open in a stretch of at most eight days.
    pub fn open_within(&self, from: Timestamp, to: Timestamp) -> Span {
        if self.is_fixed() {
            return match self.opening {
                Opening::Always => to - from,
                Opening::Never | Opening::During(_) => Span::ZERO,
            };
        }
        let stretches = self.stretches(from);
        let inside = stretches
            .iter()
            .map(|(opens, closes)| ((*closes).min(to) - (*opens).max(from)).max(Span::ZERO));
        inside.fold(Span::ZERO, |sum, part| sum + part)
    }

    /// The first opening or closing strictly after an instant; `None` for a schedule that does not
    /// change any more.
    pub fn next_edge(&self, after: Timestamp) -> Option<Edge> {
        if self.is_fixed() {
            return None;
        }
        self.edge_near(after).or_else(|| {
            // Windows come again every week, so only dates keep it as it is for longer.
            let dates = self.dates().flat_map(|(from, to)| [*from, *to]);
            let mut bounds: Vec<Timestamp> = dates.collect();
            bounds.sort_unstable();
            let later = bounds.into_iter().filter(|bound| *bound > after);
            later
                .map(|bound| bound - Span::millis(1))
                .find_map(|at| self.edge_near(at))
        })
    }

    /// The first opening or closing in the eight days after an instant.
    fn edge_near(&self, after: Timestamp) -> Option<Edge> {
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

    /// The latest opening or closing at or before an instant, not further back than eight days.
    pub fn last_edge(&self, at: Timestamp) -> Option<Edge> {
        if self.is_fixed() {
            return None;
        }
        let limit = at - Span::hours(24 * 8);
        let stretches = self.stretches(at);
        let (from, to) = *stretches[..begun(&stretches, at)].last()?;
        let edge = if to <= at {
            Edge {
                at: to,
                opens: false,
            }
        } else {
            Edge {
                at: from,
                opens: true,
            }
        };
        Some(edge).filter(|edge| edge.at >= limit)
    }

    /// The latest opening at or before an instant, not further back than eight days.
    pub fn last_opening(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_fixed() {
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

/// Stretches in order, those that overlap or touch as one, and none of no length.
fn merged(mut stretches: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    stretches.retain(|(from, to)| from < to);
    stretches.sort_unstable();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in stretches {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// How many stretches have begun at an instant. They are in order and do not touch.
fn begun(stretches: &[(Timestamp, Timestamp)], at: Timestamp) -> usize {
    stretches.partition_point(|(from, _)| *from <= at)
}

/// A stretch without another one: what comes before it, and what comes after.
fn without(
    (from, to): (Timestamp, Timestamp),
    (closes, opens): (Timestamp, Timestamp),
) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let parts = [(from, to.min(closes)), (from.max(opens), to)];
    parts.into_iter().filter(|(from, to)| from < to)
}
