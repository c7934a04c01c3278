//! The ledger as a file: who may open it, what is refused, and what outlives a crash.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::testing::*;
use super::*;
use crate::arr::limits::LIMITS;
use crate::keeper::{Changes, Event, EventKind, KeeperState, Spent};
use crate::report::line;
use crate::units::{Owner, Span};

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
    let text = || fs::write(&path, "owner = \"studio7\"\n").expect("writes");
    let makers: [&dyn Fn(); 2] = [&text, &other];
    for make in makers {
        make();
        let before = fs::read(&path).expect("reads");
        for refused in [Ledger::open(&path, FRESH), Ledger::open_read_only(&path)] {
            assert_eq!(
                told(&refused.expect_err("not ours"), &folder),
                "/state/ledger.sqlite is not a leasekeeper ledger and was left as it is; set `ledger` to another path"
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
         ' '; only A-Z a-z 0-9 - _ are allowed; restore a copy, or move it away and live sessions are adopted anew"
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

#[test]
fn an_intent_comes_back_with_the_body_of_its_create_and_without_its_clock() {
    let mut ledger = ledger();
    let now = at("2026-03-02T08:00:00Z");
    let intended = intent("s", "a/0", now);
    ledger
        .write(&owner(), now, &live(intended.clone()), &[])
        .expect("writes");
    let keeper = ledger.load(&owner(), Tz::UTC, LIMITS, now).expect("loads");
    assert_eq!(keeper.sessions.values().collect::<Vec<_>>(), [&intended]);
    assert_eq!(
        (keeper.fresh, keeper.listed_at, keeper.seed),
        (false, None, FRESH.seed)
    );
}

#[test]
fn another_owners_rows_are_not_loaded() {
    let mut ledger = ledger();
    let now = at("2026-03-02T08:00:00Z");
    let other = Owner::new("studio8").expect("an owner");
    let mut changes = live(intent("studio8-a-0-x", "a/0", now));
    changes.slots.push((
        slot("a/0"),
        crate::keeper::SlotState {
            drawn: 3,
            ..Default::default()
        },
    ));
    changes
        .settled
        .push(settled("studio8-a-1-x", "a/1", now, 5, "6"));
    ledger.write(&other, now, &changes, &[]).expect("writes");
    assert_eq!(Kept::of(&ledger), Kept::default());
    let theirs = ledger.load(&other, Tz::UTC, LIMITS, now).expect("loads");
    assert_eq!(
        (
            theirs.sessions.len(),
            theirs.slots.len(),
            theirs.ended.len()
        ),
        (1, 1, 1)
    );
}

#[test]
fn the_book_of_spend_covers_this_month_and_the_last_in_the_budgets_own_zone() {
    let mut ledger = ledger();
    let zone = chrono_tz::Asia::Tokyo;
    // February begins in Tokyo at 15:00 UTC of 31 January; the first two sessions touch it, the
    // third does not.
    let across = settled("s0", "a/0", at("2026-01-31T14:50:00Z"), 20, "6");
    let newest = settled("s1", "b/0", at("2026-03-02T07:00:00Z"), 30, "6");
    let mut late = settled("s2", "a/1", at("2026-01-20T12:00:00Z"), 60, "6");
    late.ready = None;
    let all = vec![across.clone(), newest.clone(), late];
    ledger
        .write(&owner(), newest.ended, &ended(all), &[])
        .expect("writes");
    let now = at("2026-03-02T08:00:00Z");
    let keeper: KeeperState = ledger.load(&owner(), zone, LIMITS, now).expect("loads");
    let mut book = Spent::new(zone);
    book.add(&across);
    book.add(&newest);
    assert_eq!(keeper.spent, book);
    assert_eq!(keeper.ended.keys().collect::<Vec<_>>(), [&newest.id]);
    assert_eq!(
        ledger.spent(&owner(), Tz::UTC, now).expect("reads").zone(),
        Tz::UTC
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn changes_load_the_same_written_at_once_or_in_pieces(steps in proptest::collection::vec(any_changes(), 1..8)) {
        let (mut whole, mut pieces, mut kept) = (ledger(), ledger(), Kept::default());
        for changes in &steps {
            kept.apply(changes);
            whole.write(&owner(), FRESH.made, changes, &[]).expect("writes");
            for piece in split(changes) {
                pieces.write(&owner(), FRESH.made, &piece, &[]).expect("writes");
            }
        }
        prop_assert_eq!(&Kept::of(&whole), &kept);
        prop_assert_eq!(&Kept::of(&pieces), &kept);
    }
}

fn split(changes: &Changes) -> Vec<Changes> {
    let none = Changes::default;
    let sessions = changes.sessions.iter().map(|k| live(k.clone()));
    let slots = changes.slots.iter().map(|s| Changes {
        slots: vec![s.clone()],
        ..none()
    });
    let settled = changes.settled.iter().map(|s| ended(vec![s.clone()]));
    let dropped = changes.dropped.iter().map(|id| Changes {
        dropped: vec![id.clone()],
        ..none()
    });
    sessions
        .chain(slots)
        .chain(settled)
        .chain(dropped)
        .collect()
}
