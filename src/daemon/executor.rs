//! Carrying actions out: for a pass, and for the end of the daemon.
//!
//! Promises: an intent is in the ledger before its request is sent, so creates and extensions wait
//! for the write and are left out where the ledger refuses it; stops wait for nothing; one failed
//! action never holds up the others; what became of an action enters the keeper's state together
//! with its events, under one lock, and nobody waits for that write. Dropping an execution at any
//! wait is as good as a crash there, and loses nothing.

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use crate::keeper::{Action, RequestFailure, SessionReading};
use crate::ledger::PendingWrite;
use crate::report::line;
use crate::service::Service;

use super::shared::Shared;

/// How many requests to the service are under way at once.
pub(super) const CONCURRENT_REQUESTS: usize = 8;

/// What an execution came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Executed {
    /// How many actions were carried out.
    pub(super) actions: usize,
    /// How many of them failed.
    pub(super) failed: usize,
}

/// What the service said to an action.
type Answered = (Action, Result<Option<SessionReading>, RequestFailure>);

/// Whether an action needs no record of its intent: a stop that is repeated does no harm.
pub(super) const fn is_stop(action: &Action) -> bool {
    matches!(action, Action::Stop { .. })
}

/// Carries actions out. `intents` is the write that records them.
pub(super) async fn execute<S: Service>(
    shared: &Shared,
    service: &S,
    actions: Vec<Action>,
    intents: PendingWrite,
) -> Executed {
    let intents = intents.acknowledged().shared();
    let mut answers = stream::iter(actions)
        .map(|action| {
            let intents = intents.clone();
            async move {
                if !is_stop(&action) && intents.await.is_err() {
                    return None;
                }
                Some(send(shared, service, action).await)
            }
        })
        .buffer_unordered(CONCURRENT_REQUESTS)
        .filter_map(std::future::ready)
        .ready_chunks(CONCURRENT_REQUESTS);
    let mut executed = Executed::default();
    while let Some(together) = answers.next().await {
        shared.turned.notify_one();
        executed.actions += together.len();
        executed.failed += together.iter().filter(|(_, r)| r.is_err()).count();
        record(shared, &together);
    }
    executed
}

async fn send<S: Service>(shared: &Shared, service: &S, action: Action) -> Answered {
    // An intent knows its region too.
    let region = shared.lock().keeper.region_of(action.session());
    let region = region.as_ref();
    let result = match &action {
        Action::Create {
            id, size, lease, ..
        } => service.create(region, id, size, *lease).await.map(Some),
        Action::Extend { id, to, .. } => service.extend(region, id, *to).await.map(Some),
        Action::Stop { id, .. } => service.stop(region, id).await.map(|()| None),
    };
    let result = result.map_err(|e| RequestFailure {
        kind: e.kind.clone(),
        message: line(&e),
    });
    (action, result)
}

/// Records what became of actions whose answers came together.
fn record(shared: &Shared, answers: &[Answered]) {
    let now = shared.clock.now();
    let mut state = shared.lock();
    let policy = state.policy.clone();
    let events = answers
        .iter()
        .flat_map(|(action, result)| state.keeper.finish_action(now, &policy, action, result))
        .collect();
    // The next pass needs it no sooner than its own intents, which are written after it.
    let _ = state.persist(now, events);
}
