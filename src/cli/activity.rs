//! What the activity sources of a session said, in words: briefly for `status`, at length for
//! `why`.

use crate::control::api::{ActivityView, Said, SlotView, StatusView, UsageView};
use crate::units::Timestamp;

use super::instants::{clock_time, within};

/// What the sources of a slot's session said, in a few words each; `None` before any has.
pub(super) fn brief(status: &StatusView, slot: &SlotView) -> Option<String> {
    let said = |view: &&ActivityView| view.said != Said::CannotSay;
    if !slot.activity.iter().any(|view| view.said != Said::NotYet) {
        return None;
    }
    let mut words: Vec<(bool, String)> = slot
        .activity
        .iter()
        .filter(said)
        .map(|view| match (kept_by(status, view), &view.used) {
            (Some(kept), _) => (false, kept),
            (None, Some(used)) => {
                let last = clock_time(used.last, status);
                (true, format!("{}: last use {last}", view.source))
            }
            (None, None) if view.said == Said::NotYet => {
                (true, format!("{}: nothing yet", view.source))
            }
            (None, None) => (true, format!("{}: no use", view.source)),
        })
        .collect();
    // What keeps the session comes first.
    words.sort_by_key(|(rest, _)| *rest);
    let words: Vec<String> = words.into_iter().map(|(_, words)| words).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// That a source cannot say, and what that means; `None` where it can.
pub(super) fn cannot_say(now: Timestamp, view: &ActivityView) -> Option<String> {
    let why = view
        .detail
        .as_ref()
        .filter(|_| view.said == Said::CannotSay)?;
    let until = match view.counts_until {
        Some(until) if until > now => {
            let left = within(now, until);
            format!("; it counts as use, and no more {left}")
        }
        Some(_) => "; it counts as use no more".into(),
        None => String::new(),
    };
    let source = &view.source;
    Some(format!(
        "the activity source `{source}` cannot say: {why}{until}"
    ))
}

/// All that a source said of a session.
pub(super) fn full(status: &StatusView, view: &ActivityView) -> String {
    let source = &view.source;
    let asked = view
        .at
        .map_or_else(String::new, |at| format!(" ({})", within(status.now, at)));
    let said = match view.said {
        Said::CannotSay => cannot_say(status.now, view).unwrap_or_default(),
        Said::NotYet => format!("{source}: nothing yet"),
        Said::Used => match (kept_by(status, view), &view.used) {
            (Some(kept), _) => format!("{kept}{asked}"),
            (None, used) => format!("{source}:{}", last_use(status, used.as_ref())),
        },
        Said::Unused => {
            let saw = view.detail.as_ref();
            let saw = saw.map_or_else(String::new, |saw| format!(", {saw}"));
            let last = last_use(status, view.used.as_ref());
            let last = if last.is_empty() {
                last
            } else {
                format!(",{last}")
            };
            format!("{source}: no use{saw}{asked}{last}")
        }
    };
    let idle = view.idle_after.as_ref();
    said + &idle.map_or_else(String::new, |after| format!("; idle after {after}"))
}

/// What keeps the session, where this source says that it is used and that still counts.
fn kept_by(status: &StatusView, view: &ActivityView) -> Option<String> {
    let used = view.used.as_ref().filter(|_| view.said == Said::Used)?;
    if view.keeps_until.is_some_and(|until| until <= status.now) {
        return None;
    }
    let by = used.by.as_ref().unwrap_or(&view.source);
    Some(format!(
        "kept since {} by {by}",
        clock_time(used.since, status)
    ))
}

fn last_use(status: &StatusView, used: Option<&UsageView>) -> String {
    used.map_or_else(String::new, |used| {
        let by = used.by.as_ref();
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        format!(" last use {}{by}", clock_time(used.last, status))
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;

    /// A status at nine in the evening, and what one source said.
    fn status(view: &serde_json::Value) -> StatusView {
        let status = json!({
            "owner": "st", "endpoint": "http://127.0.0.1:1", "now": "2026-03-02T21:10:00Z",
            "passed": null, "trouble": null, "currency": null, "budgets": [], "unmanaged": [],
            "exposure": { "amount": null, "last_end": null, "caps": [] }, "time_zone": "UTC",
            "slots": [{
                "slot": "a/0", "session": null, "status": null, "size": null, "address": null,
                "lease": null, "ends_earliest": null, "ends_latest": null, "elapsed": null,
                "cost": null, "held_by": null, "decision": "keep", "why": "not due",
                "activity": view,
            }],
        });
        serde_json::from_value(status).expect("a status")
    }

    /// What `status` and then `why` say of one source.
    fn told(mut view: serde_json::Value) -> String {
        view["idle_after"] = "15m without a connection".into();
        let status = status(&json!([view]));
        let slot = &status.slots[0];
        let brief = brief(&status, slot).unwrap_or_else(|| "-".into());
        format!("{brief}\n{}", full(&status, &slot.activity[0]))
    }

    fn used(said: &str, keeps_until: &str) -> serde_json::Value {
        json!({
            "source": "sockets", "said": said, "at": "2026-03-02T21:09:55Z",
            "keeps_until": keeps_until,
            "used": {
                "since": "2026-03-02T21:04:00Z", "last": "2026-03-02T21:09:55Z",
                "by": "socket 10.0.0.7:51212",
            },
        })
    }

    #[test]
    fn use_is_told_with_since_when_and_by_whom_and_what_would_end_it() {
        let counts = told(used("used", "2026-03-02T21:24:55Z"));
        assert_snapshot!(counts, @"
        kept since 21:04 by socket 10.0.0.7:51212
        kept since 21:04 by socket 10.0.0.7:51212 (5s ago); idle after 15m without a connection
        ");
    }

    #[test]
    fn use_that_is_over_keeps_nothing() {
        let over = told(used("used", "2026-03-02T21:10:00Z"));
        assert_snapshot!(over, @"
        sockets: last use 21:09
        sockets: last use 21:09 by socket 10.0.0.7:51212; idle after 15m without a connection
        ");
        let unused = told(used("unused", "2026-03-02T21:24:55Z"));
        assert_snapshot!(unused, @"
        sockets: last use 21:09
        sockets: no use (5s ago), last use 21:09 by socket 10.0.0.7:51212; idle after 15m without a connection
        ");
    }

    #[test]
    fn a_source_that_says_nothing_or_cannot_say_is_not_taken_for_one_that_sees_no_use() {
        let not_yet = json!({ "source": "sockets", "said": "not-yet" });
        assert_snapshot!(told(not_yet), @"
        -
        sockets: nothing yet; idle after 15m without a connection
        ");
        let cannot_say = json!({
            "source": "sockets", "said": "cannot-say", "detail": "no name",
            "at": "2026-03-02T21:09:00Z", "counts_until": "2026-03-02T21:24:00Z",
        });
        assert_snapshot!(told(cannot_say), @"
        -
        the activity source `sockets` cannot say: no name; it counts as use, and no more in 14m; idle after 15m without a connection
        ");
    }
}
