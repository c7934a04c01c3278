//! The ledger as a file: who may open it, what is refused, and what outlives a crash.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use rusqlite::Connection;
use tempfile::TempDir;

use super::testing::*;
use super::*;
use crate::arr::limits::LIMITS;
use crate::keeper::{Changes, Event, EventKind};
use crate::report::line;
use crate::units::Span;

fn scratch() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state").join("ledger.sqlite");
    (folder, path)
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, FRESH).expect("opens")
}

/// An error as it is told, with the scratch folder's name left out.
fn told(error: &LedgerError, folder: &TempDir) -> String {
    line(error).replace(
        &folder
            .path()
            .canonicalize()
            .expect("is there")
            .display()
            .to_string(),
        "",
    )
}

fn booting(n: usize) -> Event {
    let now = at("2026-03-02T08:00:00Z") + Span::minutes(i64::try_from(n).expect("few"));
    Event {
        at: now,
        slot: Some(slot("a/0")),
        session: None,
        what: EventKind::Booting,
    }
}

#[test]
fn a_new_ledger_is_private_and_keeps_its_own_seed() {
    let (_folder, path) = scratch();
    let mut ledger = open(&path);
    ledger
        .write(&owner(), FRESH.made, &Changes::default(), &[booting(0)])
        .expect("writes");
    let mode = |p: &Path| fs::metadata(p).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    for suffix in ["", ".lock", "-wal", "-shm"] {
        assert_eq!(
            mode(Path::new(&format!("{}{suffix}", path.display()))),
            0o600,
            "{suffix}"
        );
    }
    drop(ledger);
    let again = Ledger::open(
        &path,
        Fresh {
            seed: 1,
            made: at("2027-01-01T00:00:00Z"),
        },
    )
    .expect("opens");
    assert_eq!(
        (again.seed().expect("reads"), again.made().expect("reads")),
        (FRESH.seed, FRESH.made)
    );
}

#[test]
fn a_second_daemon_is_refused_until_the_first_is_gone() {
    let (folder, path) = scratch();
    let first = open(&path);
    let refused = Ledger::open(&path, FRESH).expect_err("it is kept");
    assert_eq!(
        told(&refused, &folder).replace(&std::process::id().to_string(), "123"),
        "another leasekeeper (pid 123) keeps this ledger: /state/ledger.sqlite; \
         stop it or give this one its own `ledger`"
    );
    let by_another_name = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &by_another_name).expect("links");
    assert!(matches!(
        Ledger::open(&by_another_name, FRESH),
        Err(LedgerError::Kept { .. })
    ));
    drop(first);
    open(&path);
}

#[test]
fn a_ledger_can_be_read_while_a_daemon_writes_it() {
    let (folder, path) = scratch();
    let missing = Ledger::open_read_only(&path).expect_err("no ledger yet");
    assert!(matches!(missing, LedgerError::Missing { .. }));
    assert!(
        missing
            .to_string()
            .contains("no daemon has run with it yet"),
        "{missing}"
    );
    let mut daemon = open(&path);
    let mut reader = Ledger::open_read_only(&path).expect("opens beside the daemon");
    let now = at("2026-03-02T08:00:00Z");
    daemon
        .write(&owner(), now, &live(intent("s", "a/0", now)), &[booting(0)])
        .expect("writes");
    assert_eq!(Kept::of(&reader), Kept::of(&daemon));
    assert_eq!(
        reader.events(&EventFilter::All, 9).expect("reads"),
        [booting(0)]
    );
    let refused = reader
        .write(&owner(), now, &Changes::default(), &[booting(1)])
        .expect_err("only reads");
    assert_eq!(
        told(&refused, &folder),
        "could not write to the ledger /state/ledger.sqlite: attempt to write a readonly \
         database; check the file's owner and permissions, and its disk"
    );
    drop(daemon);
    assert_eq!(
        Kept::of(&Ledger::open_read_only(&path).expect("opens"))
            .sessions
            .len(),
        1
    );
}

