//! The ledger's thread, its reports and whoever follows its events, on a disk that is slow, full,
//! or neither.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Waker};

use rusqlite::Connection;
use tempfile::TempDir;

use super::testing::{FRESH, at, intent, live, owner, slot};
use super::{EventFeed, EventFilter, Ledger, LedgerError, LedgerHandle, RecordedEvent};
use crate::arr::limits::LIMITS;
use crate::keeper::{Changes, Event, EventKind};
use crate::units::{Span, Timestamp};

struct Disk {
    _folder: TempDir,
    path: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.sqlite");
        Self {
            _folder: folder,
            path,
        }
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.path, FRESH).expect("opens")
    }

    fn spawn(&self) -> LedgerHandle {
        LedgerHandle::spawn(self.open(), owner()).expect("starts")
    }

    /// Holds up every write until the connection is dropped.
    fn slow(&self) -> Connection {
        let other = Connection::open(&self.path).expect("opens");
        other.execute_batch("BEGIN IMMEDIATE").expect("begins");
        other
    }
}

fn now() -> Timestamp {
    at("2026-03-02T08:00:00Z")
}

fn booting(n: i64) -> Event {
    Event {
        at: now() + Span::minutes(n),
        slot: Some(slot("a/0")),
        session: None,
        what: EventKind::Booting,
    }
}

fn submit(ledger: &LedgerHandle, n: i64) -> super::PendingWrite {
    ledger.submit(now(), Changes::default(), vec![booting(n)])
}

fn is_waiting(future: Pin<&mut impl Future>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_pending()
}

async fn next(feed: &mut EventFeed, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(feed.next().await.expect("more comes").event);
    }
    events
}

#[tokio::test]
async fn what_is_acknowledged_is_read_by_reports_and_after_the_end() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    let intended = live(intent("s", "a/0", now()));
    let write = ledger.submit(now(), intended, vec![booting(0)]);
    write.acknowledged().await.expect("written");
    let read = ledger.read(|ledger| ledger.events(&EventFilter::All, 9));
    assert_eq!(read.await.expect("reads"), [booting(0)]);
    let _ = submit(&ledger, 1);
    ledger.close().await;
    let late = submit(&ledger, 2).acknowledged().await;
    assert!(matches!(
        *late.expect_err("closed"),
        LedgerError::Closed { .. }
    ));
    // The thread has let the file go.
    let again = disk.open();
    let kept = again
        .load(&owner(), chrono_tz::UTC, LIMITS, now())
        .expect("loads");
    assert_eq!(kept.sessions.len(), 1);
    let newest = again.events(&EventFilter::All, 9).expect("reads");
    assert_eq!(newest, [booting(1), booting(0)]);
}

#[tokio::test]
async fn the_last_handle_that_goes_lets_the_ledger_go_once_everything_is_written() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    let mut progress = ledger.progress();
    let _ = submit(&ledger, 0);
    drop(ledger.clone());
    drop(ledger);
    let ended = progress.wait_for(|progress| progress.ended);
    let ended = tokio::time::timeout(super::WRITE_TIMEOUT, ended).await;
    ended.expect("it ends").expect("it says so");
    let newest = disk.open().events(&EventFilter::All, 9).expect("reads");
    assert_eq!(newest, [booting(0)]);
}

#[tokio::test]
async fn a_follower_that_waits_is_woken_by_the_next_event() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    let mut feed = EventFeed::of(&ledger);
    let mut waits = std::pin::pin!(feed.next());
    assert!(is_waiting(waits.as_mut()));
    submit(&ledger, 0).acknowledged().await.expect("written");
    let woken = tokio::time::timeout(super::WRITE_TIMEOUT, waits).await;
    let event = woken.expect("it is woken").expect("there is one");
    assert_eq!(event.event, booting(0));
}

#[tokio::test]
async fn a_write_that_cannot_be_taken_says_which_ledger_it_was_for() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    ledger.close().await;
    let closed = submit(&ledger, 0).acknowledged().await.expect_err("closed");
    let there = disk.path.canonicalize().expect("is there");
    assert!(matches!(&*closed, LedgerError::Closed { path } if *path == there));
}

