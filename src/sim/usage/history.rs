//! Usage from a ledger's own history: what clients did, as far as its events tell.
//!
//! A hold is a visit, from the moment its client was first told to wait until the session was given
//! back or ended under it. Clients that only send heartbeats leave no event; of a session that
//! nobody acquired and that was stopped as idle, the time from Ready until it fell idle is a visit
//! of a client named after the session.

use std::collections::BTreeMap;

use crate::keeper::{Event, EventKind, Reason};
use crate::policy::Policy;
use crate::units::{PoolName, SessionId, Span, Timestamp};

use super::Visit;

/// A client that does not come back for so long after it was told to wait has gone away.
const GONE: Span = Span::hours(1);

/// What a ledger's events tell of visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The visits to pools of the policy, in the order in which they began.
    pub visits: Vec<Visit>,
    /// How many visits were to pools that the policy does not have.
    pub elsewhere: usize,
}

/// Reads visits out of events, oldest first. Holds that are still open end with the last event: a
/// session in use has one at every renewal.
pub fn read(events: &[Event], policy: &Policy) -> History {
    let mut reading = Reading::default();
    for event in events {
        reading.take(event);
    }
    let open: Vec<SessionId> = reading.sessions.keys().cloned().collect();
    for id in open {
        reading.end(&id, events.last().map_or(Timestamp::MIN, |e| e.at));
    }
    let all = reading.visits.len();
    reading
        .visits
        .retain(|v| policy.pools.iter().any(|p| p.name == v.pool));
    reading.visits.sort();
    History {
        elsewhere: all - reading.visits.len(),
        visits: reading.visits,
    }
}

/// What is known of one session.
#[derive(Default)]
struct Seen {
    pool: Option<PoolName>,
    ready: Option<Timestamp>,
    hold: Option<(String, Timestamp)>,
    held: bool,
    idle_since: Option<Timestamp>,
}

#[derive(Default)]
struct Reading {
    sessions: BTreeMap<SessionId, Seen>,
    /// Since when a client waits for a session of a pool.
    waits: BTreeMap<(PoolName, String), Timestamp>,
    visits: Vec<Visit>,
}

impl Reading {
    fn take(&mut self, event: &Event) {
        let Some(pool) = event.pool() else { return };
        // Ledgers from before there was a queue tell of the slot that was woken for the client.
        if let EventKind::Queued { client, .. } | EventKind::Woken { by: client } = &event.what {
            let since = self
                .waits
                .entry((pool.clone(), client.clone()))
                .or_insert(event.at);
            if event.at - *since > GONE {
                *since = event.at;
            }
        }
        let Some(id) = &event.session else { return };
        let seen = self.sessions.entry(id.clone()).or_default();
        seen.pool = Some(pool.clone());
        match &event.what {
            EventKind::Ready { .. } => seen.ready = seen.ready.or(Some(event.at)),
            EventKind::Held { client, .. } => {
                let waited = self.waits.remove(&(pool.clone(), client.clone()));
                let since = waited
                    .filter(|since| event.at - *since <= GONE)
                    .unwrap_or(event.at);
                seen.hold = Some((client.clone(), since));
                seen.held = true;
            }
            EventKind::Released { .. } => self.release(id, event.at),
            EventKind::Stopping {
                why: Reason::Idle { since, .. },
            } => seen.idle_since = Some(*since),
            EventKind::Ended { .. } | EventKind::NeverCreated => self.end(id, event.at),
            _ => {}
        }
    }

    fn release(&mut self, id: &SessionId, at: Timestamp) {
        let Some(seen) = self.sessions.get_mut(id) else {
            return;
        };
        if let (Some((client, from)), Some(pool)) = (seen.hold.take(), seen.pool.clone())
            && from < at
        {
            self.visits.push(Visit {
                from,
                to: at,
                pool,
                client,
            });
        }
    }

