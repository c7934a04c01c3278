//! Usage: who wants a session of which pool, and when.
//!
//! It comes from a file ([`mod@file`]), from a ledger's own history ([`history`]), or from a named
//! model ([`model`]). Whatever it comes from, it is a list of visits in the order in which they
//! begin.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::policy::local_instant;
use crate::units::{PoolName, Span, Timestamp};

pub mod file;
pub mod history;
pub mod model;

/// One client's use of a session, as it is planned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The pool it wants a session of.
    pub pool: PoolName,
    /// The client's name for itself.
    pub client: String,
}

/// A stretch of whole days in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: NaiveDate,
    /// How many.
    pub count: u32,
    /// Whose midnights they begin at.
    pub zone: Tz,
}

impl Days {
    /// The days that hold every visit; `None` where there is no visit.
    pub fn around(visits: &[Visit], zone: Tz) -> Option<Self> {
        let date = |at: Timestamp| at.to_utc().with_timezone(&zone).date_naive();
        let first = date(visits.iter().map(|v| v.from).min()?);
        let last = date(visits.iter().map(|v| v.to).max()? - Span::millis(1));
        let count = u32::try_from((last - first).num_days() + 1).unwrap_or(1);
        Some(Self { first, count, zone })
    }

    /// The dates, in order.
    pub fn dates(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take(self.count as usize)
    }

    /// The first instant.
    pub fn start(self) -> Timestamp {
        midnight(self.first, self.zone)
    }

    /// The first instant after them.
    pub fn end(self) -> Timestamp {
        let after = self
            .first
            .checked_add_days(chrono::Days::new(self.count.into()));
        after.map_or(Timestamp::MAX, |date| midnight(date, self.zone))
    }
}

/// The first instant of a date.
pub(in crate::sim) fn midnight(date: NaiveDate, zone: Tz) -> Timestamp {
    local_instant(date.and_time(chrono::NaiveTime::MIN), zone, true)
}

/// Cuts visits to a stretch of time. Returns how many lie outside it altogether.
pub fn clip(visits: &mut Vec<Visit>, from: Timestamp, to: Timestamp) -> usize {
    let all = visits.len();
    visits.retain(|v| v.to > from && v.from < to);
    for visit in visits.iter_mut() {
        (visit.from, visit.to) = (visit.from.max(from), visit.to.min(to));
    }
    all - visits.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(from: &str, to: &str) -> Visit {
        let at = |t: &str| t.parse().expect("an instant");
        Visit {
            from: at(from),
            to: at(to),
            pool: PoolName::new("a").expect("a name"),
            client: "ann".into(),
        }
    }

    #[test]
    fn the_days_around_visits_are_whole_days_of_the_zone() {
        let visits = [
            visit("2026-03-01T23:30:00Z", "2026-03-02T01:00:00Z"),
            visit("2026-03-04T10:00:00Z", "2026-03-04T23:00:00Z"),
        ];
        let days = Days::around(&visits, chrono_tz::Europe::Berlin).expect("days");
        assert_eq!(
            (days.first.to_string().as_str(), days.count),
            ("2026-03-02", 3)
        );
        assert_eq!(days.end().to_string(), "2026-03-04T23:00:00Z");
        assert_eq!(Days::around(&[], chrono_tz::UTC), None);
    }

    #[test]
    fn visits_outside_are_counted_and_those_across_an_edge_are_cut() {
        let at = |t: &str| t.parse().expect("an instant");
        let mut visits = vec![
            visit("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"),
            visit("2026-03-01T23:00:00Z", "2026-03-02T01:00:00Z"),
        ];
        assert_eq!(
            clip(
                &mut visits,
                at("2026-03-02T00:00:00Z"),
                at("2026-03-03T00:00:00Z")
            ),
            1
        );
        assert_eq!(
            visits,
            [visit("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z")]
        );
    }
}
