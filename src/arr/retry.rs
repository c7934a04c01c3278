//! When to try again: a pure rule, and the hold-back of a throttled account.

use std::sync::Mutex;

use crate::units::{Span, Timestamp};

/// The first wait after a failure that may pass; it doubles up to [`LONGEST_WAIT`], and is drawn from zero to that (full
/// jitter), so that many clients do not come back together.
const FIRST_WAIT: Span = Span::millis(250);
/// The longest wait between two tries.
const LONGEST_WAIT: Span = Span::seconds(5);
/// The longest `Retry-After` that is believed.
const LONGEST_THROTTLE: Span = Span::minutes(10);
/// What a 429 without a `Retry-After` means.
const DEFAULT_THROTTLE: Span = Span::seconds(5);

/// How long to wait before the next try; `None` where the deadline leaves no room for one. `tried` counts from 1, and
/// `jitter` is drawn from 0 to 1.
pub(super) fn wait_before_next(tried: u32, jitter: f64, now: Timestamp, deadline: Timestamp) -> Option<Span> {
    let ceiling = FIRST_WAIT.times(1 << tried.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    #[expect(clippy::cast_possible_truncation, reason = "a share of at most five seconds")]
    let wait = Span::millis((ceiling.as_millis() as f64 * jitter.clamp(0.0, 1.0)) as i64);
    (now + wait < deadline).then_some(wait)
}

/// How much of a deadline one try may take, so that a server that hangs does not eat all of it.
pub(super) fn time_for_one_try(left: Span) -> Span {
    left.div(3).max(Span::millis(50)).min(left)
}

/// Reads a `Retry-After` in seconds; whatever else stands there means the default.
pub(super) fn retry_after(header: Option<&str>) -> Span {
    let seconds = header.and_then(|h| h.trim().parse::<i64>().ok()).filter(|s| *s >= 0);
    seconds.map_or(DEFAULT_THROTTLE, Span::seconds).min(LONGEST_THROTTLE)
}

/// Until when an account is to send nothing.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    until: Mutex<Option<Timestamp>>,
}

impl Throttle {
    pub(super) fn hold_until(&self, at: Timestamp) {
        let mut until = self.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *until = (*until).max(Some(at));
    }

    /// How long the account is still held back.
    pub(super) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        until.filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_never_pass_the_deadline() {
        let at = Timestamp::from_millis;
        let wait = |tried, jitter| wait_before_next(tried, jitter, at(0), at(60_000)).map(Span::as_millis);
        assert_eq!(
            [wait(1, 1.0), wait(2, 1.0), wait(3, 0.5), wait(30, 1.0)],
            [Some(250), Some(500), Some(500), Some(5_000)]
        );
        assert_eq!(wait_before_next(3, 1.0, at(0), at(900)), None);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_bounded() {
        for (header, seconds) in
            [(Some("7"), 7), (Some("0"), 0), (Some("999999"), 600), (Some("soon"), 5), (Some("-1"), 5), (None, 5)]
        {
            assert_eq!(retry_after(header), Span::seconds(seconds), "{header:?}");
        }
    }
}
