//! Events: appended by every write with a sequence number, and kept for a while.
//!
//! Promises: numbers only grow, also across restarts and where old events are removed, so whoever
//! has followed the sequence up to a number goes on after it and misses nothing that is still kept.
//! Numbers may have gaps. A report reads newest first, a follower oldest first.

use rusqlite::{Row, Transaction, named_params, params};

use crate::keeper::Event;
use crate::units::{PoolName, SessionId, SlotId, Span, Timestamp};

use super::error::LedgerError;
use super::{Ledger, rows};

/// Events older than this are removed.
pub const OLDEST_EVENT: Span = Span::hours(90 * 24);
/// Of more events than this the oldest are removed.
pub const MOST_EVENTS: u32 = 200_000;
/// Events are removed each time that so many were written.
pub(super) const PRUNE_EVERY: usize = 1_000;

/// An event's place in the order in which everything happened. Zero comes before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventSeq(i64);

impl EventSeq {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the sequence.
    pub seq: EventSeq,
    /// What happened.
    pub event: Event,
}

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// All of them.
    All,
    /// Those of a pool, its slots and its queue.
    Pool(PoolName),
    /// Those of a slot and the sessions in it.
    Slot(SlotId),
}

impl Ledger {
    /// At most `limit` events, newest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn events(&self, filter: &EventFilter, limit: usize) -> Result<Vec<Event>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || match filter {
            EventFilter::All => self.newest("TRUE", named_params! { ":limit": limit }),
            EventFilter::Pool(pool) => self.newest(
                "pool = :pool",
                named_params! { ":limit": limit, ":pool": pool.as_str() },
            ),
            EventFilter::Slot(SlotId { pool, ordinal }) => self.newest(
                "pool = :pool AND ordinal = :ordinal",
                named_params! { ":limit": limit, ":pool": pool.as_str(), ":ordinal": ordinal },
            ),
        };
        read().map_err(self.failed("read events from"))
    }

    /// At most `limit` events that come after a number, oldest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn events_after(
        &self,
        seq: EventSeq,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LedgerError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT * FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
                .query_map(
                    params![seq.0, i64::try_from(limit).unwrap_or(i64::MAX)],
                    |row| {
                        Ok(RecordedEvent {
                            seq: EventSeq(row.get("seq")?),
                            event: event(row)?,
                        })
                    },
                )?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed("read events from"))
    }

    /// The number of the newest event.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn last_seq(&self) -> Result<EventSeq, LedgerError> {
        self.connection
            .query_one("SELECT coalesce(max(seq), 0) FROM event", [], |row| {
                row.get(0)
            })
            .map(EventSeq)
            .map_err(self.failed("read events from"))
    }

    pub(super) fn newest(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> rusqlite::Result<Vec<Event>> {
        let sql = format!("SELECT * FROM event WHERE {condition} ORDER BY seq DESC LIMIT :limit");
        self.connection
            .prepare(&sql)?
            .query_map(values, event)?
            .collect()
    }
}

pub(super) fn append(
    transaction: &Transaction<'_>,
    events: &[RecordedEvent],
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO event (seq, at_ms, pool, ordinal, session, what) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for RecordedEvent { seq, event } in events {
        put.execute(params![
            seq.0,
            event.at.millis(),
            event.pool().map(PoolName::as_str),
            event.slot.as_ref().map(|slot| slot.ordinal),
            event.session.as_ref().map(SessionId::as_str),
            rows::to_json(Some(&event.what))?,
        ])?;
    }
    Ok(())
}

