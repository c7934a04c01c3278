//! What the activity sources of a pool said of a session, for the control API.

use crate::keeper::{ActivityAnswer, ManagedSession, SourceReport, Usage};
use crate::policy::{ActivitySource, Pool};

use super::api::{ActivityView, Said, UsageView};

/// What each source of a Ready session's pool last said of it, in the order of the policy's words
/// for them. The heartbeat stands here too where the pool does not count it and a client acquired
/// the session, for that always counts.
pub(super) fn activity(pool: &Pool, managed: &ManagedSession) -> Vec<ActivityView> {
    if !managed.is_ready() {
        return Vec::new();
    }
    let acquired = managed.reports.contains_key(&ActivitySource::Heartbeat)
        && !pool.activity.contains(&ActivitySource::Heartbeat);
    let heartbeat = acquired.then_some(&ActivitySource::Heartbeat);
    let sources = heartbeat.into_iter().chain(&pool.activity);
    sources.map(|source| view(pool, managed, source)).collect()
}

fn view(pool: &Pool, managed: &ManagedSession, source: &ActivitySource) -> ActivityView {
    let report = managed.reports.get(source);
    let unknown = managed.unknown.get(source);
    let (said, saw) = match report.map(|report| &report.answer) {
        None | Some(ActivityAnswer::NotYet) => (Said::NotYet, None),
        Some(ActivityAnswer::Used { saw, .. }) => (Said::Used, saw.clone()),
        Some(ActivityAnswer::Unused { saw }) => (Said::Unused, saw.clone()),
        Some(ActivityAnswer::Unknown { .. }) => (Said::CannotSay, None),
    };
    let why = unknown.and_then(|unknown| unknown.why.clone());
    let at = match said {
        Said::CannotSay => unknown.map(|unknown| unknown.since),
        Said::NotYet | Said::Used | Said::Unused => report.map(|report| report.at),
    };
    let usage = report.and_then(|report| report.usage.as_ref());
    let given_back = |usage: &&Usage| managed.released.is_some_and(|at| usage.last <= at);
    let counts = usage.filter(|usage| !given_back(usage)).map(|u| u.last);
    let counts_until = unknown.and_then(|unknown| unknown.until);
    ActivityView {
        source: source.to_string(),
        said,
        at,
        detail: why.or_else(|| saw.as_ref().map(ToString::to_string)),
        saw,
        used: report.and_then(used),
        counts_until,
        keeps_until: counts
            .max(counts_until)
            .zip(pool.idle_timeout)
            .map(|(at, timeout)| at + timeout),
        idle_after: pool
            .idle_timeout
            .map(|timeout| format!("{timeout} without {}", source.sign())),
    }
}

fn used(report: &SourceReport) -> Option<UsageView> {
    let usage = report.usage.as_ref()?;
    Some(UsageView {
        since: usage.since,
        last: usage.last,
        by: usage.by.as_ref().map(ToString::to_string),
    })
}
