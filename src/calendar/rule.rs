//! Recurrence rules: the local times at which something comes again.

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as AnyZone;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarProperty,
    ICalendarRecurrenceRule, ICalendarValue,
};
use chrono::{Datelike, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::error::Flaw;
use super::moment::{Moment, Zones, local_time};

/// How often the events of one calendar may come again in all, from their first time on.
pub(super) const MOST_STEPS: usize = 100_000;

/// The local times of a rule from its start up to `last`, in order. Takes what it used from
/// `steps`.
///
/// The rule is followed in local time, in which something is at nine o'clock whatever the zone's
/// clock does in between.
pub(super) fn times(
    rule: &ICalendarRecurrenceRule,
    start: Moment,
    last: NaiveDateTime,
    zones: &Zones<'_>,
    steps: &mut usize,
) -> Result<Vec<NaiveDateTime>, Flaw> {
    let mut rule = rule.clone();
    let until = match &rule.until {
        Some(until) => last.min(end_of(until, start, zones)?),
        None => last,
    };
    if until < start.local {
        return Ok(Vec::new());
    }
    rule.until = Some(written(until));
    let value = |name, value| ICalendarEntry::new(name).with_value(value);
    let begin = Box::new(written(start.local));
    let event = ICalendarComponent {
        component_type: ICalendarComponentType::VEvent,
        entries: vec![
            value(
                ICalendarProperty::Dtstart,
                ICalendarValue::PartialDateTime(begin),
            ),
            value(
                ICalendarProperty::Rrule,
                ICalendarValue::RecurrenceRule(Box::new(rule)),
            ),
        ],
        component_ids: Vec::new(),
    };
    let alone = ICalendar {
        components: vec![event],
    };
    let found = alone.expand_dates(AnyZone::Floating, *steps + 1);
    if let Some(error) = found.errors.first() {
        let why = error.error.to_string();
        return Err(Flaw::Rule { why });
    }
    if found.events.len() > *steps {
        return Err(Flaw::TooMany {
            most: MOST_STEPS,
            what: "occurrences",
        });
    }
    *steps -= found.events.len();
    let times = found.events.iter().map(|event| event.start.naive_local());
    Ok(times.collect())
}

/// The last local time that a rule's end allows.
fn end_of(
    until: &PartialDateTime,
    start: Moment,
    zones: &Zones<'_>,
) -> Result<NaiveDateTime, Flaw> {
    let unreadable = Flaw::Unreadable { property: "RRULE" };
    let end = zones.moment(until, None)?.ok_or(unreadable)?;
    if end.is_date {
        let day = TimeDelta::days(1) - TimeDelta::seconds(1);
        return Ok(end.local.checked_add_signed(day).unwrap_or(end.local));
    }
    // Only an end in UTC is an instant; another one is as local as the start.
    Ok(match until.tz_hour {
        Some(_) => local_time(end.instant(false), start.zone),
        None => end.local,
    })
}

/// A local time as a calendar writes it.
fn written(local: NaiveDateTime) -> PartialDateTime {
    let small = |number: u32| u8::try_from(number).ok();
    let (date, time): (_, NaiveTime) = (local.date(), local.time());
    PartialDateTime {
        year: u16::try_from(date.year()).ok(),
        month: small(date.month()),
        day: small(date.day()),
        hour: small(time.hour()),
        minute: small(time.minute()),
        second: small(time.second()),
        ..PartialDateTime::default()
    }
}