/// Removes events that are too old or too many, but looks at no more than the `most` oldest. The
/// newest always stays: the sequence goes on from it.
pub(super) fn prune(
    transaction: &Transaction<'_>,
    now: Timestamp,
    most: usize,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "DELETE FROM event WHERE seq IN (
             SELECT seq FROM (SELECT seq, at_ms FROM event ORDER BY seq LIMIT :most)
             WHERE at_ms < :oldest OR seq <= (SELECT max(seq) FROM event) - :kept)
         AND seq < (SELECT max(seq) FROM event)",
        named_params! {
            ":most": i64::try_from(most).unwrap_or(i64::MAX),
            ":oldest": (now - OLDEST_EVENT).millis(),
            ":kept": MOST_EVENTS,
        },
    )
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let about_a_slot = row.get::<_, Option<u32>>("ordinal")?.is_some();
    let about_a_session = row.get::<_, Option<String>>("session")?.is_some();
    Ok(Event {
        at: Timestamp::from_millis(row.get("at_ms")?),
        slot: about_a_slot.then(|| rows::slot_id(row)).transpose()?,
        session: about_a_session
            .then(|| rows::text(row, "session"))
            .transpose()?,
        what: rows::from_json(row, "what")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::{Changes, EventKind, Reason};
    use crate::ledger::testing::{at, ledger, owner, session, slot};
    use crate::units::Minutes;

    const NONE: Changes = Changes {
        sessions: Vec::new(),
        slots: Vec::new(),
        settled: Vec::new(),
        dropped: Vec::new(),
        uses: Vec::new(),
        waiting: Vec::new(),
        left: Vec::new(),
        keys: Vec::new(),
        renamed: Vec::new(),
        alerts: None,
    };

    fn event(at: Timestamp, place: Option<&str>, id: Option<&str>) -> Event {
        let why = Reason::LeaseHalfSpent {
            left: Span::millis(-1_500),
            lease: Minutes::new(20),
        };
        Event {
            at,
            slot: place.map(slot),
            session: id.map(session),
            what: EventKind::Stopping { why },
        }
    }

    fn count(ledger: &Ledger) -> usize {
        ledger
            .events(&EventFilter::All, usize::MAX)
            .expect("reads")
            .len()
    }

    #[test]
    fn events_come_back_newest_first_and_only_those_asked_for() {
        let now = at("2026-03-02T08:00:00.123Z");
        let all = [
            event(now, None, None),
            event(now, Some("a/0"), Some("s")),
            event(now, Some("a/1"), None),
            event(now, Some("b/0"), Some("t")),
        ];
        let mut ledger = ledger();
        ledger
            .write(&owner(), now, &NONE, &all[..2])
            .expect("writes");
        ledger
            .write(&owner(), now, &NONE, &all[2..])
            .expect("writes");
        for (filter, limit, expected) in [
            (EventFilter::All, 9, vec![3, 2, 1, 0]),
            (EventFilter::All, 2, vec![3, 2]),
            (
                EventFilter::Pool("a".parse().expect("a pool")),
                9,
                vec![2, 1],
            ),
            (EventFilter::Slot(slot("a/0")), 9, vec![1]),
            (EventFilter::Slot(slot("c/0")), 9, vec![]),
        ] {
            let expected: Vec<Event> = expected
                .into_iter()
                .map(|i: usize| all[i].clone())
                .collect();
            assert_eq!(
                ledger.events(&filter, limit).expect("reads"),
                expected,
                "{filter:?}"
            );
        }
    }

    #[test]
    fn old_events_are_removed_and_young_ones_kept() {
        let now = at("2026-03-02T08:00:00Z");
        let mut ledger = ledger();
        let ninety_days = Span::hours(2_160);
        let old = event(now - ninety_days - Span::millis(1), None, None);
        let young = event(now - ninety_days, None, None);
        let newest = event(now, None, None);
        ledger
            .write(&owner(), now, &NONE, &[old, young.clone(), newest.clone()])
            .expect("writes and prunes");
        let kept = ledger.events(&EventFilter::All, 9).expect("reads");
        assert_eq!(kept, [newest, young]);
    }

    #[test]
    fn a_follower_goes_on_where_it_was_and_reads_each_event_once_in_order() {
        let now = at("2026-03-02T08:00:00Z");
        let all: Vec<Event> = (0..5)
            .map(|n| event(now + Span::seconds(n), None, None))
            .collect();
        let mut ledger = ledger();
        let (mut seen, mut after) = (Vec::new(), EventSeq::default());
        for together in all.chunks(2) {
            ledger
                .write(&owner(), now, &NONE, together)
                .expect("writes");
            for one in ledger.events_after(after, 1).expect("reads") {
                after = one.seq;
                seen.push(one.event);
            }
        }
        for one in ledger.events_after(after, 9).expect("reads") {
            after = one.seq;
            seen.push(one.event);
        }
        assert_eq!((seen, after), (all, ledger.last_seq().expect("reads")));
    }

    #[test]
    fn the_sequence_never_begins_anew_when_everything_in_it_is_too_old() {
        let now = at("2026-03-02T08:00:00Z");
        let mut ledger = ledger();
        let old: Vec<Event> = (0..PRUNE_EVERY)
            .map(|_| event(now - OLDEST_EVENT - Span::hours(1), None, None))
            .collect();
        ledger
            .write(&owner(), now, &NONE, &old)
            .expect("writes and prunes");
        assert_eq!(count(&ledger), 1);
        let before = ledger.last_seq().expect("reads");
        ledger
            .write(&owner(), now, &NONE, &[event(now, None, None)])
            .expect("writes");
        assert_eq!(ledger.last_seq().expect("reads"), before.next());
    }

    #[test]
    fn the_oldest_of_too_many_events_are_removed_a_few_at_a_time() {
        let now = at("2026-03-02T08:00:00Z");
        let mut ledger = ledger();
        ledger
            .write(&owner(), now, &NONE, &[event(now, None, None)])
            .expect("writes");
        // As though so many had been written since, and most of them were gone.
        let newest = i64::from(MOST_EVENTS) + 3_000;
        for seq in (2..=3_000).chain([newest]) {
            ledger
                .connection
                .execute(
                    "INSERT INTO event SELECT ?1, at_ms, pool, ordinal, session, what \
                     FROM event WHERE seq = 1",
                    [seq],
                )
                .expect("fills");
        }
        let batch: Vec<Event> = (0..PRUNE_EVERY / 2)
            .map(|_| event(now, None, None))
            .collect();
        let mut counts = Vec::new();
        for _ in 0..4 {
            ledger.write(&owner(), now, &NONE, &batch).expect("writes");
            counts.push(count(&ledger));
        }
        // Of 3,000 too many, every second batch removes twice what was written since, and no more
        // than there are.
        assert_eq!(counts, [3_501, 2_001, 2_501, 2_001]);
    }
}
