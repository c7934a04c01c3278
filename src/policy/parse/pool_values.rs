//! The values of a pool's keys that are more than one number or word: sizes, regions, counts that
//! bound each other, lengths of time that may be "never", windows.

use std::path::PathBuf;

use crate::policy::schedule::Window;
use crate::policy::{Counts, Location, Schedule, ServiceConfig};
use crate::units::{Minutes, Region, Size, Span};

use super::reader::{Table, Value};
use super::service::region_name;

/// How long sessions in use go on after closing, unless the pool says otherwise.
const DRAIN_LIMIT: Span = Span::hours(1);
/// No pool has more slots than this.
const MOST_SLOTS: u32 = 10_000;
/// No pool has more calendars than this of a kind.
const MOST_FILES: usize = 16;

pub(super) fn size(value: &Value<'_, '_>) -> Option<Size> {
    let premium = value.one_of(&[("standard", false), ("premium", true)])?;
    Some(if premium {
        Size::Premium
    } else {
        Size::Standard
    })
}

pub(super) fn fallback_sizes(table: &Table<'_, '_>, first: Option<&Size>) -> Vec<Size> {
    let mut sizes: Vec<Size> = Vec::new();
    for value in table
        .get("fallback_sizes")
        .and_then(|v| v.array())
        .unwrap_or_default()
    {
        let Some(size) = size(&value) else { continue };
        if Some(&size) == first || sizes.contains(&size) {
            value.error(
                "a size to fall back to is named twice",
                "already tried before",
                None,
            );
        }
        sizes.push(size);
    }
    sizes
}

/// Where to ask, in order. Only a policy that names its service by a region has others to fall back
/// to.
pub(super) fn regions(value: &Value<'_, '_>, service: Option<&ServiceConfig>) -> Vec<Region> {
    let Some(service) = service else {
        return Vec::new();
    };
    if !matches!(service.location, Location::Region(_)) {
        let help = "name the service by `service.region`; regions of your own have their \
                    endpoints in `[service.regions]`";
        value.error(
            "`regions` needs a service that is named by `region`",
            "there is only one place",
            Some(help.into()),
        );
        return Vec::new();
    }
    let mut regions = Vec::new();
    for entry in value.array().unwrap_or_default() {
        let Some(region) = region_name(&entry, &service.regions) else {
            continue;
        };
        if regions.contains(&region) {
            entry.error(
                "a region to fall back to is named twice",
                "already tried before",
                None,
            );
        }
        regions.push(region);
    }
    regions
}

/// How many sessions a table asks for, and how many it allows. What it does not say is as `base`
/// has it, or the default.
pub(super) fn counts(table: &Table<'_, '_>, base: Option<Counts>) -> Counts {
    let count = |key| table.get(key).map(|v| (v.int_within(0, MOST_SLOTS), v));
    let (min, max, spare) = (count("min"), count("max"), count("spare"));
    let number = |c: &Option<(Option<u32>, Value<'_, '_>)>| c.as_ref().and_then(|(n, _)| *n);
    let min_slots = number(&min).unwrap_or(base.map_or(1, |base| base.min));
    let spare_slots = number(&spare).unwrap_or(base.map_or(0, |base| base.spare));
    let least = min_slots.max(spare_slots);
    let max_slots = number(&max).unwrap_or(base.map_or(1, |base| base.max).max(least));
    if let Some((Some(max), place)) = &max {
        for (key, slots) in [("min", min_slots), ("spare", spare_slots)] {
            if slots > *max {
                place.error(
                    format!("`max` is below `{key}`"),
                    format!("`{key}` is {slots}"),
                    None,
                );
            }
        }
    }
    Counts {
        min: min_slots,
        max: max_slots,
        spare: spare_slots,
    }
}

/// How long sessions in use go on once the schedule has closed, where they do.
pub(super) fn drain_limit(table: &Table<'_, '_>) -> Option<Option<Span>> {
    let words = [("stop", false), ("drain", true)];
    let drains = table
        .get("on_close")
        .map_or(Some(false), |v| v.one_of(&words));
    let limit = table.get("drain_limit").map(|value| {
        if drains == Some(false) {
            value.error(
                "`drain_limit` needs `on_close = \"drain\"`",
                "sessions are stopped when the schedule closes",
                None,
            );
        }
        value.span_within(Span::seconds(1), Span::hours(24))
    });
    let limit = limit.unwrap_or(Some(DRAIN_LIMIT));
    Some(limit.filter(|_| drains == Some(true))).filter(|_| drains.is_some())
}

/// The files of a list, or the one that stands alone.
pub(super) fn paths(value: &Value<'_, '_>) -> Vec<PathBuf> {
    let one = |value: &Value<'_, '_>| {
        let path = value.str()?;
        if path.is_empty() {
            value.error("a path names a file", "this is empty", None);
        }
        Some(PathBuf::from(path))
    };
    if value.is_str() {
        return one(value).into_iter().collect();
    }
    let entries = value.array().unwrap_or_default();
    if entries.len() > MOST_FILES {
        let message = format!("a pool has at most {MOST_FILES} calendars of a kind");
        value.error(message, format!("these are {}", entries.len()), None);
    }
    entries.iter().filter_map(one).collect()
}

/// Whole minutes, from one to a bound.
pub(super) fn minutes(value: &Value<'_, '_>, most: Span) -> Option<Minutes> {
    let span = value.span_within(Span::minutes(1), most)?;
    let minutes = span.floor_minutes();
    if minutes.span() == span {
        return Some(minutes);
    }
    value.error(
        "the service counts leases in whole minutes",
        format!("{span} is not a whole number of them"),
        None,
    );
    None
}

pub(super) fn span_or_never(value: &Value<'_, '_>) -> Option<Option<Span>> {
    if value.str()? == "never" {
        return Some(None);
    }
    value
        .span_within(Span::seconds(1), Span::hours(24))
        .map(Some)
}

/// Holds outlive sessions, so the bound may be above a session's longest life.
pub(super) fn max_hold(value: &Value<'_, '_>) -> Option<Option<Span>> {
    if value.str()? == "never" {
        return Some(None);
    }
    value
        .span_within(Span::minutes(1), Span::hours(24 * 31))
        .map(Some)
}

/// Windows, or one of two words.
pub(super) fn schedule(value: &Value<'_, '_>) -> Option<Schedule> {
    if value.is_str() {
        let words = [("always", false), ("never", true)];
        let never = value.one_of(&words)?;
        return Some(if never {
            Schedule::never()
        } else {
            Schedule::always()
        });
    }
    let windows: Vec<Option<Window>> = value.array()?.iter().map(Value::parse).collect();
    if windows.is_empty() {
        let help = "write \"always\" or \"never\" instead of the list";
        value.error(
            "`pool.schedule` has no window",
            "this may mean always or never",
            Some(help.into()),
        );
        return None;
    }
    windows
        .into_iter()
        .collect::<Option<Vec<Window>>>()
        .map(Schedule::new)
}
