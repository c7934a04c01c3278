//! What the loop and the control API share: policy, the keeper's state and a handle to the ledger,
//! behind one lock that is never held across a wait.
//!
//! Every change of the keeper's state leaves through [`DaemonState::persist`], which hands it to
//! the ledger together with its events, for one transaction. Whoever needs it to be durable waits
//! for that without the lock. Nothing is logged from under the lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::activity::ActivityBoard;
use crate::clock::Clock;
use crate::keeper::{Event, KeeperState, LeftBehind, Plan, Refusal};
use crate::ledger::{LedgerError, LedgerHandle, PendingWrite};
use crate::policy::Policy;
use crate::units::Timestamp;

use super::review::ReloadRequest;

/// What the loop and the control API share.
pub struct Shared {
    state: Mutex<DaemonState>,
    /// The daemon's clock.
    pub clock: Arc<dyn Clock>,
    /// Who is watched for use, and what was seen last.
    pub activity: Arc<ActivityBoard>,
    /// Told after each pass: whoever watches over something else looks at it then.
    pub pass_ended: Arc<Notify>,
    /// Told of each answer of the service: a pass that is under way gets on.
    pub turned: Notify,
    /// Wakes the loop for a pass; a wake carries nothing, the pass reads the world afresh.
    pub wake: Notify,
    /// Requests to read the policy again, which the loop carries out between passes; `None` once it
    /// has ended.
    reloads: Mutex<Option<Vec<ReloadRequest>>>,
}

/// Policy, the keeper's state and the ledger, and what the last pass came to.
pub struct DaemonState {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// What the keeper knows.
    pub keeper: KeeperState,
    /// The durable record.
    pub ledger: LedgerHandle,
    /// The plan of the last pass.
    pub plan: Option<Plan>,
    /// When the last pass ended.
    pub passed: Option<Timestamp>,
    /// What keeps the service from answering, since the last pass that met it.
    pub trouble: Option<String>,
    /// Why the policy that was read last is not the one in force.
    pub refused_policy: Option<String>,
    /// Where the session service is, for people.
    pub endpoint: String,
    /// When the daemon started.
    pub started: Timestamp,
    /// Since when the ledger knows what was spent, where it has lost what was before.
    pub spend_lost_before: Option<Timestamp>,
    /// When the ledger was made, where it is new and no list has told yet whether there were
    /// sessions before it.
    pub new_ledger: Option<Timestamp>,
}

/// Why a wish was not granted; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// It cannot be granted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is of no use while the ledger takes no writes.
    #[error(transparent)]
    Ledger(#[from] Arc<LedgerError>),
}

/// A wish that was granted.
#[derive(Debug)]
pub struct Granted<T> {
    /// What it came to.
    pub answer: T,
    /// Why it is in memory only, where the ledger could not write it yet: the next write takes it
    /// along, and a crash before that forgets it.
    pub unwritten: Option<Arc<LedgerError>>,
}

impl Shared {
    /// Shares a state.
    pub fn new(state: DaemonState, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(state),
            clock,
            activity: Arc::default(),
            pass_ended: Arc::default(),
            turned: Notify::new(),
            wake: Notify::new(),
            reloads: Mutex::new(Some(Vec::new())),
        }
    }

    /// Asks the loop to read the policy again. What becomes of it is told once the pass that is
    /// under way has ended; nothing is told where the loop ends before.
    pub fn ask_to_reload(&self, request: ReloadRequest) {
        if let Some(waiting) = &mut *self.reloads() {
            waiting.push(request);
            self.wake.notify_one();
        }
    }

    /// The requests to read the policy again that have come in since the last call.
    pub(super) fn take_reloads(&self) -> Vec<ReloadRequest> {
        self.reloads()
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Lets go of whoever waits for a reload; the loop has ended.
    pub(super) fn end_reloads(&self) {
        *self.reloads() = None;
    }

    fn reloads(&self) -> MutexGuard<'_, Option<Vec<ReloadRequest>>> {
        // As in `lock`.
        self.reloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for as long as no wait is in between.
    pub fn lock(&self) -> MutexGuard<'_, DaemonState> {
        // A panic ends the process (`panic = "abort"`), so a poisoned lock is only met in tests,
        // where its value is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants a wish of a person or a client: changes the keeper's state, wakes the loop where a
    /// pass has something to act on, and waits until the ledger has it.
    ///
    /// # Errors
    /// If the wish cannot be granted.
    pub async fn grant<T>(
        &self,
        wish: impl FnOnce(&mut KeeperState, Timestamp, &Policy) -> Result<(T, Vec<Event>), Refusal>,
    ) -> Result<Granted<T>, Refusal> {
        let now = self.clock.now();
        let (granted, wants_pass, write) = {
            let mut state = self.lock();
            let policy = state.policy.clone();
            let (granted, events) = wish(&mut state.keeper, now, &policy)?;
            let wants_pass = !events.is_empty() || state.keeper.wants_pass();
            let must_be_written = !events.is_empty() || state.keeper.must_be_written();
            let write = must_be_written.then(|| state.persist(now, events));
            (granted, wants_pass, write)
        };
        if wants_pass {
            self.wake.notify_one();
        }
        let unwritten = match write {
            Some(write) => write.acknowledged().await.err(),
            None => None,
        };
        Ok(Granted {
            answer: granted,
            unwritten,
        })
    }

    /// As [`Shared::grant`], for a wish that a session must be created or renewed for, which
    /// nothing is while the ledger takes no writes.
    ///
    /// # Errors
    /// If the wish cannot be granted, or the ledger is known to take no writes.
    pub async fn grant_session<T>(
        &self,
        wish: impl FnOnce(&mut KeeperState, Timestamp, &Policy) -> Result<(T, Vec<Event>), Refusal>,
    ) -> Result<Granted<T>, WishError> {
        if let Some(refusal) = self.lock().ledger.refusal() {
            return Err(refusal.into());
        }
        Ok(self.grant(wish).await?)
    }
}

impl DaemonState {
    /// A state before its first pass, with what the ledger remembers under the policy that is in
    /// force from now on.
    ///
    /// # Errors
    /// The sessions that live on a service that the policy does not name.
    pub fn start(
        policy: Arc<Policy>,
        mut keeper: KeeperState,
        ledger: LedgerHandle,
        endpoint: String,
        now: Timestamp,
    ) -> Result<Self, Vec<LeftBehind>> {
        let events = keeper.move_to(now, &policy)?;
        let mut state = Self::new(policy, keeper, ledger, endpoint, now);
        // The first pass's write comes after it.
        let _ = state.persist(now, events);
        Ok(state)
    }

    /// A state before its first pass.
    pub fn new(
        policy: Arc<Policy>,
        keeper: KeeperState,
        ledger: LedgerHandle,
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
            refused_policy: None,
            endpoint,
            started: now,
            spend_lost_before: None,
            new_ledger: None,
        }
    }

    /// Hands what has changed, and what happened, to the ledger. Returns at once; the write is
    /// carried out in its turn. What the ledger refuses goes with the next write.
    pub fn persist(&mut self, at: Timestamp, events: Vec<Event>) -> PendingWrite {
        self.ledger.submit(at, self.keeper.take_changes(), events)
    }
}
