//! Dates and times as a calendar writes them: of a zone, of UTC, of none, or whole days.

use std::collections::BTreeSet;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as AnyZone;
use calcard::icalendar::timezone::TzResolver;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use crate::policy::local_instant;
use crate::units::Timestamp;

use super::error::Flaw;

/// A date or a time of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Midnight of a date.
    pub(super) local: NaiveDateTime,
    pub(super) zone: Tz,
    /// Whether it is a date: a whole day.
    pub(super) is_date: bool,
}

impl Moment {
    /// When it is, as the begin of something or as its end.
    pub(super) fn instant(self, begins: bool) -> Timestamp {
        local_instant(self.local, self.zone, begins)
    }

    /// Another time of the same kind and zone.
    pub(super) fn at(self, local: NaiveDateTime) -> Self {
        Self { local, ..self }
    }
}

/// Starts at which something does not take place.
#[derive(Default)]
pub(super) struct Gone {
    instants: BTreeSet<Timestamp>,
    /// Where only the day is named.
    days: BTreeSet<NaiveDate>,
}

impl Gone {
    pub(super) fn add(&mut self, start: Moment) {
        if start.is_date {
            self.days.insert(start.local.date());
        }
        self.instants.insert(start.instant(true));
    }

    /// Whether it names a start: its time, or its day.
    pub(super) fn names(&self, start: Moment) -> bool {
        let day = || !start.is_date && self.days.contains(&start.local.date());
        self.instants.contains(&start.instant(true)) || day()
    }
}

/// The zones that a calendar's times are of.
pub(super) struct Zones<'c> {
    pub(super) named: TzResolver<&'c str>,
    /// Of times that name none.
    pub(super) floating: Tz,
    /// Of dates.
    pub(super) days: Tz,
}

impl Zones<'_> {
    /// What a property says, with the zone that it names; `None` where it is neither date nor time.
    pub(super) fn moment(
        &self,
        said: &PartialDateTime,
        zone: Option<&str>,
    ) -> Result<Option<Moment>, Flaw> {
        let Some(found) = said.to_date_time() else {
            return Ok(None);
        };
        let is_date = !said.has_time();
        let utc = |local: NaiveDateTime, east: i32| {
            let local = local.checked_sub_signed(TimeDelta::seconds(east.into()))?;
            let zone = Tz::UTC;
            Some(Moment {
                local,
                zone,
                is_date,
            })
        };
        let of = |zone| {
            Some(Moment {
                local: found.date_time,
                zone,
                is_date,
            })
        };
        if let Some(offset) = found.offset {
            return Ok(utc(found.date_time, offset.local_minus_utc()));
        }
        let Some(name) = zone.filter(|_| !is_date) else {
            return Ok(of(if is_date { self.days } else { self.floating }));
        };
        match self.named.resolve(name) {
            Some(AnyZone::Tz(zone)) => Ok(of(zone)),
            Some(AnyZone::Fixed(offset)) => Ok(utc(found.date_time, offset.local_minus_utc())),
            Some(AnyZone::Floating) => Ok(of(self.floating)),
            None => Err(Flaw::UnknownZone { zone: name.into() }),
        }
    }
}

/// An instant in a zone's own time.
pub(super) fn local_time(at: Timestamp, zone: Tz) -> NaiveDateTime {
    DateTime::naive_local(&at.to_utc().with_timezone(&zone))
}
