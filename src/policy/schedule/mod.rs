//! Schedules: when a pool is open, in its own time zone.
//!
//! A window is written as people say it: `Mon-Fri 08:00-18:00 Europe/Berlin`. Days may be a range
//! (also around the week's end), a list, or `daily`; an end at or before the start is on the next
//! day; `24:00` is the end of a day. Where the zone's clock jumps over a time, the first instant
//! after the gap stands for it; where a time comes twice, a window opens at the earlier and closes
//! at the later. Windows that overlap or touch are one.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{
    Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;

use crate::units::{Span, Timestamp};

use crate::policy::Edge;

/// How many days around an instant are looked at: a week's schedule shows all its edges in them.
const HORIZON_DAYS: u64 = 9;

/// When a pool is open. The empty schedule is always open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    windows: Vec<Window>,
    /// Instants of windows take long to find, and a plan asks for them many times.
    memo: Memo,
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

/// One stretch of time that comes again every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    text: String,
    /// Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    start: u32,
    /// Minutes after the same midnight: above 24 × 60 where the window ends on the next day.
    end: u32,
    zone: Tz,
}

/// Why a text is not a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// Not three parts.
    #[error("{0:?} is not a window; write it like \"Mon-Fri 08:00-18:00 Europe/Berlin\"")]
    Form(String),
    /// A day that is not one.
    #[error(
        "{0:?} is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range like Mon-Fri, a list, or daily"
    )]
    Day(String),
    /// A time that is not one.
    #[error("{0:?} is not a time of day; write HH:MM, from 00:00 to 24:00")]
    Time(String),
    /// A zone that is not one.
    #[error("{name:?} is not a time zone{}; use an IANA name such as Europe/Berlin", nearest.as_ref().map(|n| format!(" (did you mean {n}?)")).unwrap_or_default())]
    Zone {
        /// What was written.
        name: String,
        /// The zone with the most similar name.
        nearest: Option<String>,
    },
}

/// The zone whose name is most like a text, if any is like it.
pub(super) fn nearest_zone(name: &str) -> Option<String> {
    let distance =
        |zone: &Tz| strsim::damerau_levenshtein(&zone.name().to_lowercase(), &name.to_lowercase());
    let (distance, zone) = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|z| (distance(z), z.name()))
        .min()?;
    (distance <= 3).then(|| zone.into())
}

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [days, times, zone] = parts[..] else {
            return Err(BadWindow::Form(text.into()));
        };
        let (start, end) = times
            .split_once('-')
            .ok_or_else(|| BadWindow::Time(times.into()))?;
        let (start, end) = (time(start)?, time(end)?);
        if start == 24 * 60 {
            return Err(BadWindow::Time(times.into()));
        }
        let zone = zone.parse().map_err(|_| BadWindow::Zone {
            name: zone.into(),
            nearest: nearest_zone(zone),
        })?;
        let end = if end <= start { end + 24 * 60 } else { end };
        Ok(Self {
            text: parts.join(" "),
            days: days_of(days)?,
            start,
            end,
            zone,
        })
    }
}

fn time(text: &str) -> Result<u32, BadWindow> {
    let bad = || BadWindow::Time(text.into());
    let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
    if hours.len() != 2 || minutes.len() != 2 || !text.is_ascii() {
        return Err(bad());
    }
    let (hours, minutes): (u32, u32) = (
        hours.parse().map_err(|_| bad())?,
        minutes.parse().map_err(|_| bad())?,
    );
    let total = hours * 60 + minutes;
    if minutes > 59 || total > 24 * 60 {
        Err(bad())
    } else {
        Ok(total)
    }
}

