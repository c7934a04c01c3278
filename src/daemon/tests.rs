//! The daemon on a disk that is slow and with a service that hangs.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::deadline::Deadline;
use super::executor::{Executed, execute};
use super::shutdown::shutdown;
use super::{DaemonState, Shared};
use crate::arr::limits::LIMITS;
use crate::clock::{Clock, SystemClock};
use crate::keeper::{Action, EventKind, KeeperState, Reason, Session, Status, Target};
use crate::ledger::testing::{FRESH, intent, owner, session, slot};
use crate::ledger::{EventFilter, Ledger, LedgerHandle};
use crate::policy::load;
use crate::service::{FailureKind, Listing, Operation, Service, ServiceError, SessionReading};
use crate::units::{Minutes, Region, SessionId, Size, Span, Timestamp};

const POLICY: &str = r#"
owner = "studio7"
[service]
endpoint = "https://service.example"
account_id = "00000000-0000-0000-0000-000000000000"
[auth]
method = "token"
token_env = "T"
[[pool]]
name = "a"
min = 1
max = 8
lease = "20m"
on_exit = "stop"
"#;

/// A service that answers a request once it has a permit, and says which were sent.
struct Gated {
    permits: Semaphore,
    sent: Mutex<Vec<(Operation, SessionId)>>,
    /// As many permits as stops were sent.
    stops: Semaphore,
}

impl Gated {
    fn closed() -> Self {
        Self {
            permits: Semaphore::new(0),
            sent: Mutex::default(),
            stops: Semaphore::new(0),
        }
    }

    fn sent(&self) -> Vec<Operation> {
        let sent = self.sent.lock().expect("no panic");
        sent.iter().map(|(operation, _)| *operation).collect()
    }

    async fn answer(
        &self,
        operation: Operation,
        id: &SessionId,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        let sent = SystemClock::new().now();
        let request = (operation, id.clone());
        self.sent.lock().expect("no panic").push(request);
        if operation == Operation::Stop {
            self.stops.add_permits(1);
        }
        self.permits.acquire().await.expect("open").forget();
        Ok(SessionReading {
            sent,
            received: SystemClock::new().now(),
            session: Session {
                id: id.clone(),
                region: None,
                size: Size::Premium,
                status: Status::Ready,
                max_lease: lease,
                elapsed: Minutes::ZERO,
                created: None,
                address: None,
                teraflops: None,
                error: None,
            },
        })
    }
}

impl Service for Gated {
    async fn create(
        &self,
        _: Option<&Region>,
        id: &SessionId,
        _: &Size,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        self.answer(Operation::Create, id, lease).await
    }

    async fn get(
        &self,
        _: Option<&Region>,
        id: &SessionId,
    ) -> Result<SessionReading, ServiceError> {
        self.answer(Operation::Get, id, Minutes::new(20)).await
    }

    async fn list(&self) -> Result<Listing, ServiceError> {
        Err(ServiceError {
            operation: Operation::List,
            session: None,
            kind: FailureKind::Garbled,
            detail: "nobody lists in these tests".into(),
            hint: None,
            source: None,
            request_id: None,
        })
    }

    async fn extend(
        &self,
        _: Option<&Region>,
        id: &SessionId,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        self.answer(Operation::Extend, id, lease).await
    }

    async fn stop(&self, _: Option<&Region>, id: &SessionId) -> Result<(), ServiceError> {
        let stopped = self.answer(Operation::Stop, id, Minutes::ZERO).await;
        stopped.map(|_| ())
    }
}

/// A daemon whose ledger is a file, with sessions that are Ready.
fn daemon(path: &Path, sessions: u32) -> Shared {
    let clock = Arc::new(SystemClock::new());
    let now = clock.now();
    let policy = load("policy.toml", POLICY).expect("a policy").policy;
    let ledger = Ledger::open(path, FRESH).expect("opens");
    let mut keeper = KeeperState::new(owner(), FRESH.seed, LIMITS);
    for ordinal in 0..sessions {
        let mut ready = intent(&format!("studio7-a-{ordinal}-x"), "a/0", now);
        ready.slot.ordinal = ordinal;
        ready.status = Status::Ready;
        ready.granted = Minutes::new(20);
        keeper.sessions.insert(ready.id.clone(), ready);
    }
    let ledger = LedgerHandle::spawn(ledger, owner()).expect("starts");
    let endpoint = "https://service.example".into();
    let state = DaemonState::new(Arc::new(policy), keeper, ledger, endpoint, now);
    Shared::new(state, clock)
}

fn is_waiting(future: Pin<&mut impl Future>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_pending()
}

/// Has the intent of an action written, and carries it out.
async fn carry_out(shared: &Shared, service: &Gated, action: Action) -> Executed {
    let intents = {
        let mut state = shared.lock();
        let now = shared.clock.now();
        let policy = state.policy.clone();
        let events = state.keeper.start_action(now, &policy, &action);
        state.persist(now, events)
    };
    execute(shared, service, vec![action], intents).await
}

