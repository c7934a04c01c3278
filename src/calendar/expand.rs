//! Expanding a calendar: the times within a horizon at which its events take place.

use std::collections::BTreeMap;

use calcard::icalendar::{ICalendar, ICalendarComponentType, ICalendarProperty, ICalendarValue};
use calcard::{Entry, Parser};
use chrono_tz::Tz;

use crate::units::{Span, Timestamp};

use super::error::{BadCalendar, Flaw};
use super::event::{Definition, Length};
use super::moment::{Gone, Moment, Zones, local_time};
use super::outline::outline;
use super::rule::{MOST_STEPS, times};

/// How many events may take place within a horizon.
pub(super) const MOST_OCCURRENCES: usize = 5_000;
/// How many events that come again a calendar may have.
const MOST_RULES: usize = 1_000;
/// What a schedule looks back.
const BEHIND: Span = Span::hours(24 * 8);
/// What budgets look ahead, and a schedule beyond that.
const AHEAD: Span = Span::hours(24 * 41);
const DAY: i64 = Span::hours(24).as_millis();

/// The time within which events are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// From when.
    pub from: Timestamp,
    /// Up to and without.
    pub to: Timestamp,
}

impl Horizon {
    /// What a plan can need to know at any instant of a time: eight days before it, and forty days
    /// after, both in whole days, so that it is the same all day.
    pub fn around(from: Timestamp, to: Timestamp) -> Self {
        let midnight =
            |at: Timestamp| Timestamp::from_millis(at.millis() - at.millis().rem_euclid(DAY));
        Self {
            from: midnight(from) - BEHIND,
            to: midnight(to) + AHEAD,
        }
    }

    /// The same for one instant.
    pub fn of(now: Timestamp) -> Self {
        Self::around(now, now)
    }

    fn meets(self, from: Timestamp, to: Timestamp) -> bool {
        from < self.to && self.from < to
    }
}

/// One time at which an event takes place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends; never before it begins.
    pub to: Timestamp,
    /// What names the event.
    pub uid: String,
    /// What people call it.
    pub summary: String,
    /// Whether it takes up time; an event that is shown as free does not.
    pub busy: bool,
}

/// Whose days and hours they are where a calendar does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultZones {
    /// Of whom the calendar is read for: its dates are days of this zone.
    pub own: Option<Tz>,
    /// Where neither that nor the calendar's own zone is there.
    pub last: Tz,
}

/// The times at which a calendar's events take place, in order.
///
/// # Errors
/// What keeps it from being used, with its line.
pub fn occurrences(
    text: &str,
    horizon: Horizon,
    zones: DefaultZones,
) -> Result<Vec<Occurrence>, BadCalendar> {
    let begins = outline(text)?;
    let mut lines = begins.iter().copied();
    let mut found = Vec::new();
    let mut room = Room {
        steps: MOST_STEPS,
        rules: MOST_RULES,
    };
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => {
                let components = calendar.components.len();
                let lines: Vec<usize> = lines.by_ref().take(components).collect();
                expand(&calendar, &lines, horizon, zones, &mut room, &mut found)?;
            }
            Entry::Eof => break,
            // The outline has found whole calendars; what is beside them says nothing.
            _ => {}
        }
        if found.len() > MOST_OCCURRENCES {
            return Err(too_many(
                1,
                MOST_OCCURRENCES,
                "occurrences within the time that is looked at",
            ));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// How much a calendar may still ask for.
struct Room {
    steps: usize,
    rules: usize,
}

fn too_many(line: usize, most: usize, what: &'static str) -> BadCalendar {
    BadCalendar::at(line, Flaw::TooMany { most, what })
}

/// The occurrences of one calendar's events.
fn expand(
    calendar: &ICalendar,
    lines: &[usize],
    horizon: Horizon,
    zones: DefaultZones,
    room: &mut Room,
    found: &mut Vec<Occurrence>,
) -> Result<(), BadCalendar> {
    let said = own_zone(calendar);
    let zones = Zones {
        named: calendar.build_tz_resolver(),
        floating: said.or(zones.own).unwrap_or(zones.last),
        days: zones.own.or(said).unwrap_or(zones.last),
    };
    let events = (0..).zip(&calendar.components);
    let events = events.filter(|(_, c)| c.component_type == ICalendarComponentType::VEvent);
    let mut definitions = Vec::new();
    let mut moved: BTreeMap<&str, Gone> = BTreeMap::new();
    for (index, event) in events {
        let line = lines.get(index).copied().unwrap_or(1);
        let refused = |flaw| BadCalendar {
            line,
            event: event.uid().map(Into::into),
            flaw,
        };
        let definition = Definition::read(event, &zones).map_err(refused)?;
        if let Some(id) = definition.instead_of {
            moved.entry(definition.uid).or_default().add(id);
        }
        definitions.push((line, definition));
    }
    for (line, definition) in definitions.iter().filter(|(_, d)| !d.cancelled) {
        let refused = |flaw| BadCalendar {
            line: *line,
            event: Some(definition.uid.to_owned()).filter(|uid| !uid.is_empty()),
            flaw,
        };
        let moved = match definition.instead_of {
            None => moved.get(definition.uid),
            Some(_) => None,
        };
        let starts = starts(definition, horizon, &zones, room).map_err(refused)?;
        let takes_place = |start: Moment| {
            let mut gone = std::iter::once(&definition.except).chain(moved);
            !gone.any(|gone| gone.names(start))
        };
        for (start, length) in starts {
            let (from, to) = length.from(start);
            // What has no length takes place too.
            if horizon.meets(from, to.max(from + Span::millis(1))) && takes_place(start) {
                found.push(Occurrence {
                    from,
                    to,
                    uid: definition.uid.into(),
                    summary: definition.summary.into(),
                    busy: definition.busy,
                });
            }
        }
        if found.len() > MOST_OCCURRENCES {
            return Err(too_many(
                *line,
                MOST_OCCURRENCES,
                "occurrences within the time that is looked at",
            ));
        }
    }
    Ok(())
}

/// When an event begins, up to the end of the horizon, with its length each time.
fn starts(
    definition: &Definition<'_>,
    horizon: Horizon,
    zones: &Zones<'_>,
    room: &mut Room,
) -> Result<Vec<(Moment, Length)>, Flaw> {
    let first = definition.start;
    let mut starts = vec![(first, definition.length)];
    starts.extend(&definition.also);
    let last = local_time(horizon.to, first.zone);
    for rule in &definition.rules {
        room.rules = room.rules.checked_sub(1).ok_or(Flaw::TooMany {
            most: MOST_RULES,
            what: "events that come again",
        })?;
        let times = times(rule, first, last, zones, &mut room.steps)?;
        let again = times.into_iter().map(|local| first.at(local));
        starts.extend(again.map(|start| (start, definition.length)));
    }
    let at = |(start, _): &(Moment, Length)| start.instant(true);
    starts.sort_by_key(at);
    starts.dedup_by_key(|start| at(start));
    Ok(starts)
}

/// The zone that a whole calendar says it is of, which no standard knows and many programs write.
fn own_zone(calendar: &ICalendar) -> Option<Tz> {
    let whole = calendar.components.first()?;
    let said = whole.entries.iter().find_map(|entry| match &entry.name {
        ICalendarProperty::Other(name) if name.eq_ignore_ascii_case("X-WR-TIMEZONE") => {
            entry.values.first().and_then(ICalendarValue::as_text)
        }
        _ => None,
    });
    said?.trim().parse().ok()
}
