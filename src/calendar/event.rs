//! One event as a calendar defines it: when it begins, how long it is, and when it comes again.

use calcard::icalendar::{
    ICalendarComponent, ICalendarEntry, ICalendarParameterName, ICalendarPeriod, ICalendarProperty,
    ICalendarRecurrenceRule, ICalendarStatus, ICalendarTransparency, ICalendarValue,
};
use chrono::TimeDelta;

use crate::units::{Span, Timestamp};

use super::error::Flaw;
use super::moment::{Gone, Moment, Zones};

/// One component of a calendar that is an event.
pub(super) struct Definition<'c> {
    /// What names it, over all its occurrences; empty where it has no name.
    pub(super) uid: &'c str,
    pub(super) summary: &'c str,
    pub(super) start: Moment,
    pub(super) length: Length,
    pub(super) rules: Vec<&'c ICalendarRecurrenceRule>,
    /// Further starts.
    pub(super) also: Vec<(Moment, Length)>,
    /// Starts at which it does not take place.
    pub(super) except: Gone,
    /// Which occurrence of a series it stands for.
    pub(super) instead_of: Option<Moment>,
    pub(super) cancelled: bool,
    /// Whether it takes up time.
    pub(super) busy: bool,
}

/// How long an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many days, whatever a zone's clock does on them.
    Days(TimeDelta),
    Exactly(Span),
}

impl Length {
    /// From when to when something of this length is.
    pub(super) fn from(self, start: Moment) -> (Timestamp, Timestamp) {
        let from = start.instant(true);
        let to = match self {
            Self::Days(days) => match start.local.checked_add_signed(days) {
                Some(end) => start.at(end).instant(true),
                None => from,
            },
            Self::Exactly(span) => from + span,
        };
        (from, to)
    }

    fn of(length: TimeDelta, start: Moment) -> Result<Self, Flaw> {
        if length < TimeDelta::zero() {
            return Err(Flaw::Backwards);
        }
        Ok(match start.is_date {
            true => Self::Days(length.max(TimeDelta::days(1))),
            false => Self::Exactly(Span::seconds(length.num_seconds())),
        })
    }

    fn between(start: Moment, end: Moment) -> Result<Self, Flaw> {
        if start.is_date && end.is_date {
            return Self::of(end.local - start.local, start);
        }
        let length = end.instant(false) - start.instant(true);
        Self::of(TimeDelta::seconds(length.as_secs()), start)
    }
}

impl<'c> Definition<'c> {
    /// Reads a component.
    pub(super) fn read(event: &'c ICalendarComponent, zones: &Zones<'_>) -> Result<Self, Flaw> {
        let text = |name| {
            let value = event.property(name).and_then(|entry| entry.values.first());
            value.and_then(ICalendarValue::as_text).unwrap_or_default()
        };
        let one = |name, named| match event.property(name) {
            Some(entry) => Ok(moments(entry, zones, named)?.into_iter().next()),
            None => Ok(None),
        };
        let start = one(&ICalendarProperty::Dtstart, "DTSTART")?;
        let (start, _) = start.ok_or(Flaw::NoStart)?;
        let length = match one(&ICalendarProperty::Dtend, "DTEND")? {
            Some((end, _)) => Length::between(start, end)?,
            None => Length::of(duration(event)?.unwrap_or_default(), start)?,
        };
        let all = |name, named| -> Result<Vec<_>, Flaw> {
            let entries = event.properties(name);
            let lists: Result<Vec<_>, Flaw> =
                entries.map(|entry| moments(entry, zones, named)).collect();
            Ok(lists?.into_iter().flatten().collect())
        };
        let also = all(&ICalendarProperty::Rdate, "RDATE")?.into_iter();
        let mut except = Gone::default();
        for (at, _) in all(&ICalendarProperty::Exdate, "EXDATE")? {
            except.add(at);
        }
        let instead_of = one(&ICalendarProperty::RecurrenceId, "RECURRENCE-ID")?;
        let range = event.property(&ICalendarProperty::RecurrenceId);
        if range.is_some_and(|entry| entry.has_parameter(&ICalendarParameterName::Range)) {
            return Err(Flaw::ThisAndFuture);
        }
        let rules = event.properties(&ICalendarProperty::Rrule).map(rule);
        Ok(Self {
            uid: text(&ICalendarProperty::Uid),
            summary: text(&ICalendarProperty::Summary),
            start,
            length,
            rules: rules.collect::<Result<_, _>>()?,
            also: also.map(|(at, own)| (at, own.unwrap_or(length))).collect(),
            except,
            instead_of: instead_of.map(|(at, _)| at),
            cancelled: event.status() == Some(&ICalendarStatus::Cancelled),
            busy: event.transparency() != Some(&ICalendarTransparency::Transparent),
        })
    }
}

fn rule(entry: &ICalendarEntry) -> Result<&ICalendarRecurrenceRule, Flaw> {
    match entry.values.first() {
        Some(ICalendarValue::RecurrenceRule(rule)) => Ok(rule),
        _ => Err(Flaw::Unreadable { property: "RRULE" }),
    }
}

fn duration(event: &ICalendarComponent) -> Result<Option<TimeDelta>, Flaw> {
    let Some(entry) = event.property(&ICalendarProperty::Duration) else {
        return Ok(None);
    };
    let found = match entry.values.first() {
        Some(ICalendarValue::Duration(duration)) => duration.to_time_delta(),
        _ => None,
    };
    let property = "DURATION";
    found.map(Some).ok_or(Flaw::Unreadable { property })
}

/// The dates and times of a property, with their own length where they have one.
fn moments(
    entry: &ICalendarEntry,
    zones: &Zones<'_>,
    property: &'static str,
) -> Result<Vec<(Moment, Option<Length>)>, Flaw> {
    let unreadable = || Flaw::Unreadable { property };
    let moment = |said| {
        zones
            .moment(said, entry.tz_id())
            .and_then(|found| found.ok_or_else(unreadable))
    };
    let values = entry.values.iter().map(|value| match value {
        ICalendarValue::PartialDateTime(said) => Ok((moment(said)?, None)),
        ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => {
            let start = moment(start)?;
            Ok((start, Some(Length::between(start, moment(end)?)?)))
        }
        ICalendarValue::Period(ICalendarPeriod::Duration { start, duration }) => {
            let start = moment(start)?;
            let length = duration.to_time_delta().ok_or_else(unreadable)?;
            Ok((start, Some(Length::of(length, start)?)))
        }
        _ => Err(unreadable()),
    });
    values.collect()
}
