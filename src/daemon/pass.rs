//! One pass: observe, plan, execute, record.
//!
//! Promises: an intent is in the ledger before its request is sent; one failed action never stops
//! the others; while the ledger cannot be written nothing is created or extended, but sessions are
//! still stopped; the lock is never held across a wait. Dropping a pass at any wait is as good as a
//! crash there, and loses nothing.

use futures_util::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::keeper::{
    Action, Event, EventKind, FailureKind, Listing, Observation, Plan, RequestFailure,
    SessionQuery, SessionReading, audit, plan,
};
use crate::ledger::LedgerError;
use crate::service::{Service, ServiceError};
use crate::units::{SessionId, Span, Timestamp};

use super::shared::{DaemonState, Shared};

/// How many requests to the service are under way at once.
const CONCURRENT_REQUESTS: usize = 8;
/// Two passes do not follow each other faster than this.
const SHORTEST_PAUSE: Span = Span::seconds(1);
/// Nor than this while the ledger cannot be written.
const PAUSE_UNWRITTEN: Span = Span::seconds(10);

/// What a pass came to.
#[derive(Debug)]
pub struct Passed {
    /// When the next one is due.
    pub next: Timestamp,
    /// When the next one is due at the latest if the service has no news and nobody asks for
    /// anything.
    pub due: Option<Timestamp>,
    /// How many actions were carried out.
    pub actions: usize,
    /// What was wrong with the service, where it could not be listed.
    pub service: Option<ServiceError>,
    /// What was wrong with the ledger.
    pub ledger: Option<LedgerError>,
    /// How many actions failed.
    pub failed: usize,
}

/// Carries out one pass.
pub async fn pass<S: Service>(shared: &Shared, service: &S) -> Passed {
    resync_clock(shared);
    let sessions_to_get = |listing: Option<&Listing>| {
        let state = shared.lock();
        state
            .keeper
            .sessions_to_get(listing, state.policy.reconcile.interval)
    };
    let (observation, trouble) = observe(service, &*shared.clock, sessions_to_get).await;
    let (actions, ledger) = decide(shared, &observation, trouble.as_ref());
    let count = actions.len();
    let mut outcomes = stream::iter(actions)
        .map(|action| execute(shared, service, action))
        .buffer_unordered(CONCURRENT_REQUESTS)
        .ready_chunks(CONCURRENT_REQUESTS);
    let (mut failed, mut ledger) = (0, ledger);
    while let Some(together) = outcomes.next().await {
        failed += together.iter().filter(|o| o.failed).count();
        ledger = ledger.or(persist_outcomes(shared, together));
    }
    let (next, due) = conclude(
        shared,
        if ledger.is_some() {
            PAUSE_UNWRITTEN
        } else {
            SHORTEST_PAUSE
        },
    );
    Passed {
        next,
        due,
        actions: count,
        service: trouble,
        ledger,
        failed,
    }
}

/// Moves memory along where the line of time was moved.
fn resync_clock(shared: &Shared) {
    if let Some(step) = shared.clock.resync() {
        tracing::warn!(
            "the wall clock was moved by {step}, or the machine slept; measuring every lease afresh"
        );
        shared.lock().keeper.clock_stepped(step);
    }
}

