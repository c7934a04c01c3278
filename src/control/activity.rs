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
    let why = why.filter(|_| said == Said::CannotSay);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::{Evidence, Status, UnknownSource};
    use crate::ledger::testing::{at, intent};
    use crate::policy::load;
    use crate::units::{Span, Timestamp};

    fn now() -> Timestamp {
        at("2026-03-02T21:10:00Z")
    }

    /// A Ready session of a pool that watches sockets only, with an idle time-out of 15m or none.
    fn watched(idle_timeout: &str) -> (Pool, ManagedSession) {
        let text = format!(
            "owner = \"st\"\nservice = {{ embedded = true }}\n[[pool]]\nname = \"a\"\n\
             idle_timeout = \"{idle_timeout}\"\nactivity = [{{ sockets = true }}]\n"
        );
        let mut loaded = load("policy.toml", &text).expect("it can be used");
        let session = ManagedSession {
            status: Status::Ready,
            ..intent("st-a-0-x", "a/0", now())
        };
        (loaded.policy.pools.remove(0), session)
    }

    fn said(session: &mut ManagedSession, source: ActivitySource, answer: ActivityAnswer) {
        let used = match &answer {
            ActivityAnswer::Used { at, saw } => Some(Usage {
                since: *at,
                last: *at,
                by: saw.clone(),
            }),
            _ => None,
        };
        let report = SourceReport {
            at: now(),
            answer,
            usage: used,
        };
        session.reports.insert(source, report);
    }

    fn used_at(at: Timestamp) -> ActivityAnswer {
        let saw = Some(Evidence::Touched);
        ActivityAnswer::Used { at, saw }
    }

    #[test]
    fn use_keeps_a_session_for_its_idle_time_unless_it_was_given_back_since() {
        let (pool, mut session) = watched("15m");
        let ago = now() - Span::minutes(2);
        said(&mut session, ActivitySource::Sockets, used_at(ago));
        let keeps = |session: &ManagedSession| activity(&pool, session)[0].keeps_until;
        assert_eq!(keeps(&session), Some(ago + Span::minutes(15)));
        session.released = Some(ago - Span::minutes(1));
        assert_eq!(keeps(&session), Some(ago + Span::minutes(15)));
        session.released = Some(ago);
        assert_eq!(keeps(&session), None);
        let (never, _) = watched("never");
        let view = &activity(&never, &session)[0];
        assert_eq!((view.keeps_until, &view.idle_after), (None, &None));
    }

    #[test]
    fn what_cannot_be_said_keeps_for_its_limit_and_then_the_idle_time() {
        let (pool, mut session) = watched("15m");
        let mut unknown = UnknownSource {
            since: now() - Span::minutes(1),
            until: Some(now() + Span::minutes(4)),
            why: None,
            alarmed: false,
        };
        session.unknown = [(ActivitySource::Sockets, unknown.clone())].into();
        let not_yet = activity(&pool, &session).remove(0);
        assert_eq!((not_yet.said, not_yet.at), (Said::NotYet, None));
        assert_eq!(not_yet.keeps_until, Some(now() + Span::minutes(19)));
        unknown.why = Some("no name".into());
        session.unknown = [(ActivitySource::Sockets, unknown.clone())].into();
        let why = "no name".into();
        let answer = ActivityAnswer::Unknown { why };
        said(&mut session, ActivitySource::Sockets, answer);
        let cannot_say = activity(&pool, &session).remove(0);
        assert_eq!(cannot_say.said, Said::CannotSay);
        assert_eq!(cannot_say.at, Some(unknown.since));
        assert_eq!(cannot_say.detail.as_deref(), Some("no name"));
        assert_eq!(cannot_say.counts_until, unknown.until);
        // It is on its way to an answer: what was wrong with it is over.
        said(
            &mut session,
            ActivitySource::Sockets,
            ActivityAnswer::NotYet,
        );
        let view = activity(&pool, &session).remove(0);
        assert_eq!((view.said, view.detail), (Said::NotYet, None));
    }

    #[test]
    fn an_acquire_is_told_where_no_heartbeat_counts_and_nothing_of_what_boots() {
        let (pool, mut session) = watched("15m");
        let sources = |session: &ManagedSession| {
            let views = activity(&pool, session).into_iter();
            views.map(|view| view.source).collect::<Vec<_>>()
        };
        assert_eq!(sources(&session), ["sockets"]);
        said(&mut session, ActivitySource::Heartbeat, used_at(now()));
        assert_eq!(sources(&session), ["heartbeat", "sockets"]);
        session.status = Status::Starting;
        assert_eq!(sources(&session), [""; 0]);
    }
}
