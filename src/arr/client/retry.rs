//! When to try again: the rules of waiting, and the hold-back of what the service asks to wait
//! with.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::arr::protocol::reply::Reply;
use crate::clock::Clock;
use crate::report::{Hint, line};
use crate::service::Operation;
use crate::units::{Span, Timestamp};

/// The first wait after a failure that may pass; it doubles up to [`LONGEST_WAIT`], and is drawn
/// from zero to that (full jitter), so that many clients do not come back together.
const FIRST_WAIT: Span = Span::millis(250);
/// The longest wait between two tries.
const LONGEST_WAIT: Span = Span::seconds(5);
/// The longest `Retry-After` that is believed.
const LONGEST_THROTTLE: Span = Span::minutes(10);
/// What a 429 without a `Retry-After` means.
const DEFAULT_THROTTLE: Span = Span::seconds(5);

/// How long to wait before the next try; `None` where the deadline leaves no room for one. `tried`
/// counts from 1, and `jitter` is drawn from 0 to 1.
pub(super) fn wait_before_next(
    tried: u32,
    jitter: f64,
    now: Timestamp,
    deadline: Timestamp,
) -> Option<Span> {
    let ceiling = FIRST_WAIT
        .times(1 << tried.saturating_sub(1).min(10))
        .min(LONGEST_WAIT);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of at most five seconds"
    )]
    let wait = Span::millis((ceiling.as_millis() as f64 * jitter.clamp(0.0, 1.0)) as i64);
    (now + wait < deadline).then_some(wait)
}

/// Whether a status may be another one soon.
pub(in crate::arr) const fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Reads a `Retry-After`, in seconds or as an HTTP date (RFC 9110, section 10.2.3); whatever else
/// stands there means the default. A date is reckoned from the answer's own `Date`, so that a clock
/// that differs does not matter; where there is none, from `now`.
fn retry_after(header: Option<&str>, date: Option<&str>, now: Timestamp) -> Span {
    let Some(text) = header.map(str::trim) else {
        return DEFAULT_THROTTLE;
    };
    let wait = match text.parse::<i64>() {
        Ok(seconds) => (seconds >= 0).then(|| Span::seconds(seconds)),
        Err(_) => {
            http_date(text).map(|at| (at - date.and_then(http_date).unwrap_or(now)).max(Span::ZERO))
        }
    };
    wait.unwrap_or(DEFAULT_THROTTLE).min(LONGEST_THROTTLE)
}

/// How long an answer asks to wait.
pub(in crate::arr) fn retry_after_of(reply: &Reply) -> Span {
    retry_after(
        reply.retry_after.as_deref(),
        reply.date.as_deref(),
        reply.received,
    )
}

/// Reads an HTTP date in any of its three forms.
fn http_date(text: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(text.trim())
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    i64::try_from(at.as_millis())
        .ok()
        .map(Timestamp::from_millis)
}

/// Waits before the next try, or gives up with the last error.
#[expect(
    clippy::disallowed_methods,
    reason = "a wait between two tries, within the deadline"
)]
pub(in crate::arr) async fn pause<E: Hint>(
    clock: &dyn Clock,
    tried: u32,
    deadline: Timestamp,
    error: E,
) -> Result<(), E> {
    match wait_before_next(tried, fastrand::f64(), clock.now(), deadline) {
        Some(wait) => {
            tracing::debug!("{}; trying again in {wait}", line(&error));
            tokio::time::sleep(wait.to_std()).await;
            Ok(())
        }
        None => Err(error),
    }
}

/// The longest that an extension or a stop is held back: a lease that is due is worth more than
/// being asked to wait, and a request now and then is no load.
const LONGEST_HOLD_OF_DUE: Span = Span::seconds(30);

