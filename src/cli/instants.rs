//! Instants as people read them: how far away, or on the clock of the policy's time zone.

use crate::control::api::StatusView;
use crate::units::{Span, Timestamp};

/// How far an instant is from `now`, in whole seconds.
pub(super) fn within(now: Timestamp, at: Timestamp) -> String {
    let left = Span::seconds((at - now).as_secs());
    if left < Span::ZERO {
        format!("{} ago", -left)
    } else {
        format!("in {left}")
    }
}

/// An instant on the budgets' own clock, with its date where that is not today.
pub(super) fn clock_time(at: Timestamp, status: &StatusView) -> String {
    let zone: chrono_tz::Tz = status.time_zone.parse().unwrap_or_default();
    let local = |at: Timestamp| at.to_utc().with_timezone(&zone);
    let (at, now) = (local(at), local(status.now));
    let form = if at.date_naive() == now.date_naive() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.format(form).to_string()
}