#[test]
fn what_is_not_a_ledger_is_refused_and_left_as_it_was() {
    let (folder, path) = scratch();
    fs::create_dir(path.parent().expect("a folder")).expect("makes");
    let other = || {
        let other = Connection::open(&path).expect("opens");
        other
            .pragma_update(None, "journal_mode", "WAL")
            .expect("sets");
        other
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .expect("writes");
    };
    // Somebody has marked it, and nothing more yet.
    let marked = || {
        let marked = Connection::open(&path).expect("opens");
        marked
            .execute_batch("PRAGMA application_id = 7; VACUUM")
            .expect("writes");
    };
    let text = || fs::write(&path, "owner = \"studio7\"\n").expect("writes");
    let makers: [&dyn Fn(); 3] = [&text, &other, &marked];
    for make in makers {
        make();
        let before = fs::read(&path).expect("reads");
        for refused in [Ledger::open(&path, FRESH), Ledger::open_read_only(&path)] {
            assert_eq!(
                told(&refused.expect_err("not ours"), &folder),
                "/state/ledger.sqlite is not a leasekeeper ledger and was left as it is; set \
                 `ledger` to another path"
            );
        }
        assert_eq!(fs::read(&path).expect("reads"), before);
        fs::remove_file(&path).expect("removes");
    }
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_was() {
    let (folder, path) = scratch();
    drop(open(&path));
    let newer = STEPS.len() + 1;
    let raw = Connection::open(&path).expect("opens");
    raw.pragma_update(None, "user_version", i64::try_from(newer).expect("small"))
        .expect("sets");
    drop(raw);
    let before = fs::read(&path).expect("reads");
    for refused in [Ledger::open(&path, FRESH), Ledger::open_read_only(&path)] {
        let refused = refused.expect_err("newer");
        assert!(
            matches!(refused, LedgerError::Newer { found, .. } if found == newer),
            "{refused}"
        );
        assert!(
            told(&refused, &folder).contains("run the newer leasekeeper that wrote it"),
            "{refused}"
        );
    }
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn a_full_disk_changes_nothing_and_goes_on_when_there_is_room() {
    let (folder, path) = scratch();
    let mut ledger = open(&path);
    let now = at("2026-03-02T08:00:00Z");
    ledger
        .write(&owner(), now, &live(intent("s", "a/0", now)), &[])
        .expect("writes");
    let before = Kept::of(&ledger);
    let pages: i64 = ledger
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .expect("counts");
    ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .expect("sets");
    let much: Vec<Event> = (0..1_000).map(booting).collect();
    let refused = ledger.write(
        &owner(),
        now,
        &ended(vec![settled("s", "a/0", now, 5, "6")]),
        &much,
    );
    let refused = refused.expect_err("no room");
    assert!(matches!(refused, LedgerError::Full { .. }), "{refused:?}");
    assert_eq!(
        told(&refused, &folder),
        "no room on the disk for the ledger /state/ledger.sqlite; nothing was written: \
         database or disk is full; free some space and it goes on"
    );
    assert_eq!(Kept::of(&ledger), before);
    ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", pages * 100, |_| Ok(()))
        .expect("sets");
    ledger
        .write(
            &owner(),
            now,
            &ended(vec![settled("s", "a/0", now, 5, "6")]),
            &much,
        )
        .expect("room again");
    assert_eq!(Kept::of(&ledger).settled.len(), 1);
}

#[test]
fn a_row_that_makes_no_sense_is_an_error_that_says_what_to_do() {
    let (folder, path) = scratch();
    let mut ledger = open(&path);
    let now = at("2026-03-02T08:00:00Z");
    ledger
        .write(&owner(), now, &live(intent("s", "a/0", now)), &[])
        .expect("writes");
    ledger
        .connection
        .execute("UPDATE live SET pool = 'no pool'", [])
        .expect("breaks");
    let refused = ledger
        .load(&owner(), Tz::UTC, LIMITS, now)
        .expect_err("damaged");
    assert_eq!(
        told(&refused, &folder),
        "could not read memory from the ledger /state/ledger.sqlite: it is damaged: \
         Conversion error from type Text at index: 2, a pool name \"no pool\" has the character \
         ' '; only A-Z a-z 0-9 - _ are allowed; restore a copy, or move it away and live sessions \
         are adopted anew"
    );
}

#[test]
fn a_crash_at_any_moment_leaves_a_state_that_was_acknowledged() {
    let (folder, path) = scratch();
    let mut ledger = open(&path);
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    let now = at("2026-03-02T08:00:00Z");
    let mut states = vec![(Kept::of(&ledger), 0)];
    let mut sizes = vec![fs::read(&wal).expect("reads").len()];
    for n in 0..4 {
        let mut changes = live(intent(&format!("s{n}"), "a/0", now));
        if n > 0 {
            changes
                .settled
                .push(settled(&format!("s{}", n - 1), "a/0", now, 7, "2.99"));
        }
        ledger
            .write(&owner(), now, &changes, &[booting(n)])
            .expect("writes");
        states.push((Kept::of(&ledger), n + 1));
        sizes.push(fs::read(&wal).expect("reads").len());
    }
    let (main, log) = (
        fs::read(&path).expect("reads"),
        fs::read(&wal).expect("reads"),
    );
    let cuts = sizes
        .iter()
        .flat_map(|size| [*size, size + 1, size + 2_000, size + 5_000]);
    for cut in cuts.filter(|cut| *cut <= log.len()) {
        let copy = folder.path().join(format!("cut-{cut}"));
        fs::write(&copy, &main).expect("copies");
        fs::write(folder.path().join(format!("cut-{cut}-wal")), &log[..cut]).expect("copies");
        let reopened = open(&copy);
        let found = (
            Kept::of(&reopened),
            reopened.events(&EventFilter::All, 99).expect("reads").len(),
        );
        let acknowledged = sizes.iter().filter(|size| **size <= cut).count() - 1;
        assert_eq!(found, states[acknowledged], "cut at {cut} of {sizes:?}");
    }
}
