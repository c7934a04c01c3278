//! Days and months of a budget's time zone, and how much of a lease can fall into one.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::units::{Minutes, Span, Timestamp};

/// The two lengths of period that a budget can bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodKind {
    /// A calendar day in the budget's time zone.
    Day,
    /// A calendar month in the budget's time zone.
    Month,
}

/// A stretch of time that a budget bounds: from `start` up to and without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant of the next.
    pub end: Timestamp,
}

impl Period {
    /// The period of a kind that an instant falls into.
    pub fn containing(kind: PeriodKind, at: Timestamp, zone: Tz) -> Self {
        Self::of_date(kind, date_of(at, zone), zone)
    }

    /// The period of a kind that a date falls into.
    pub fn of_date(kind: PeriodKind, date: NaiveDate, zone: Tz) -> Self {
        let first = first_of(kind, date);
        let next = match kind {
            PeriodKind::Day => first.checked_add_days(Days::new(1)),
            PeriodKind::Month => first.checked_add_months(Months::new(1)),
        };
        Self {
            start: start_of(first, zone),
            end: next.map_or(Timestamp::MAX, |d| start_of(d, zone)),
        }
    }

    /// The period that follows.
    pub fn next(self, kind: PeriodKind, zone: Tz) -> Self {
        Self::containing(kind, self.end, zone)
    }

    /// How much of `from..to` falls into the period.
    pub fn overlap(self, from: Timestamp, to: Timestamp) -> Span {
        (to.min(self.end) - from.max(self.start)).max(Span::ZERO)
    }

    /// The most whole minutes of a stretch of `length` that can fall into the period, if it begins
    /// between `earliest` and `latest`.
    pub fn most(self, earliest: Timestamp, latest: Timestamp, length: Span) -> Minutes {
        // The overlap is largest where the stretch begins with the period; elsewhere it is the
        // larger the nearer the stretch begins to that.
        let start = self.start.max(earliest).min(latest);
        self.overlap(start, start + length).ceil_minutes()
    }

    /// The fewest whole minutes of a stretch of `length` that must fall into the period, wherever
    /// between `earliest` and `latest` it begins.
    pub fn least(self, earliest: Timestamp, latest: Timestamp, length: Span) -> Minutes {
        // The overlap rises, stays and falls as the stretch moves, so it is least at one of the
        // ends.
        let early = self.overlap(earliest, earliest + length);
        let late = self.overlap(latest, latest + length);
        early.min(late).floor_minutes()
    }
}

/// The date on which the period of a kind around an instant begins.
pub fn first_date(kind: PeriodKind, at: Timestamp, zone: Tz) -> NaiveDate {
    first_of(kind, date_of(at, zone))
}

fn date_of(at: Timestamp, zone: Tz) -> NaiveDate {
    at.to_utc().with_timezone(&zone).date_naive()
}

fn first_of(kind: PeriodKind, date: NaiveDate) -> NaiveDate {
    match kind {
        PeriodKind::Day => date,
        PeriodKind::Month => date.with_day(1).unwrap_or(date),
    }
}

/// The first instant of a date. Where midnight does not exist, the day begins at the first instant
/// that does.
fn start_of(date: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = date.and_time(NaiveTime::MIN);
    if let Some(at) = zone.from_local_datetime(&midnight).earliest() {
        return Timestamp::from_utc(at.with_timezone(&Utc));
    }
    // Inside a gap the zone's clock jumps: the offset of the hours before tells where.
    let before = midnight - chrono::TimeDelta::hours(3);
    let offset = zone
        .from_local_datetime(&before)
        .earliest()
        .map_or(0, |at| {
            use chrono::Offset;
            i64::from(at.offset().fix().local_minus_utc())
        });
    Timestamp::from_utc(DateTime::<Utc>::from_naive_utc_and_offset(midnight, Utc))
        - Span::seconds(offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn days_have_their_own_lengths_where_the_clock_changes() {
        let berlin = chrono_tz::Europe::Berlin;
        let length = |t: &str| {
            let day = Period::containing(PeriodKind::Day, at(t), berlin);
            (day.end - day.start).as_secs() / 3600
        };
        assert_eq!(length("2026-03-28T12:00:00Z"), 24);
        assert_eq!(length("2026-03-29T12:00:00Z"), 23);
        assert_eq!(length("2026-10-25T12:00:00Z"), 25);
    }

    #[test]
    fn a_day_without_a_midnight_begins_at_its_first_instant() {
        // Santiago moved its clocks from 24:00 to 01:00 on 2025-09-07.
        let day = Period::containing(
            PeriodKind::Day,
            at("2025-09-07T15:00:00Z"),
            chrono_tz::America::Santiago,
        );
        assert_eq!(day.start, at("2025-09-07T04:00:00Z"));
        let before = Period::containing(
            PeriodKind::Day,
            day.start - Span::millis(1),
            chrono_tz::America::Santiago,
        );
        assert_eq!(before.end, day.start);
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let zone = chrono_tz::Asia::Tokyo;
        let month = Period::containing(PeriodKind::Month, at("2026-01-31T14:59:59Z"), zone);
        assert_eq!(
            (month.start, month.end),
            (at("2025-12-31T15:00:00Z"), at("2026-01-31T15:00:00Z"))
        );
        assert_eq!(
            month.next(PeriodKind::Month, zone).end,
            at("2026-02-28T15:00:00Z")
        );
    }

    proptest! {
        #[test]
        fn the_most_and_the_least_that_can_fall_into_a_period_bound_every_case(
            earliest in -200i64..400, width in 0i64..200, length in 0i64..300, step in 0i64..=20,
        ) {
            let m = |n: i64| Timestamp::from_millis(n * 60_000);
            let period = Period { start: m(0), end: m(100) };
            let (from, to) = (m(earliest), m(earliest + width));
            let length = Span::minutes(length);
            let (least, most) = (period.least(from, to, length), period.most(from, to, length));
            let start = from + Span::minutes(width * step / 20);
            let truth = period.overlap(start, start + length);
            prop_assert!(least.span() <= truth && truth <= most.span());
            // And the most is reached by some start, so it is not a mere bound.
            let overlap = |w| {
                let start = from + Span::minutes(w);
                period.overlap(start, start + length)
            };
            let best = (0..=width).map(overlap).max();
            prop_assert_eq!(best.map(Span::ceil_minutes), Some(most));
        }
    }
}
