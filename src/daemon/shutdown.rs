//! The end of the daemon: what is stopped, and what is left running until when.

use std::collections::BTreeSet;

use crate::keeper::{
    Action, FailureKind, LeaseClock, ManagedSession, Observation, Period, PeriodKind, Reason,
    RequestFailure,
};
use crate::policy::{Location, OnExit, Policy};
use crate::service::Service;
use crate::units::{SessionId, Span, Timestamp};

use super::shared::{DaemonState, Shared};

/// How long the end waits for the service to report that the sessions it stopped have ended.
const VERIFY_TIMEOUT: Span = Span::seconds(20);
/// The pause between two looks at sessions that are to end.
const LOOK_AGAIN: Span = Span::seconds(1);

/// Stops the sessions of pools that say `on_exit = "stop"`, and all of the embedded service, waits
/// for their verified end, and logs what is left. `pause` lets so much time pass.
pub async fn shutdown<S, F>(shared: &Shared, service: &S, pause: impl Fn(Span) -> F)
where
    S: Service,
    F: Future<Output = ()>,
{
    let stopping = stop_exiting(shared, service).await;
    verify(shared, service, stopping, pause).await;
    log_what_is_left(shared);
}

/// What becomes of a session at the end. The embedded service's servers end with the process
/// whatever the pool says, so their sessions are stopped while the service can still tell their
/// final account.
fn on_exit(policy: &Policy, known: &ManagedSession) -> OnExit {
    if matches!(policy.service.location, Location::Embedded(_)) {
        return OnExit::Stop;
    }
    policy
        .pools
        .iter()
        .find(|p| p.name == known.slot.pool)
        .map_or(OnExit::Leave, |p| p.on_exit)
}

async fn stop_exiting<S: Service>(shared: &Shared, service: &S) -> BTreeSet<SessionId> {
    let actions: Vec<Action> = {
        let mut state = shared.lock();
        let (policy, now) = (state.policy.clone(), shared.clock.now());
        let ending = state
            .keeper
            .sessions
            .values()
            .filter(|k| on_exit(&policy, k) == OnExit::Stop);
        let actions: Vec<Action> = ending
            .map(|k| Action::Stop {
                slot: k.slot.clone(),
                id: k.id.clone(),
                why: Reason::Exit,
            })
            .collect();
        let events = actions
            .iter()
            .flat_map(|a| state.keeper.start_action(now, a))
            .collect();
        if let Err(error) = state.persist(now, events) {
            tracing::error!("{error}");
        }
        actions
    };
    for action in &actions {
        let region = shared.lock().keeper.region_of(action.session());
        let result = service
            .stop(region.as_ref(), action.session())
            .await
            .map(|()| None);
        let result = result.map_err(|e| RequestFailure {
            kind: e.kind.clone(),
            message: e.to_string(),
        });
        let mut state = shared.lock();
        let (policy, now) = (state.policy.clone(), shared.clock.now());
        let events = state.keeper.finish_action(now, &policy, action, &result);
        if let Err(error) = state.persist(now, events) {
            tracing::error!("{error}");
        }
    }
    actions.iter().map(|a| a.session().clone()).collect()
}

async fn verify<S, F>(
    shared: &Shared,
    service: &S,
    mut ending: BTreeSet<SessionId>,
    pause: impl Fn(Span) -> F,
) where
    S: Service,
    F: Future<Output = ()>,
{
    let deadline = shared.clock.now() + VERIFY_TIMEOUT;
    while !ending.is_empty() && shared.clock.now() < deadline {
        let mut seen = Observation::default();
        for id in &ending {
            let asked = shared.clock.now();
            let region = shared.lock().keeper.region_of(id);
            match service.get(region.as_ref(), id).await {
                Ok(answer) => seen.readings.push(answer),
                Err(error) if error.kind == FailureKind::NotFound => {
                    seen.unknown.push((id.clone(), asked));
                }
                Err(error) => tracing::debug!("{error}"),
            }
        }
        {
            let mut state = shared.lock();
            let (policy, now) = (state.policy.clone(), shared.clock.now());
            let events = state.keeper.apply_observation(now, &policy, &seen);
            if let Err(error) = state.persist(now, events) {
                tracing::error!("{error}");
            }
            ending.retain(|id| state.keeper.sessions.contains_key(id));
        }
        if !ending.is_empty() {
            pause(LOOK_AGAIN).await;
        }
    }
}

/// The latest instant at which a session can still be alive if nobody touches it any more.
fn latest_end(policy: &Policy, known: &ManagedSession) -> Timestamp {
    let boot = policy
        .pools
        .iter()
        .find(|p| p.name == known.slot.pool)
        .map_or(Span::ZERO, |p| p.boot_timeout);
    known.clock.map_or(known.created + boot, LeaseClock::latest) + known.reserved.span()
}

fn log_what_is_left(shared: &Shared) {
    let state = shared.lock();
    if state.keeper.sessions.is_empty() {
        tracing::info!(
            "ended; nothing is left running{}",
            spent(shared.clock.now(), &state)
        );
        return;
    }
    for known in state.keeper.sessions.values() {
        let until = latest_end(&state.policy, known);
        let (slot, session) = (known.slot.to_string(), known.id.to_string());
        tracing::info!(
            slot,
            session,
            "{slot}: left running ({}); it ends by itself by {until} unless this daemon is back before",
            known.status
        );
    }
    tracing::info!(
        "ended; {} left running{}",
        state.keeper.sessions.len(),
        spent(shared.clock.now(), &state)
    );
}

/// What sessions that ended have cost this month, where anything has a price.
fn spent(now: Timestamp, state: &DaemonState) -> String {
    let prices = &state.policy.prices;
    if prices.standard.max(prices.premium).is_none() {
        return String::new();
    }
    let month = Period::containing(PeriodKind::Month, now, state.policy.time_zone);
    let total = state
        .keeper
        .spent
        .total(PeriodKind::Month, month.start)
        .to_money();
    format!("; {total} {} spent this month", prices.currency)
}
