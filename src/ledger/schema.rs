//! The ledger's form, as a list of steps from each version to the next.
//!
//! A step that was released is never changed; a new form is a new step at the end. Each step is
//! applied in one transaction together with its version number, so a ledger is always of exactly
//! one version. A file that is not a ledger, or is newer than this program, is refused before
//! anything is written.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Fresh;
use super::error::LedgerError;

/// Marks a SQLite file as a ledger: "LKPR".
const APPLICATION_ID: i32 = 0x4c4b_5052;

/// Step `n` leads from version `n` to version `n + 1`; version 0 is an empty file.
pub(super) const STEPS: &[&str] = &[
    include_str!("steps/1.sql"),
    include_str!("steps/2.sql"),
    include_str!("steps/3.sql"),
    include_str!("steps/4.sql"),
    include_str!("steps/5.sql"),
    include_str!("steps/6.sql"),
    include_str!("steps/7.sql"),
    include_str!("steps/8.sql"),
];

/// The version of the ledger behind a connection, which this program can use or bring up to date.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, LedgerError> {
    let failed = LedgerError::at(path, "open");
    let number = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(&failed)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection
        .query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(&failed)?;
    let not_a_ledger = || LedgerError::NotALedger { path: path.into() };
    let found = usize::try_from(version).map_err(|_| not_a_ledger())?;
    match (application == i64::from(APPLICATION_ID), found, tables) {
        (true, 1.., _) if found > STEPS.len() => Err(LedgerError::Newer {
            path: path.into(),
            found,
            known: STEPS.len(),
        }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{FRESH, Kept, at, intent, ledger, live, owner};
    use crate::ledger::{EventFilter, Ledger};
    use crate::report::line;

    /// The schema of a connection, as SQLite keeps it.
    fn form(connection: &Connection) -> Vec<String> {
        let mut select = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name")
            .expect("prepares");
        select
            .query_map([], |row| row.get(0))
            .expect("reads")
            .map(|sql| sql.expect("text"))
            .collect()
    }

    #[test]
    fn a_ledger_of_every_older_version_is_brought_up_to_date() {
        let folder = tempfile::tempdir().expect("a folder");
        for older in 0..STEPS.len() {
            let path = folder.path().join(format!("version-{older}"));
            let mut raw = Connection::open(&path).expect("opens");
            migrate(&mut raw, 0, &STEPS[..older], FRESH).expect("migrates");
            drop(raw);
            let mut migrated = Ledger::open(&path, FRESH).expect("opens");
            assert_eq!(
                version(&migrated.connection, &path).expect("reads"),
                STEPS.len()
            );
            assert_eq!(form(&migrated.connection), form(&ledger().connection));
            assert_eq!(migrated.seed().expect("reads"), FRESH.seed);
            let now = at("2026-03-02T08:00:00Z");
            migrated
                .write(&owner(), now, &live(intent("s", "a/0", now)), &[])
                .expect("writes");
            assert_eq!(Kept::of(&migrated).sessions.len(), 1);
            assert_eq!(migrated.events(&EventFilter::All, 1).expect("reads"), []);
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().expect("opens");
        let steps = [
            "CREATE TABLE ledger (seed, made_ms)",
            "CREATE TABLE a (x)",
            "CREATE TABLE b (x); nonsense",
        ];
        migrate(&mut connection, 0, &steps, FRESH).expect_err("the last step is nonsense");
        assert_eq!(
            form(&connection),
            ["CREATE TABLE a (x)", "CREATE TABLE ledger (seed, made_ms)"]
        );
        let found: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .expect("reads");
        assert_eq!(found, 2);
    }

    #[test]
    fn the_refusal_of_an_older_ledger_says_how_to_bring_it_up_to_date() {
        let older = LedgerError::Older {
            path: "/l".into(),
            found: 1,
            known: 2,
        };
        assert_eq!(
            line(&older),
            "the ledger /l has version 1 and is brought to version 2 when the daemon starts; \
             start it once with `leasekeeper run`"
        );
    }
}