#[tokio::test]
async fn a_slow_disk_holds_up_a_create_and_neither_renewals_heartbeats_stops_nor_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.sqlite");
    let shared = daemon(&path, 2);
    let service = Gated::closed();
    let (id, place) = (session("studio7-a-0-x"), slot("a/0"));
    let extend = Action::Extend {
        slot: place.clone(),
        id: id.clone(),
        from: Minutes::new(20),
        to: Minutes::new(30),
        why: Reason::LeaseHalfSpent {
            left: Span::minutes(10),
            lease: Minutes::new(20),
        },
    };
    // Its intent is acknowledged and its request is under way when the disk becomes slow.
    let mut renewal = std::pin::pin!(carry_out(&shared, &service, extend));
    assert!(is_waiting(renewal.as_mut()));
    let ledger = shared.lock().ledger.clone();
    let now = shared.clock.now();
    ledger.retry(now).acknowledged().await.expect("written");
    assert!(is_waiting(renewal.as_mut()));
    assert_eq!(service.sent(), [Operation::Extend]);

    let slow = Connection::open(&path).expect("opens");
    slow.execute_batch("BEGIN IMMEDIATE").expect("begins");
    let create = Action::Create {
        slot: slot("a/2"),
        id: session("studio7-a-2-x"),
        region: None,
        size: Size::Premium,
        lease: Minutes::new(20),
        why: Reason::Requested,
    };
    let stop = Action::Stop {
        slot: slot("a/1"),
        id: session("studio7-a-1-x"),
        why: Reason::Requested,
    };
    let mut creation = std::pin::pin!(carry_out(&shared, &service, create));
    assert!(is_waiting(creation.as_mut()));
    service.permits.add_permits(2);
    let done = Executed {
        actions: 1,
        failed: 0,
    };
    assert_eq!(carry_out(&shared, &service, stop).await, done);
    assert_eq!(renewal.await, done);
    assert_eq!(shared.lock().keeper.sessions[&id].granted, Minutes::new(30));
    let target = Target::Session(id);
    let touched = shared.grant(|keeper, now, policy| Ok(((), keeper.touch(now, policy, &target)?)));
    touched.await.expect("granted");
    let read = ledger.read(|ledger| ledger.events(&EventFilter::All, 9));
    assert!(!read.await.expect("reads").is_empty());
    assert!(is_waiting(creation.as_mut()));
    assert_eq!(service.sent(), [Operation::Extend, Operation::Stop]);

    drop(slow);
    service.permits.add_permits(1);
    assert_eq!(creation.await, done);
    assert_eq!(service.sent().last(), Some(&Operation::Create));
}

#[tokio::test]
async fn a_ledger_that_refuses_writes_keeps_creates_from_being_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let shared = daemon(&folder.path().join("ledger.sqlite"), 0);
    let service = Gated::closed();
    service.permits.add_permits(9);
    let ledger = shared.lock().ledger.clone();
    ledger.close().await;
    let create = Action::Create {
        slot: slot("a/0"),
        id: session("studio7-a-0-x"),
        region: None,
        size: Size::Premium,
        lease: Minutes::new(20),
        why: Reason::Requested,
    };
    let executed = carry_out(&shared, &service, create).await;
    assert_eq!((executed, service.sent()), (Executed::default(), vec![]));
}

#[tokio::test]
async fn six_sessions_on_a_service_that_hangs_are_asked_to_stop_together_and_the_end_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let shared = daemon(&folder.path().join("ledger.sqlite"), 6);
    let service = Gated::closed();
    // The deadline passes once every stop is under way.
    let pause = async |length: Span| {
        assert!(Span::seconds(39) < length && length <= Span::seconds(40));
        service.stops.acquire_many(6).await.expect("open").forget();
    };
    let deadline = Deadline::of_an_end_asked_at(shared.clock.now());
    shutdown(&shared, &service, deadline, pause).await;
    assert_eq!(service.sent(), [Operation::Stop; 6]);
    let ledger = shared.lock().ledger.clone();
    ledger.close().await;
    let written = Ledger::open_read_only(&folder.path().join("ledger.sqlite")).expect("opens");
    let now: Timestamp = shared.clock.now();
    let kept = written
        .load(&owner(), chrono_tz::UTC, LIMITS, now)
        .expect("loads");
    assert_eq!(kept.sessions.len(), 6);
    assert!(kept.sessions.values().all(|known| known.stop.is_some()));
    let stopping = |e: &crate::keeper::Event| matches!(e.what, EventKind::Stopping { .. });
    let events = written.events(&EventFilter::All, 99).expect("reads");
    assert_eq!(events.iter().filter(|e| stopping(e)).count(), 6);
}
