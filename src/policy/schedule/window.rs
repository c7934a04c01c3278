//! One window of a schedule: read as people write it, and as the stretch that begins on a date.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;

use crate::units::Timestamp;

use super::local::local_instant;

/// One stretch of time that comes again every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    text: String,
    /// Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    start: u32,
    /// Minutes after the same midnight: above 24 × 60 where the window ends on a later day.
    end: u32,
    zone: Tz,
}

/// Why a text is not a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// Not three parts, nor four.
    #[error(
        "{0:?} is not a window; write it like \"Mon-Fri 08:00-18:00 Europe/Berlin\", or over \
         several days like \"Fri 18:00-Mon 06:00 Europe/Berlin\""
    )]
    Form(String),
    /// A day that is not one.
    #[error(
        "{0:?} is not a day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range like Mon-Fri, a \
         list, or daily"
    )]
    Day(String),
    /// A time that is not one.
    #[error("{0:?} is not a time of day; write HH:MM, from 00:00 to 24:00")]
    Time(String),
    /// A window of no length.
    #[error(
        "{0:?} begins and ends at the same time; a whole day is 00:00-24:00, and a pool that is \
         always open has no schedule"
    )]
    Empty(String),
    /// A zone that is not one.
    #[error(transparent)]
    Zone(#[from] BadZone),
}

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is not a time zone{}; use an IANA name such as Europe/Berlin",
    nearest.as_ref().map(|n| format!(" (did you mean {n}?)")).unwrap_or_default()
)]
pub struct BadZone {
    /// What was written.
    pub name: String,
    /// The zone with the most similar name.
    pub nearest: Option<String>,
}

/// The zone of a name.
pub(super) fn zone_named(name: &str) -> Result<Tz, BadZone> {
    name.parse().map_err(|_| BadZone {
        name: name.into(),
        nearest: nearest_zone(name),
    })
}

/// The zone whose name is most like a text, if any is like it: its whole name, or its city alone.
/// Only names of places are suggested. Abbreviations and offsets (`EST`, `Etc/GMT+5`) are one
/// letter from others that are hours away.
pub(in crate::policy) fn nearest_zone(name: &str) -> Option<String> {
    let wanted = name.to_lowercase();
    let distance = |zone: &str| {
        let zone = zone.to_lowercase();
        let alike = match zone.rsplit_once('/') {
            Some((_, city)) if !wanted.contains('/') => city,
            _ => &zone,
        };
        strsim::damerau_levenshtein(alike, &wanted)
    };
    let (distance, zone) = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(|zone| zone.contains('/') && !zone.starts_with("Etc/"))
        .map(|zone| (distance(zone), zone))
        .min()?;
    (distance <= 3.min(wanted.len() / 5)).then(|| zone.into())
}

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (days, times, zone) = match parts[..] {
            [days, times, zone] => (days, times, zone),
            [day, from, to, zone] => return stretch(parts.join(" "), day, from, to, zone),
            _ => return Err(BadWindow::Form(text.into())),
        };
        let (start, end) = times
            .split_once('-')
            .ok_or_else(|| BadWindow::Time(times.into()))?;
        let (start, end) = (time(start)?, time(end)?);
        if start == 24 * 60 {
            return Err(BadWindow::Time(times.into()));
        }
        let zone = zone_named(zone)?;
        if start == end {
            return Err(BadWindow::Empty(times.into()));
        }
        let end = if end < start { end + 24 * 60 } else { end };
        Ok(Self {
            text: parts.join(" "),
            days: days_of(days)?,
            start,
            end,
            zone,
        })
    }
}

/// A window over several days: from a time of one day to a time of another, as in `Fri 18:00-Mon
/// 06:00 Europe/Berlin`.
fn stretch(text: String, day: &str, from: &str, to: &str, zone: &str) -> Result<Window, BadWindow> {
    let (start, last) = from
        .split_once('-')
        .ok_or_else(|| BadWindow::Form(text.clone()))?;
    let (start, end) = (time(start)?, time(to)?);
    if start == 24 * 60 {
        return Err(BadWindow::Time(from.into()));
    }
    let (first, last) = (weekday(day)?, weekday(last)?);
    let days = u32::try_from((last + 7 - first) % 7).unwrap_or_default();
    let end = days * 24 * 60 + end;
    if end <= start {
        return Err(BadWindow::Empty(text));
    }
    let mut days = [false; 7];
    days[first] = true;
    let zone = zone_named(zone)?;
    Ok(Window {
        text,
        days,
        start,
        end,
        zone,
    })
}

/// A day's number, from Monday.
fn weekday(name: &str) -> Result<usize, BadWindow> {
    let day: Result<Weekday, _> = name.parse();
    day.map(|day| day.num_days_from_monday() as usize)
        .map_err(|_| BadWindow::Day(name.into()))
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
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut at, last) = (weekday(first)?, weekday(last)?);
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
    /// Whose days and hours they are.
    pub(super) const fn zone(&self) -> Tz {
        self.zone
    }

    /// The stretch of the window that begins on a date, if one does.
    pub(super) fn on(&self, date: NaiveDate) -> Option<(Timestamp, Timestamp)> {
        self.days[date.weekday().num_days_from_monday() as usize].then_some(())?;
        let instant = |minutes: u32, begins| {
            let local = date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes.into());
            local_instant(local, self.zone, begins)
        };
        let from = instant(self.start, true);
        // A window inside the hour that comes twice is open in the first of the two alone.
        let comes_twice = from != instant(self.start, false);
        let to = instant(self.end, comes_twice);
        (from < to).then_some((from, to))
    }
}
