//! Writing: what changed in the keeper's state and what happened, in one transaction.

use rusqlite::{Transaction, TransactionBehavior};

use crate::keeper::{Changes, KeyUse};
use crate::units::{HoldKey, Owner, SessionId, Timestamp};

use super::error::LedgerError;
use super::event::RecordedEvent;
use super::{Ledger, event, rows};

impl Ledger {
    /// Writes what changed in an owner's state and what happened, all of it or nothing. When it
    /// returns, both are on the disk. Every event's number is above those that were written before.
    /// A session that settles twice keeps its newer account. Every so often old events are removed,
    /// which takes work in proportion to the events written since.
    ///
    /// # Errors
    /// If the disk is full or cannot be written. The ledger is then as it was before, and the
    /// caller has to write the same again. Also if the file is not in its place any more, and
    /// cannot be put back there.
    pub fn write_numbered(
        &mut self,
        owner: &Owner,
        at: Timestamp,
        changes: &Changes,
        events: &[RecordedEvent],
    ) -> Result<(), LedgerError> {
        self.hold_place()?;
        if changes.is_empty() && events.is_empty() {
            return Ok(());
        }
        let unpruned = self.unpruned.saturating_add(events.len());
        let prune = unpruned >= event::PRUNE_EVERY;
        let write = || {
            let transaction =
                Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            put_changes(&transaction, owner, changes)?;
            event::append(&transaction, events)?;
            if prune {
                event::prune(&transaction, at, unpruned.saturating_mul(2))?;
            }
            transaction.commit()
        };
        write().map_err(self.failed("write to"))?;
        self.unpruned = if prune { 0 } else { unpruned };
        Ok(())
    }
}

impl Ledger {
    /// Moves what waits in the log of writes into the file, which then has all of it. Where that
    /// cannot be done the next start does it.
    pub(super) fn fold_log(&self) {
        let folded = |_: &rusqlite::Row<'_>| Ok(());
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = self.connection.query_one(checkpoint, [], folded) {
            tracing::debug!("the ledger's log of writes stays: {error}");
        }
    }
}

fn put_changes(
    transaction: &Transaction<'_>,
    owner: &Owner,
    changes: &Changes,
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(rows::PUT_LIVE)?;
    for known in &changes.sessions {
        rows::put_live(&mut put, owner, known)?;
    }
    let mut put = transaction.prepare_cached(rows::PUT_SLOT)?;
    for (id, slot) in &changes.slots {
        rows::put_slot(&mut put, owner, id, slot)?;
    }
    let mut put = transaction.prepare_cached(rows::PUT_SETTLED)?;
    for settled in &changes.settled {
        rows::put_settled(&mut put, owner, settled)?;
    }
    let mut put = transaction.prepare_cached(rows::PUT_USE)?;
    for (session, n, used) in &changes.uses {
        rows::put_use(&mut put, session, *n, used)?;
    }
    let mut forget = transaction.prepare_cached("DELETE FROM use WHERE session = ?1")?;
    for settled in &changes.settled {
        forget.execute([settled.id.as_str()])?;
        for (n, used) in settled.uses.iter().enumerate() {
            rows::put_use(&mut put, &settled.id, n, used)?;
        }
    }
    let mut put = transaction.prepare_cached(rows::PUT_WAITING)?;
    for waiter in &changes.waiting {
        rows::put_waiting(&mut put, owner, waiter)?;
    }
    put_keys(transaction, owner, &changes.keys)?;
    for (from, to) in &changes.renamed {
        for table in ["settled", "event"] {
            let sql = format!("UPDATE {table} SET pool = ?2 WHERE pool = ?1");
            transaction.execute(&sql, [from.as_str(), to.as_str()])?;
        }
    }
    if let Some(alerts) = &changes.alerts {
        transaction.execute("DELETE FROM alert WHERE owner = ?1", [owner.as_str()])?;
        let mut put =
            transaction.prepare_cached("INSERT INTO alert VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for alert in alerts {
            rows::put_alert(&mut put, owner, alert)?;
        }
    }
    let mut remove = transaction.prepare_cached("DELETE FROM waiting WHERE hold = ?1")?;
    for hold in &changes.left {
        remove.execute([hold.to_string()])?;
    }
    let mut remove = transaction.prepare_cached("DELETE FROM live WHERE id = ?1")?;
    let ended = changes.settled.iter().map(|s| &s.id);
    for id in ended.chain(&changes.dropped).map(SessionId::as_str) {
        remove.execute([id])?;
    }
    Ok(())
}

fn put_keys(
    transaction: &Transaction<'_>,
    owner: &Owner,
    keys: &[(HoldKey, Option<KeyUse>)],
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(rows::PUT_KEY)?;
    let forget = "DELETE FROM hold_key WHERE owner = ?1 AND key = ?2";
    let mut forget = transaction.prepare_cached(forget)?;
    for (key, used) in keys {
        match used {
            Some(used) => rows::put_key(&mut put, owner, key, used)?,
            None => forget.execute([owner.as_str(), key.as_str()])?,
        };
    }
    Ok(())
}