    fn end(&mut self, id: &SessionId, at: Timestamp) {
        self.release(id, at);
        let Some(seen) = self.sessions.remove(id) else {
            return;
        };
        let unheld = (seen.pool, seen.ready, seen.idle_since);
        if let (Some(pool), Some(from), Some(to), false) = (unheld.0, unheld.1, unheld.2, seen.held)
            && from < to
        {
            self.visits.push(Visit {
                from,
                to,
                pool,
                client: id.to_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::Status;
    use crate::sim::testing::{at, policy};
    use crate::units::Minutes;

    fn event(time: &str, slot: &str, session: &str, what: EventKind) -> Event {
        let session = (!session.is_empty()).then(|| SessionId::new(session).expect("an id"));
        Event {
            at: at(&format!("2026-03-02T{time}:00Z")),
            slot: Some(slot.parse().expect("a slot")),
            session,
            what,
        }
    }

    fn ready() -> EventKind {
        EventKind::Ready {
            address: None,
            after: Span::ZERO,
            ends: at("2026-03-02T23:00:00Z"),
        }
    }

    fn held(client: &str) -> EventKind {
        EventKind::Held {
            client: client.into(),
            team: None,
        }
    }

    fn ended() -> EventKind {
        EventKind::Ended {
            status: Status::Stopped,
            minutes: Minutes::ZERO,
            cost: None,
            currency: None,
            certain: true,
            error: None,
        }
    }

    fn told(events: &[Event]) -> Vec<String> {
        let history = read(events, &policy());
        let show = |v: &Visit| {
            format!(
                "{} {} {}-{}",
                v.client,
                v.pool,
                &v.from.to_string()[11..16],
                &v.to.to_string()[11..16]
            )
        };
        history.visits.iter().map(show).collect()
    }

    #[test]
    fn a_hold_is_a_visit_until_it_is_given_back_or_its_session_ends_or_the_history_does() {
        let events = [
            event("08:00", "review/0", "s", ready()),
            event("09:00", "review/0", "s", held("ann")),
            event(
                "10:00",
                "review/0",
                "s",
                EventKind::Released {
                    client: "ann".into(),
                },
            ),
            event("11:00", "review/0", "s", held("bob")),
            event("12:00", "review/0", "s", ended()),
            event("13:00", "review/0", "t", held("cem")),
            event("20:00", "review/0", "t", ready()),
        ];
        assert_eq!(
            told(&events),
            [
                "ann review 09:00-10:00",
                "bob review 11:00-12:00",
                "cem review 13:00-20:00"
            ]
        );
    }

    #[test]
    fn a_client_that_was_told_to_wait_came_when_it_first_asked() {
        let wake = |time| event(time, "review/0", "", EventKind::Woken { by: "ann".into() });
        let events = [
            wake("05:00"),
            wake("08:57"),
            wake("08:58"),
            event("09:00", "review/0", "s", held("ann")),
            event("20:00", "review/0", "s", ended()),
        ];
        assert_eq!(told(&events), ["ann review 08:57-20:00"]);
    }

    #[test]
    fn a_client_that_waited_in_the_queue_came_when_it_took_its_place() {
        let mut queued = event(
            "08:57",
            "review/0",
            "",
            EventKind::Queued {
                client: "ann".into(),
                pool: "review".parse().expect("a pool"),
                place: 2,
            },
        );
        queued.slot = None;
        let events = [
            queued,
            event("09:00", "review/0", "s", held("ann")),
            event("20:00", "review/0", "s", ended()),
        ];
        assert_eq!(told(&events), ["ann review 08:57-20:00"]);
    }

    #[test]
    fn heartbeats_without_a_hold_are_known_by_when_the_session_fell_idle() {
        let idle = EventKind::Stopping {
            why: Reason::Idle {
                since: at("2026-03-02T10:30:00Z"),
                timeout: Span::minutes(15),
            },
        };
        let events = [
            event("09:00", "baking/0", "s", ready()),
            event("10:45", "baking/0", "s", idle),
            event("10:46", "baking/0", "s", ended()),
        ];
        assert_eq!(told(&events), ["s baking 09:00-10:30"]);
    }

    #[test]
    fn visits_to_pools_that_are_no_more_are_counted_and_left_out() {
        let events = [
            event("09:00", "gone/0", "s", held("ann")),
            event("10:00", "gone/0", "s", ended()),
        ];
        let history = read(&events, &policy());
        assert_eq!((history.visits.len(), history.elsewhere), (0, 1));
    }
}
