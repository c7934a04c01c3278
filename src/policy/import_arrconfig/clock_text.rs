//! Lengths of time as the sample scripts write them.

use crate::units::{Minutes, Span};

/// The longest that can be written.
const LONGEST: Span = Span::hours(24);

/// Reads `hh:mm:ss`, as the sample scripts write a lease. `None` unless it is whole minutes, at
/// most 24 hours.
pub fn minutes_of_clock_text(text: &str) -> Option<Minutes> {
    let parts: Vec<i64> = text
        .split(':')
        .map(|p| p.trim().parse().ok())
        .collect::<Option<_>>()?;
    let [hours @ 0..=24, minutes @ 0..=59, 0] = parts[..] else {
        return None;
    };
    let span = Span::hours(hours) + Span::minutes(minutes);
    (span <= LONGEST).then(|| span.floor_minutes())
}
