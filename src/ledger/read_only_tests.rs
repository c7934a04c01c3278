//! Reading a ledger that this process does not keep: which versions, and where nothing can be
//! written beside it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::schema::STEPS;
use super::testing::*;
use super::{Ledger, LedgerError};

/// A ledger that nobody keeps any more.
fn left_behind() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.sqlite");
    drop(Ledger::open(&path, FRESH).expect("opens"));
    (folder, path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_path_buf().into_os_string();
    name.push(suffix);
    name.into()
}

#[test]
fn an_empty_file_is_no_ledger_yet_and_an_older_one_is_brought_up_to_date_first() {
    let (_folder, path) = left_behind();
    let set = |version: usize| {
        let version = i64::try_from(version).expect("few");
        let connection = Connection::open(&path).expect("opens");
        connection
            .pragma_update(None, "user_version", version)
            .expect("takes it");
    };
    set(STEPS.len() - 1);
    let older = Ledger::open_read_only(&path).expect_err("its form is another one");
    let expected = (STEPS.len() - 1, STEPS.len());
    assert!(
        matches!(older, LedgerError::Older { found, known, .. } if (found, known) == expected),
        "{older}"
    );
    set(STEPS.len());
    assert!(Ledger::open_read_only(&path).is_ok());
    fs::write(&path, "").expect("written");
    let empty = Ledger::open_read_only(&path).expect_err("there is nothing in it");
    assert!(matches!(empty, LedgerError::Missing { .. }), "{empty}");
}

#[test]
fn where_nothing_can_be_made_beside_it_the_file_alone_is_read_unless_writes_wait() {
    let (_folder, path) = left_behind();
    // SQLite does not follow a link to its shared memory, so it has none.
    std::os::unix::fs::symlink("nowhere", beside(&path, "-shm")).expect("made");
    let seed = |path: &Path| Ledger::open_read_only(path).and_then(|ledger| ledger.seed());
    assert_eq!(seed(&path).expect("reads"), FRESH.seed);
    let waiting = beside(&path, "-wal");
    fs::write(&waiting, "").expect("written");
    assert_eq!(seed(&path).expect("nothing waits"), FRESH.seed);
    fs::write(&waiting, [0; 4096]).expect("written");
    assert!(seed(&path).is_err(), "what waits would be missing");
}
