//! What the loop and the control API share: policy, memory and ledger behind one lock that is never
//! held across a wait.
//!
//! Every change of memory leaves through [`State::keep`], which logs its events and writes them
//! with the changes to the ledger in one transaction. Changes that could not be written are kept
//! and written with the next ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::keeper::{Changes, Event, KeeperState, Plan, Refusal};
use crate::ledger::{Ledger, LedgerError};
use crate::policy::Policy;
use crate::units::Timestamp;

use super::event_log::log_event;

/// What the loop and the control API share.
pub struct Shared {
    state: Mutex<DaemonState>,
    /// The daemon's clock.
    pub clock: Arc<dyn Clock>,
    /// Wakes the loop for a pass; a wake carries nothing, the pass reads the world afresh.
    pub wake: Notify,
}

/// Policy, memory and ledger, and what the last pass came to.
pub struct DaemonState {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// What the keeper remembers.
    pub keeper: KeeperState,
    /// The durable record.
    pub ledger: Ledger,
    /// The plan of the last pass.
    pub plan: Option<Plan>,
    /// When the last pass ended.
    pub passed: Option<Timestamp>,
    /// What keeps the service from answering, since the last pass that met it.
    pub trouble: Option<String>,
    /// Where the session service is, for people.
    pub endpoint: String,
    /// When the daemon started.
    pub started: Timestamp,
    /// What the ledger has not taken yet.
    unwritten: (Changes, Vec<Event>),
    /// Whether the last write was refused.
    refusing: bool,
    /// Who hears of events: the log, or the simulator.
    hears: Hears,
}

/// Whoever hears of events as they happen.
type Hears = Box<dyn FnMut(&Event) + Send>;

/// Why a wish was not granted.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// It cannot be granted; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is granted and noted, and the ledger could not write it yet.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// How many events that could not be written are kept; beyond that the ledger's disk has been full
/// for long and the oldest go.
const MOST_UNWRITTEN: usize = 10_000;

impl Shared {
    /// Shares a state.
    pub fn new(state: DaemonState, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(state),
            clock,
            wake: Notify::new(),
        }
    }

    /// The state, for as long as no wait is in between.
    pub fn lock(&self) -> MutexGuard<'_, DaemonState> {
        // A panic ends the process (`panic = "abort"`), so a poisoned lock is only met in tests,
        // where its value is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants a wish of a person or a client: changes memory, writes the ledger, and wakes the loop
    /// where a pass has something to act on.
    ///
    /// # Errors
    /// If the wish cannot be granted, or the ledger cannot be written.
    pub fn grant<T>(
        &self,
        wish: impl FnOnce(&mut KeeperState, Timestamp, &Policy) -> Result<(T, Vec<Event>), Refusal>,
    ) -> Result<T, WishError> {
        let now = self.clock.now();
        let (granted, wants_pass) = {
            let mut state = self.lock();
            let policy = state.policy.clone();
            let (granted, events) = wish(&mut state.keeper, now, &policy)?;
            let wants_pass = !events.is_empty() || state.keeper.wants_pass();
            if !events.is_empty() || state.keeper.must_be_written() {
                state.persist(now, events)?;
            }
            (granted, wants_pass)
        };
        if wants_pass {
            self.wake.notify_one();
        }
        Ok(granted)
    }

    /// Ends the sharing.
    pub fn into_state(self) -> DaemonState {
        self.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl DaemonState {
    /// The state of a daemon that starts, with what the ledger knows of its owner.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn resume(
        policy: Policy,
        ledger: Ledger,
        endpoint: String,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let keeper = ledger.load(&policy.owner, policy.time_zone, now)?;
        Ok(Self::new(Arc::new(policy), keeper, ledger, endpoint, now))
    }

    /// A state before its first pass.
    pub fn new(
        policy: Arc<Policy>,
        keeper: KeeperState,
        ledger: Ledger,
        endpoint: String,
        now: Timestamp,
    ) -> Self {
        Self {
            policy,
            keeper,
            ledger,
            plan: None,
            passed: None,
            trouble: None,
            endpoint,
            started: now,
            unwritten: Default::default(),
            refusing: false,
            hears: Box::new(log_event),
        }
    }

    /// Events are heard by `hears` from now on, and no longer logged.
    pub fn heard_by(&mut self, hears: impl FnMut(&Event) + Send + 'static) {
        self.hears = Box::new(hears);
    }

    /// Tells events, and writes them with everything that changed to the ledger.
    ///
    /// # Errors
    /// If the ledger refuses; the changes are then kept for the next call.
    pub fn persist(&mut self, at: Timestamp, events: Vec<Event>) -> Result<(), LedgerError> {
        for event in &events {
            (self.hears)(event);
        }
        self.unwritten.0.then(self.keeper.take_changes());
        self.unwritten.1.extend(events);
        self.catch_up(at)
    }

    /// Writes what the ledger has not taken yet. Says once that it refuses, and once that it takes
    /// writes again.
    ///
    /// # Errors
    /// If it still refuses.
    pub fn catch_up(&mut self, at: Timestamp) -> Result<(), LedgerError> {
        let (changes, events) = &mut self.unwritten;
        if let Err(error) = self.ledger.write(&self.keeper.owner, at, changes, events) {
            events.drain(..events.len().saturating_sub(MOST_UNWRITTEN));
            if !std::mem::replace(&mut self.refusing, true) {
                tracing::error!(
                    "{error}; nothing is created or extended until the ledger can be written"
                );
            }
            return Err(error);
        }
        if std::mem::take(&mut self.refusing) {
            tracing::info!(
                "the ledger can be written again, and knows everything that has happened since"
            );
        }
        self.unwritten = Default::default();
        Ok(())
    }
}