fn days_of(text: &str) -> Result<[bool; 7], BadWindow> {
    if text.eq_ignore_ascii_case("daily") {
        return Ok([true; 7]);
    }
    let day = |name: &str| {
        let day: Result<Weekday, _> = name.parse();
        day.map(|d| d.num_days_from_monday() as usize)
            .map_err(|_| BadWindow::Day(name.into()))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut at, last) = (day(first)?, day(last)?);
        days[at] = true;
        while at != last {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    Ok(days)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Window {
    /// The stretch of the window that begins on a date, if one does.
    fn on(&self, date: NaiveDate) -> Option<(Timestamp, Timestamp)> {
        self.days[date.weekday().num_days_from_monday() as usize].then_some(())?;
        let midnight = date.and_time(NaiveTime::MIN);
        let from = local_instant(
            midnight + TimeDelta::minutes(self.start.into()),
            self.zone,
            true,
        );
        let to = local_instant(
            midnight + TimeDelta::minutes(self.end.into()),
            self.zone,
            false,
        );
        (from < to).then_some((from, to))
    }
}

/// The instant of a local date and time. Where the zone's clock jumps over it, the first instant
/// after the gap stands for it; where it comes twice, the earlier where something begins, else the
/// later.
pub fn local_instant(local: NaiveDateTime, zone: Tz, begins: bool) -> Timestamp {
    /// No zone's clock ever jumped by more than a day.
    const LONGEST_GAP_MINUTES: i64 = 24 * 60;
    let at = |k| match zone.from_local_datetime(&(local + TimeDelta::minutes(k))) {
        LocalResult::Single(at) => Some(at),
        LocalResult::Ambiguous(earlier, later) => Some(if begins { earlier } else { later }),
        LocalResult::None => None,
    };
    let found = (0..LONGEST_GAP_MINUTES)
        .find_map(at)
        .map(|at| at.with_timezone(&Utc));
    Timestamp::from_utc(found.unwrap_or_else(|| local.and_utc()))
}

impl Schedule {
    /// A schedule that is always open.
    pub fn always() -> Self {
        Self::default()
    }

    /// A schedule that is open during each of the windows; always, where there is none.
    pub fn new(windows: Vec<Window>) -> Self {
        Self {
            windows,
            memo: Memo::default(),
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
        for window in &self.windows {
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
        if self.windows.is_empty() {
            return true;
        }
        let stretches = self.stretches(at);
        stretches[..begun(&stretches, at)]
            .last()
            .is_some_and(|(_, to)| at < *to)
    }

    /// The first opening or closing strictly after an instant; `None` for a schedule that never
    /// changes.
    pub fn next_edge(&self, after: Timestamp) -> Option<Edge> {
        if self.windows.is_empty() {
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
        if self.windows.is_empty() {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(windows: &[&str]) -> Schedule {
        Schedule::new(
            windows
                .iter()
                .map(|w| w.parse().expect("a window"))
                .collect(),
        )
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn windows_open_and_close_by_their_zones_clock() {
        let s = schedule(&["Mon-Fri 08:00-18:00 Europe/Berlin"]);
        // Friday 2026-03-27 is winter time, Monday the 30th summer time.
        assert_eq!(
            s.next_edge(at("2026-03-27T06:59:59Z")),
            Some(Edge {
                at: at("2026-03-27T07:00:00Z"),
                opens: true
            })
        );
        assert_eq!(
            s.next_edge(at("2026-03-27T07:00:00Z")),
            Some(Edge {
                at: at("2026-03-27T17:00:00Z"),
                opens: false
            })
        );
        assert_eq!(
            s.next_edge(at("2026-03-27T17:00:00Z")),
            Some(Edge {
                at: at("2026-03-30T06:00:00Z"),
                opens: true
            })
        );
        assert_eq!(
            s.last_opening(at("2026-03-29T12:00:00Z")),
            Some(at("2026-03-27T07:00:00Z"))
        );
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
        let s = schedule(&["Fri 22:00-06:00 UTC"]);
        assert!(s.is_open(at("2026-03-28T05:59:00Z")) && !s.is_open(at("2026-03-28T06:00:00Z")));
        assert!(!s.is_open(at("2026-03-27T05:00:00Z")));
    }

    #[test]
    fn touching_windows_are_one_and_a_full_week_never_changes() {
        let s = schedule(&["daily 00:00-12:00 UTC", "daily 12:00-24:00 UTC"]);
        assert_eq!(s.next_edge(at("2026-03-27T05:00:00Z")), None);
        assert_eq!(s.last_opening(at("2026-03-27T05:00:00Z")), None);
    }

    #[test]
    fn what_is_not_a_window_is_refused_with_the_way_out() {
        let said = |t: &str| t.parse::<Window>().expect_err(t).to_string();
        assert!(said("Mon-Fri 08:00-18:00").contains("write it like"));
        assert!(said("Mo-Fr 08:00-18:00 UTC").contains("\"Mo\" is not a day"));
        assert!(said("Mon 8-18 UTC").contains("is not a time of day"));
        assert!(said("Mon 08:00-25:00 UTC").contains("is not a time of day"));
        assert!(said("Mon 08:00-18:00 Europe/Berln").contains("did you mean Europe/Berlin?"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn a_minute_by_minute_reading_of_the_rule_says_the_same(
            zone in prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("UTC")],
            start in 0u32..1440, length in 1u32..1440, days in 1u8..127, day in 0i64..366,
        ) {
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let list: Vec<&str> = (0..7).filter(|d| days >> d & 1 == 1).map(|d| names[d]).collect();
            let end = (start + length) % 1440;
            let text = format!("{} {:02}:{:02}-{:02}:{:02} {zone}", list.join(","), start / 60, start % 60, end / 60, end % 60);
            let s = schedule(&[&text]);
            let zone: Tz = zone.parse().expect("a zone");
            let begin = at("2026-01-01T00:00:00Z") + Span::hours(24 * day);
            let mut was = s.is_open(begin - Span::minutes(1));
            for minute in 0..1440 {
                let now = begin + Span::minutes(minute);
                let open = s.is_open(now);
                // Away from the hours in which a zone's clock changes, the wall clock alone
                // decides.
                let local = now.to_utc().with_timezone(&zone);
                let steady = [-26, 26].iter().all(|h| {
                    use chrono::Offset;
                    (now + Span::hours(*h)).to_utc().with_timezone(&zone).offset().fix() == local.offset().fix()
                });
                if steady {
                    use chrono::Timelike;
                    let of_day = local.hour() * 60 + local.minute();
                    let today = days >> local.weekday().num_days_from_monday() & 1 == 1;
                    let yesterday = days >> ((local.weekday().num_days_from_monday() + 6) % 7) & 1 == 1;
                    let rule = if start < end { today && (start..end).contains(&of_day) }
                        else { (today && of_day >= start) || (yesterday && of_day < end) };
                    prop_assert_eq!(open, rule, "{} at {}", text, now);
                }
                if open != was {
                    prop_assert_eq!(s.next_edge(now - Span::minutes(1)), Some(Edge { at: now, opens: open }));
                }
                was = open;
            }
        }

        #[test]
        fn any_text_is_a_window_or_refused_but_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Window>();
        }
    }
}