/// How long a kind of request is held back by an answer that asks to wait.
pub(super) fn hold_of(operation: Operation, asked: Span) -> Span {
    match operation {
        Operation::Extend | Operation::Stop => asked.min(LONGEST_HOLD_OF_DUE),
        Operation::Create | Operation::Get | Operation::List | Operation::Token => asked,
    }
}

/// Until when each kind of request is to be held back: the service counts them apart, so being
/// asked to wait with one says nothing of another.
#[derive(Debug, Default)]
pub(in crate::arr) struct Throttle {
    until: Mutex<Vec<(Operation, Timestamp)>>,
}

impl Throttle {
    fn holds(&self) -> MutexGuard<'_, Vec<(Operation, Timestamp)>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::arr) fn hold_until(&self, operation: Operation, at: Timestamp) {
        let mut holds = self.holds();
        match holds.iter_mut().find(|(held, _)| *held == operation) {
            Some((_, until)) => *until = (*until).max(at),
            None => holds.push((operation, at)),
        }
    }

    /// Waits while a kind of request is held back; gives up at once where that is longer than the
    /// deadline, and says how long.
    #[expect(
        clippy::disallowed_methods,
        reason = "the service named the instant to wait for"
    )]
    pub(in crate::arr) async fn wait(
        &self,
        operation: Operation,
        clock: &dyn Clock,
        deadline: Timestamp,
    ) -> Result<(), Timestamp> {
        while let Some(until) = self.held_until(operation, clock.now()) {
            if until >= deadline {
                return Err(until);
            }
            tokio::time::sleep((until - clock.now()).to_std()).await;
        }
        Ok(())
    }

    /// How long a kind of request is still held back.
    fn held_until(&self, operation: Operation, now: Timestamp) -> Option<Timestamp> {
        let holds = self.holds();
        let held = holds.iter().find(|(held, _)| *held == operation);
        held.map(|(_, until)| *until).filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_never_pass_the_deadline() {
        let at = Timestamp::from_millis;
        let wait =
            |tried, jitter| wait_before_next(tried, jitter, at(0), at(60_000)).map(Span::as_millis);
        assert_eq!(
            [wait(1, 1.0), wait(2, 1.0), wait(3, 0.5), wait(30, 1.0)],
            [Some(250), Some(500), Some(500), Some(5_000)]
        );
        assert_eq!(wait_before_next(3, 1.0, at(0), at(900)), None);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_bounded() {
        for (header, seconds) in [
            (Some("7"), 7),
            (Some("0"), 0),
            (Some("999999"), 600),
            (Some("soon"), 5),
            (Some("-1"), 5),
            (None, 5),
        ] {
            assert_eq!(
                retry_after(header, None, Timestamp::default()),
                Span::seconds(seconds),
                "{header:?}"
            );
        }
    }

    #[test]
    fn retry_after_is_read_as_a_date_in_all_three_forms_by_the_services_own_clock() {
        let date = Some("Sun, 06 Nov 1994 08:49:07 GMT");
        for header in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(
                retry_after(Some(header), date, Timestamp::default()),
                Span::seconds(30),
                "{header}"
            );
        }
        let now = "1994-11-06T08:49:27Z".parse().expect("an instant");
        let header = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            retry_after(header, None, now),
            Span::seconds(10),
            "by our clock where the service shows none"
        );
        assert_eq!(
            retry_after(date, header, now),
            Span::ZERO,
            "an instant that is past"
        );
        assert_eq!(
            retry_after(Some("Sat, 06 Nov 2094 08:49:37 GMT"), date, now),
            LONGEST_THROTTLE
        );
    }

    proptest::proptest! {
        #[test]
        fn any_retry_after_is_a_wait_within_its_bound(
            header in "\\PC{0,40}", date in "\\PC{0,40}", at: i64,
        ) {
            let wait = retry_after(Some(&header), Some(&date), Timestamp::from_millis(at));
            proptest::prop_assert!((Span::ZERO..=LONGEST_THROTTLE).contains(&wait));
        }
    }
}