#[tokio::test]
async fn a_slow_disk_delays_who_waits_for_the_write_and_no_report() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    submit(&ledger, 0).acknowledged().await.expect("written");
    let slow = disk.slow();
    let mut writes = std::pin::pin!(async {
        let (one, two) = (submit(&ledger, 1), submit(&ledger, 2));
        (one.acknowledged().await, two.acknowledged().await)
    });
    assert!(is_waiting(writes.as_mut()));
    let read = ledger.read(|ledger| ledger.events(&EventFilter::All, 9));
    assert_eq!(read.await.expect("reads meanwhile"), [booting(0)]);
    assert!(is_waiting(writes.as_mut()));
    drop(slow);
    let (one, two) = writes.await;
    one.and(two).expect("both are written");
    let read = ledger.read(|ledger| ledger.events(&EventFilter::All, 9));
    assert_eq!(read.await.expect("reads"), [2, 1, 0].map(booting));
}

#[tokio::test]
async fn events_that_the_ledger_refuses_are_followed_all_the_same_and_only_once() {
    let disk = Disk::new();
    let ledger = disk.open();
    ledger.refuse_writes(true).expect("sets");
    let handle = LedgerHandle::spawn(ledger, owner()).expect("starts");
    let mut feed = EventFeed::of(&handle);
    for n in 0..3 {
        let write = submit(&handle, n).acknowledged().await;
        assert!(matches!(
            *write.expect_err("refused"),
            LedgerError::Sqlite { .. }
        ));
    }
    assert!(handle.refusal().is_some());
    assert_eq!(next(&mut feed, 3).await, [0, 1, 2].map(booting));
    handle.close().await;
    assert_eq!(feed.next().await, None);
}

#[tokio::test]
async fn what_was_refused_is_written_with_the_next_write_and_keeps_its_numbers() {
    let memory = std::sync::Mutex::new(Ledger::in_memory(FRESH).expect("memory has room"));
    let disk = std::sync::Arc::new(memory);
    let refuse = |refuse| {
        let ledger = disk.lock().expect("no panic");
        ledger.refuse_writes(refuse).expect("sets");
    };
    let sunk = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = sunk.clone();
    let handle = LedgerHandle::inline(disk.clone(), owner(), move |event| {
        sink.lock().expect("no panic").push(event.clone());
    })
    .expect("reads");
    let mut feed = EventFeed::of(&handle);
    refuse(true);
    let changes = live(intent("s", "a/0", now()));
    let write = handle.submit(now(), changes, vec![booting(0)]);
    write.acknowledged().await.expect_err("refused");
    assert_eq!(next(&mut feed, 1).await, [booting(0)]);
    refuse(false);
    submit(&handle, 1).acknowledged().await.expect("written");
    assert!(handle.refusal().is_none());
    assert_eq!(next(&mut feed, 1).await, [booting(1)]);
    let sunk: Vec<RecordedEvent> = sunk.lock().expect("no panic").clone();
    let ledger = disk.lock().expect("no panic");
    let written = ledger.events_after(Default::default(), 9).expect("reads");
    assert_eq!((written.len(), &written), (2, &sunk));
    let kept = ledger
        .load(&owner(), chrono_tz::UTC, LIMITS, now())
        .expect("loads");
    assert_eq!(kept.sessions.len(), 1);
}

#[tokio::test]
async fn a_follower_that_lags_gets_everything_in_order_and_then_the_end() {
    let disk = Disk::new();
    let ledger = disk.spawn();
    let mut feed = EventFeed::of(&ledger);
    // More than one read hands over.
    for n in 0..300 {
        let _ = submit(&ledger, n);
    }
    ledger.close().await;
    let all: Vec<Event> = (0..300).map(booting).collect();
    assert_eq!(next(&mut feed, 300).await, all);
    assert_eq!(feed.next().await, None);
}

#[tokio::test]
async fn an_inline_write_is_acknowledged_at_once_however_many_there_were_in_one_task() {
    let ledger = Ledger::in_memory(FRESH).expect("memory has room");
    let ledger = std::sync::Arc::new(std::sync::Mutex::new(ledger));
    let handle = LedgerHandle::inline(ledger, owner(), |_| ()).expect("reads");
    for n in 0..1_000 {
        let write = std::pin::pin!(submit(&handle, n).acknowledged());
        assert!(!is_waiting(write), "write {n}");
    }
}
