//! Dates on which a schedule does not count: `2026-12-24..2027-01-01 Europe/Berlin`.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::units::Timestamp;

use super::local::local_instant;
use super::window::{BadZone, zone_named};

/// The longest stretch of dates that is meant.
const LONGEST_DAYS: i64 = 366;

/// One date, or all from one to another, the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    first: NaiveDate,
    last: NaiveDate,
    /// Whose days they are; `None` where the text does not say.
    pub zone: Option<Tz>,
}

/// Why a text is no dates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDates {
    /// Neither a date nor two.
    #[error(
        "{0:?} is not a date; write 2026-12-24, or 2026-12-24..2027-01-01 for all from one to \
         another"
    )]
    Form(String),
    /// The last comes before the first.
    #[error("{last} comes before {first}")]
    Order {
        /// The first.
        first: NaiveDate,
        /// The last.
        last: NaiveDate,
    },
    /// More than a year.
    #[error("{first} to {last} is more than a year")]
    TooLong {
        /// The first.
        first: NaiveDate,
        /// The last.
        last: NaiveDate,
    },
    /// A zone that is not one.
    #[error(transparent)]
    Zone(#[from] BadZone),
}

impl FromStr for Dates {
    type Err = BadDates;

    fn from_str(text: &str) -> Result<Self, BadDates> {
        let bad = || BadDates::Form(text.into());
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (dates, zone) = match parts[..] {
            [dates] => (dates, None),
            [dates, zone] => (dates, Some(zone)),
            _ => return Err(bad()),
        };
        let (first, last) = dates.split_once("..").unwrap_or((dates, dates));
        let date = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| bad());
        let (first, last) = (date(first)?, date(last)?);
        if last < first {
            return Err(BadDates::Order { first, last });
        }
        if (last - first).num_days() >= LONGEST_DAYS {
            return Err(BadDates::TooLong { first, last });
        }
        let zone = zone.map(zone_named).transpose()?;
        Ok(Self { first, last, zone })
    }
}

impl Dates {
    /// From the first instant of the first day up to and without the first one after the last.
    pub fn stretch(&self, zone: Tz) -> (Timestamp, Timestamp) {
        let midnight = |date: NaiveDate| {
            let local = date.and_time(NaiveTime::MIN);
            local_instant(local, self.zone.unwrap_or(zone), true)
        };
        let after = self.last.succ_opt().unwrap_or(self.last);
        (midnight(self.first), midnight(after))
    }

    /// Whether any day is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}
