//! The days that a report tells of.

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keeper::{Period, PeriodKind, first_date};
use crate::units::{Span, Timestamp};

/// Calendar days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DateRange {
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub from: NaiveDate,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: NaiveDate,
}

/// A range whose last day comes before its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{to} comes before {from}; the first day is named by `from`, the last by `to`")]
pub struct BadRange {
    from: NaiveDate,
    to: NaiveDate,
}

impl crate::report::Hint for BadRange {}

impl DateRange {
    /// The whole month around an instant.
    pub fn month_of(now: Timestamp, zone: Tz) -> Self {
        let month = Period::containing(PeriodKind::Month, now, zone);
        let last = month.end - Span::millis(1);
        Self {
            from: first_date(PeriodKind::Day, month.start, zone),
            to: first_date(PeriodKind::Day, last, zone),
        }
    }

    /// The days between two that a person named; where only one is named, until the end of its
    /// month or from its beginning; the whole present month where none is.
    ///
    /// # Errors
    /// If the last day comes before the first.
    pub fn named(
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
        now: Timestamp,
        zone: Tz,
    ) -> Result<Self, BadRange> {
        let month_around = |day: NaiveDate| {
            let first = day.with_day(1).unwrap_or(day);
            let next = first
                .checked_add_months(Months::new(1))
                .and_then(|next| next.pred_opt());
            Self {
                from: first,
                to: next.unwrap_or(day),
            }
        };
        let range = match (from, to) {
            (None, None) => Self::month_of(now, zone),
            (Some(from), None) => Self {
                from,
                to: month_around(from).to,
            },
            (None, Some(to)) => Self {
                from: month_around(to).from,
                to,
            },
            (Some(from), Some(to)) => Self { from, to },
        };
        if range.to < range.from {
            Err(BadRange {
                from: range.from,
                to: range.to,
            })
        } else {
            Ok(range)
        }
    }

    pub(super) fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    #[test]
    fn a_range_with_one_end_named_stays_in_that_month() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let named = |from: Option<&str>, to: Option<&str>| {
            let now = at("2026-03-04T09:00:00Z");
            DateRange::named(from.map(day), to.map(day), now, chrono_tz::UTC)
                .map(|r| format!("{} {}", r.from, r.to))
        };
        for (from, to, expected) in [
            (None, None, "2026-03-01 2026-03-31"),
            (Some("2024-02-05"), None, "2024-02-05 2024-02-29"),
            (None, Some("2026-01-10"), "2026-01-01 2026-01-10"),
            (
                Some("2026-01-10"),
                Some("2026-01-10"),
                "2026-01-10 2026-01-10",
            ),
            (
                Some("2026-01-10"),
                Some("2026-02-01"),
                "2026-01-10 2026-02-01",
            ),
        ] {
            assert_eq!(named(from, to).as_deref(), Ok(expected));
        }
        assert!(named(Some("2026-02-02"), Some("2026-02-01")).is_err());
    }

    #[test]
    fn a_month_is_all_of_its_days_in_its_own_zone() {
        let range = DateRange::month_of(at("2026-02-28T23:30:00Z"), chrono_tz::Europe::Berlin);
        assert_eq!(
            (range.from.to_string(), range.to.to_string()),
            ("2026-03-01".into(), "2026-03-31".into())
        );
    }
}
