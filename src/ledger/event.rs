//! Events: appended by every write, read newest first, and kept for a while.

use rusqlite::{Row, Transaction, named_params};

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

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// All of them.
    All,
    /// Those of a pool's slots.
    Pool(PoolName),
    /// Those of a slot and the sessions in it.
    Slot(SlotId),
    /// Those of a session.
    Session(SessionId),
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
            EventFilter::Pool(pool) => {
                self.newest("pool = :pool", named_params! { ":limit": limit, ":pool": pool.as_str() })
            }
            EventFilter::Slot(SlotId { pool, ordinal }) => self.newest(
                "pool = :pool AND ordinal = :ordinal",
                named_params! { ":limit": limit, ":pool": pool.as_str(), ":ordinal": ordinal },
            ),
            EventFilter::Session(id) => {
                self.newest("session = :session", named_params! { ":limit": limit, ":session": id.as_str() })
            }
        };
        read().map_err(self.failed("read events from"))
    }

    fn newest(&self, condition: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Event>> {
        let sql = format!("SELECT * FROM event WHERE {condition} ORDER BY seq DESC LIMIT :limit");
        self.connection.prepare(&sql)?.query_map(values, event)?.collect()
    }
}

pub(super) fn append(transaction: &Transaction<'_>, events: &[Event]) -> rusqlite::Result<()> {
    let mut put = transaction.prepare(
        "INSERT INTO event (at_ms, pool, ordinal, session, what) VALUES (:at, :pool, :ordinal, :session, :what)",
    )?;
    for event in events {
        put.execute(named_params! {
            ":at": event.at.millis(),
            ":pool": event.slot.as_ref().map(|slot| slot.pool.as_str()),
            ":ordinal": event.slot.as_ref().map(|slot| slot.ordinal),
            ":session": event.session.as_ref().map(SessionId::as_str),
            ":what": rows::to_json(Some(&event.what))?,
        })?;
    }
    Ok(())
}

/// Removes events that are too old or too many, but looks at no more than the `most` oldest.
pub(super) fn prune(transaction: &Transaction<'_>, now: Timestamp, most: usize) -> rusqlite::Result<usize> {
    transaction.execute(
        "DELETE FROM event WHERE seq IN (
             SELECT seq FROM (SELECT seq, at_ms FROM event ORDER BY seq LIMIT :most)
             WHERE at_ms < :oldest OR seq <= (SELECT max(seq) FROM event) - :kept)",
        named_params! {
            ":most": i64::try_from(most).unwrap_or(i64::MAX),
            ":oldest": (now - OLDEST_EVENT).millis(),
            ":kept": MOST_EVENTS,
        },
    )
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let about_a_slot = row.get::<_, Option<String>>("pool")?.is_some();
    let about_a_session = row.get::<_, Option<String>>("session")?.is_some();
    Ok(Event {
        at: Timestamp::from_millis(row.get("at_ms")?),
        slot: about_a_slot.then(|| rows::slot_id(row)).transpose()?,
        session: about_a_session.then(|| rows::text(row, "session")).transpose()?,
        what: rows::from_json(row, "what")?,
    })
}
