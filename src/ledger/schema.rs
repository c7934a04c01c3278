//! The ledger's form, as a list of steps from each version to the next.
//!
//! A step that was released is never changed; a new form is a new step at the end. Each step is applied in one
//! transaction together with its version number, so a ledger is always of exactly one version. A file that is not a
//! ledger, or is newer than this program, is refused before anything is written.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Fresh;
use super::error::LedgerError;

/// Marks a SQLite file as a ledger: "LKPR".
const APPLICATION_ID: i32 = 0x4c4b_5052;

/// Step `n` leads from version `n` to version `n + 1`; version 0 is an empty file.
pub(super) const STEPS: &[&str] = &[include_str!("steps/1.sql")];

/// The version of the ledger behind a connection, which this program can use or bring up to date.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, LedgerError> {
    let failed = LedgerError::at(path, "open");
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(&failed);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&failed)?;
    let not_a_ledger = || LedgerError::NotALedger { path: path.into() };
    let found = usize::try_from(version).map_err(|_| not_a_ledger())?;
    match (application == i64::from(APPLICATION_ID), found, tables) {
        (true, 1.., _) if found > STEPS.len() => {
            Err(LedgerError::Newer { path: path.into(), found, known: STEPS.len() })
        }
        (true, 1.., _) => Ok(found),
        (false, 0, 0) if application == 0 => Ok(0),
        _ => Err(not_a_ledger()),
    }
}

/// Applies the steps that a ledger of version `from` lacks. `fresh` is written where it is new.
pub(super) fn migrate(
    connection: &mut Connection,
    from: usize,
    steps: &[&str],
    fresh: Fresh,
) -> Result<(), rusqlite::Error> {
    for (step, to) in steps.iter().zip(1i64..).skip(from) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", to)?;
        if to == 1 {
            let row = params![fresh.seed.cast_signed(), fresh.made.millis()];
            transaction.execute("INSERT INTO ledger (seed, made_ms) VALUES (?1, ?2)", row)?;
        }
        transaction.commit()?;
    }
    Ok(())
}
