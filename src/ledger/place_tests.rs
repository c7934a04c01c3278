//! What becomes of the ledger where its file does not stand in its place any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::testing::*;
use super::{EventFilter, Ledger, LedgerError};
use crate::keeper::{Changes, Event, EventKind};

struct Kept {
    _folder: TempDir,
    path: PathBuf,
    ledger: Ledger,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state").join("ledger.sqlite");
    let mut kept = Kept {
        ledger: Ledger::open(&path, FRESH).expect("opens"),
        _folder: folder,
        path,
    };
    kept.write().expect("it is in its place");
    kept
}

impl Kept {
    fn write(&mut self) -> Result<(), LedgerError> {
        let event = Event {
            at: FRESH.made,
            slot: Some(slot("a/0")),
            session: None,
            what: EventKind::Booting,
        };
        let none = Changes::default();
        self.ledger
            .write(&owner(), FRESH.made, &none, &[event])
            .map(|_| ())
    }

    fn log(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        name.into()
    }

    /// Lets the file itself grow, with what waits in the log of writes.
    fn checkpoint(&self) -> u64 {
        let connection = Connection::open(&self.path).expect("opens");
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .expect("checkpoints");
        fs::metadata(&self.path).expect("is there").len()
    }
}

fn events(path: &Path) -> usize {
    let ledger = Ledger::open_read_only(path).expect("reads");
    let events = ledger.events(&EventFilter::All, 99);
    events.expect("reads").len()
}

#[test]
fn what_was_removed_is_written_again_whole_and_nothing_is_left_beside_it() {
    let mut kept = kept();
    assert!(kept.ledger.is_in_place());
    fs::remove_file(&kept.path).expect("removed");
    assert!(!kept.ledger.is_in_place());
    kept.write().expect("it is written again");
    assert!(kept.ledger.is_in_place());
    assert_eq!(events(&kept.path), 2);
    kept.write().expect("it goes on");
    assert_eq!(events(&kept.path), 3);
    let folder = kept.path.parent().expect("a folder");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("reads")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into()
        })
        .collect();
    names.sort();
    let expected = ["", "-shm", "-wal", ".lock"].map(|end| format!("ledger.sqlite{end}"));
    assert_eq!(names, expected);
}

#[test]
fn with_its_whole_folder_it_is_written_again_too_and_still_kept() {
    let mut kept = kept();
    fs::remove_dir_all(kept.path.parent().expect("a folder")).expect("removed");
    kept.write().expect("it is written again");
    assert_eq!(events(&kept.path), 2);
    let second = Ledger::open(&kept.path, FRESH).expect_err("the first one keeps it");
    assert!(matches!(second, LedgerError::Kept { .. }), "{second}");
}

#[test]
fn what_somebody_has_put_in_its_place_is_left_as_it_is_and_keeps_no_log_of_ours() {
    let mut kept = kept();
    fs::remove_file(&kept.path).expect("removed");
    fs::write(&kept.path, "somebody's").expect("written");
    assert!(kept.log().exists());
    let refused = kept.write().expect_err("it is another file");
    assert!(matches!(refused, LedgerError::Replaced { .. }), "{refused}");
    assert!(!kept.log().exists());
    // A log that is not ours stays.
    fs::write(kept.log(), "theirs").expect("written");
    assert!(kept.write().is_err());
    assert!(kept.log().exists());
    assert_eq!(fs::read(&kept.path).expect("reads"), b"somebody's");
}

#[test]
fn what_was_cut_short_takes_no_writes_however_much_it_has_grown() {
    let mut kept = kept();
    let small = fs::metadata(&kept.path).expect("is there").len();
    for _ in 0..400 {
        kept.write().expect("there is room");
    }
    let grown = kept.checkpoint();
    assert!(grown > small);
    kept.write().expect("a file may grow");
    let file = File::options().write(true).open(&kept.path).expect("opens");
    file.set_len(grown - 1).expect("cut");
    let refused = kept.write().expect_err("something is missing");
    assert!(matches!(refused, LedgerError::Cut { .. }), "{refused}");
}

#[test]
fn a_place_that_cannot_be_looked_at_is_told_as_it_is() {
    let mut kept = kept();
    let folder = kept.path.parent().expect("a folder").to_owned();
    fs::rename(&folder, folder.with_extension("away")).expect("moved");
    fs::write(&folder, "a file").expect("written");
    let refused = kept.write().expect_err("there is no folder");
    assert!(
        matches!(refused, LedgerError::Folder { doing: "find", .. }),
        "{refused}"
    );
}

#[test]
fn what_waits_in_the_log_of_writes_can_be_moved_into_the_file() {
    let kept = kept();
    let waits = || fs::metadata(kept.log()).expect("is there").len();
    assert!(waits() > 0);
    kept.ledger.fold_log();
    assert_eq!(waits(), 0);
}