/// Lists, and asks for what the list does not tell: the sessions that `looks` names. Also says what
/// kept the service from listing.
pub async fn observe<S: Service>(
    service: &S,
    clock: &dyn Clock,
    sessions_to_get: impl FnOnce(Option<&Listing>) -> Vec<SessionQuery>,
) -> (Observation, Option<ServiceError>) {
    let (listing, trouble) = match service.list().await {
        Ok(listing) => (Some(listing), None),
        Err(error) => (None, Some(error)),
    };
    let asked: Vec<(SessionId, Timestamp, Result<SessionReading, ServiceError>)> =
        stream::iter(sessions_to_get(listing.as_ref()))
            .map(|look| async move {
                let asked = clock.now();
                let result = service.get(look.region.as_ref(), &look.id).await;
                (look.id, asked, result)
            })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .collect()
            .await;
    let mut observation = Observation {
        listing,
        ..Observation::default()
    };
    for (id, asked, result) in asked {
        match result {
            Ok(answer) => observation.readings.push(answer),
            Err(error) if error.kind == FailureKind::NotFound => {
                observation.unknown.push((id, asked));
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
    observation.unknown.sort();
    (observation, trouble)
}

/// Absorbs what was read, plans, and writes the intents. What the audit or a refusing ledger
/// forbids is left out.
fn decide(
    shared: &Shared,
    observation: &Observation,
    trouble: Option<&ServiceError>,
) -> (Vec<Action>, Option<LedgerError>) {
    let now = shared.clock.now();
    let mut state = shared.lock();
    // A create that was not recorded must not be sent: after a crash nobody would know of it.
    let mut refused = state.catch_up(now).err();
    log_trouble(&mut state, trouble, observation.listing.as_ref());
    let policy = state.policy.clone();
    let mut events = state.keeper.apply_observation(now, &policy, observation);
    let planned = plan(now, &policy, &state.keeper);
    let violations = audit(&policy, &state.keeper, &planned);
    events.extend(violations.iter().map(|v| Event {
        at: now,
        slot: None,
        session: Some(v.session.clone()),
        what: EventKind::AuditFailed {
            message: v.to_string(),
        },
    }));
    events.extend(state.keeper.apply_plan(&policy, &planned));
    let sound = |a: &Action| !violations.iter().any(|v| v.session == *a.session());
    let allowed = |a: &&Action| sound(a) && (refused.is_none() || is_stop(a));
    let mut actions: Vec<Action> = planned.actions.iter().filter(allowed).cloned().collect();
    for action in &actions {
        events.extend(state.keeper.start_action(now, action));
    }
    state.plan = Some(planned);
    if let Err(error) = state.persist(now, events) {
        actions.retain(is_stop);
        refused.get_or_insert(error);
    }
    (actions, refused)
}

const fn is_stop(action: &Action) -> bool {
    matches!(action, Action::Stop { .. })
}

/// Says once that the service, or a region of it, has stopped answering, and once that it answers
/// again.
fn log_trouble(state: &mut DaemonState, trouble: Option<&ServiceError>, listing: Option<&Listing>) {
    let answered = state.keeper.fresh;
    match trouble {
        Some(error) if answered || state.trouble.is_none() => {
            tracing::warn!("{error}; leases are kept from memory, nothing new is created");
        }
        None if !answered && state.trouble.is_some() => tracing::info!("the service answers again"),
        _ => {}
    }
    let (unreachable, before) = (
        listing.map(|l| &l.unreachable),
        &state.keeper.unreachable_regions,
    );
    for (region, why) in unreachable
        .into_iter()
        .flatten()
        .filter(|(r, _)| !before.contains(*r))
    {
        tracing::warn!(
            "{region}: {why}; its leases are kept from memory, nothing new is created there"
        );
    }
    for region in before
        .iter()
        .filter(|r| listing.is_some_and(|l| l.listed.contains(*r)))
    {
        tracing::info!("{region}: it answers again");
    }
    let of_regions: Vec<String> = unreachable
        .into_iter()
        .flatten()
        .map(|(region, why)| format!("{region}: {why}"))
        .collect();
    let of_regions = (!of_regions.is_empty()).then(|| of_regions.join("; "));
    state.trouble = trouble.map(ToString::to_string).or(of_regions);
}

/// What became of an action; memory knows it already.
struct ActionOutcome {
    failed: bool,
    events: Vec<Event>,
}

/// Writes what became of actions whose answers came together.
fn persist_outcomes(shared: &Shared, outcomes: Vec<ActionOutcome>) -> Option<LedgerError> {
    let now = shared.clock.now();
    let events = outcomes.into_iter().flat_map(|o| o.events).collect();
    shared.lock().persist(now, events).err()
}

async fn execute<S: Service>(shared: &Shared, service: &S, action: Action) -> ActionOutcome {
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
        message: e.to_string(),
    });
    let now = shared.clock.now();
    let mut state = shared.lock();
    let policy = state.policy.clone();
    let events = state.keeper.finish_action(now, &policy, &action, &result);
    ActionOutcome {
        failed: result.is_err(),
        events,
    }
}

/// When to look again, now that the outcomes are known; also if there is no news. A plan that asked
/// for nothing has changed nothing.
fn conclude(shared: &Shared, pause: Span) -> (Timestamp, Option<Timestamp>) {
    let now = shared.clock.now();
    let mut state = shared.lock();
    state.passed = Some(now);
    let still_true = |p: &&Plan| p.actions.is_empty() && p.abandon.is_empty();
    let (next, due) = match state.plan.as_ref().filter(still_true) {
        Some(plan) => (plan.next_wake, plan.next_due),
        None => {
            let again = plan(now, &state.policy, &state.keeper);
            if again.actions.is_empty() {
                (again.next_wake, again.next_due)
            } else {
                (now, Some(now))
            }
        }
    };
    let soonest = now + pause;
    (next.max(soonest), due.map(|at| at.max(soonest)))
}
