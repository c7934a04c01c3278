//! How the answers of activity sources become knowledge.
//!
//! Use that a source saw moves the session's last activity forward. A source that cannot say is
//! remembered with the instant since when it cannot, until it answers; so is one that has not
//! answered yet. One that has nothing to compare with yet counts as use meanwhile. Heartbeats are
//! no answers: who sends them asks by name.

use crate::keeper::event::{Event, EventKind};
use crate::keeper::observation::{ActivityAnswer, ActivityReading};
use crate::keeper::state::{KeeperState, ManagedSession, UnknownSource};
use crate::policy::{ActivitySource, Policy, Pool};
use crate::units::Timestamp;

impl KeeperState {
    /// Takes in the latest answers of the activity sources, and says which cannot say.
    pub fn apply_activity(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        readings: &[ActivityReading],
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for managed in self.sessions.values_mut() {
            let pool = policy.pools.iter().find(|p| p.name == managed.slot.pool);
            let Some(pool) = pool.filter(|_| managed.is_ready() && managed.stop.is_none()) else {
                managed.unknown.clear();
                continue;
            };
            managed
                .unknown
                .retain(|source, _| pool.activity.contains(source));
            managed.reports.retain(|source, _| {
                pool.activity.contains(source) || *source == ActivitySource::Heartbeat
            });
            let sources = pool.activity.iter();
            for source in sources.filter(|s| **s != ActivitySource::Heartbeat) {
                let reading = readings
                    .iter()
                    .find(|r| r.session == managed.id && r.source == *source);
                let answer = reading.map(|reading| &reading.answer);
                if let Some(reading) = reading {
                    let used = reading.used.clone();
                    managed.report(pool, source, reading.at, &reading.answer, used);
                }
                let used = reading.and_then(|reading| reading.used.as_ref());
                if let Some(used) = used
                    && managed.active < Some(used.at)
                {
                    managed.active = Some(used.at);
                    self.changes.active.insert(managed.id.clone());
                }
                let what = match answer {
                    Some(ActivityAnswer::Used { .. } | ActivityAnswer::Unused { .. }) => {
                        apply_known(managed, source)
                    }
                    Some(ActivityAnswer::Unknown { why }) => {
                        apply_unknown(now, pool, managed, source, Some(why))
                    }
                    Some(ActivityAnswer::NotYet) => {
                        // It works, and is on its way to an answer: its limit begins with this.
                        managed
                            .unknown
                            .retain(|s, u| s != source || u.why.is_some());
                        apply_unknown(now, pool, managed, source, None)
                    }
                    None => apply_unknown(now, pool, managed, source, None),
                };
                let about = |what| Event::about(now, &managed.slot, &managed.id, what);
                events.extend(what.map(about));
            }
        }
        events
    }
}

fn apply_known(managed: &mut ManagedSession, source: &ActivitySource) -> Option<EventKind> {
    let was_told = managed.unknown.remove(source)?.why.is_some();
    let source = source.clone();
    was_told.then_some(EventKind::ActivityKnown { source })
}

fn apply_unknown(
    now: Timestamp,
    pool: &Pool,
    managed: &mut ManagedSession,
    source: &ActivitySource,
    why: Option<&String>,
) -> Option<EventKind> {
    let fresh = UnknownSource {
        since: now,
        until: None,
        why: None,
        alarmed: false,
    };
    let unknown = managed.unknown.entry(source.clone()).or_insert(fresh);
    unknown.until = pool.unknown_limit().map(|limit| unknown.since + limit);
    let source = source.clone();
    if let (None, Some(message)) = (&unknown.why, why) {
        unknown.why = Some(message.clone());
        return Some(EventKind::ActivityUnknown {
            source,
            message: message.clone(),
            until: unknown.until,
        });
    }
    if unknown.alarmed || unknown.until.is_none_or(|until| now < until) {
        return None;
    }
    unknown.alarmed = true;
    let since = unknown.since;
    Some(EventKind::ActivityAlarm { source, since })
}
