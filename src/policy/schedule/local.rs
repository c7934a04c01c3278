//! Local times as instants, across the hours in which a zone's clock is changed.

use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::units::Timestamp;

/// The instant of a local date and time. Where the zone's clock jumps over it, the first instant
/// after the gap stands for it; where it comes twice, the earlier where something begins, else the
/// later.
pub fn local_instant(local: NaiveDateTime, zone: Tz, begins: bool) -> Timestamp {
    /// No zone's clock ever jumped by more than a day.
    const LONGEST_GAP_MINUTES: i64 = 24 * 60;
    let at = |k| match zone.from_local_datetime(&(local + TimeDelta::minutes(k))) {
        LocalResult::Single(at) => Some(at),
        LocalResult::Ambiguous(earlier, later) => Some(if begins { earlier } else { later }),
        LocalResult::None => None,
    };
    let found = (0..LONGEST_GAP_MINUTES)
        .find_map(at)
        .map(|at| at.with_timezone(&Utc));
    Timestamp::from_utc(found.unwrap_or_else(|| local.and_utc()))
}
