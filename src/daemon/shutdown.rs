//! The end of the daemon: what is stopped, and what is left running until when.
//!
//! Promises: all stops are asked for together, and a service that hangs keeps the daemon from
//! ending no longer than it is given.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};

use crate::keeper::{Action, FailureKind, ManagedSession, Observation, Period, PeriodKind, Reason};
use crate::ledger::PendingWrite;
use crate::policy::{Location, OnExit, Policy};
use crate::report::line;
use crate::service::Service;
use crate::units::{SessionId, Span, Timestamp};

use super::deadline::Deadline;
use super::executor::{CONCURRENT_REQUESTS, execute};
use super::shared::{DaemonState, Shared};

/// The pause between two looks at sessions that are to end.
const LOOK_AGAIN: Span = Span::seconds(1);

/// Stops the sessions of pools that say `on_exit = "stop"`, and all of the embedded service, and
/// waits for their verified end, no longer than the deadline leaves for all of it. `pause` lets so
/// much time pass.
pub async fn shutdown<S, F>(
    shared: &Shared,
    service: &S,
    deadline: Deadline,
    pause: impl Fn(Span) -> F,
) where
    S: Service,
    F: Future<Output = ()>,
{
    let Some((actions, intents)) = stops(shared) else {
        return;
    };
    let ending = actions.iter().map(|a| a.session().clone()).collect();
    let stopped = async {
        execute(shared, service, actions, intents).await;
        verify(shared, service, ending, &pause).await;
    };
    let left = deadline.for_the_stops(shared.clock.now());
    let (stopped, deadline) = (pin!(stopped), pin!(pause(left)));
    if let Either::Right(_) = select(stopped, deadline).await {
        tracing::warn!("the service did not confirm every stop in time; the ledger knows which");
    }
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

/// The stops that the end asks for, and the write that records them; `None` where there are none.
fn stops(shared: &Shared) -> Option<(Vec<Action>, PendingWrite)> {
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
    if actions.is_empty() {
        return None;
    }
    let events = actions
        .iter()
        .flat_map(|a| state.keeper.start_action(now, &policy, a))
        .collect();
    let intents = state.persist(now, events);
    Some((actions, intents))
}

/// Asks for sessions again and again until all of them have ended.
async fn verify<S, F>(
    shared: &Shared,
    service: &S,
    mut ending: BTreeSet<SessionId>,
    pause: impl Fn(Span) -> F,
) where
    S: Service,
    F: Future<Output = ()>,
{
    while !ending.is_empty() {
        let seen = look_at(shared, service, &ending).await;
        {
            let mut state = shared.lock();
            let (policy, now) = (state.policy.clone(), shared.clock.now());
            let events = state.keeper.apply_observation(now, &policy, &seen);
            // The ledger's last write, when it is closed, waits for it.
            let _ = state.persist(now, events);
            ending.retain(|id| state.keeper.sessions.contains_key(id));
        }
        if !ending.is_empty() {
            pause(LOOK_AGAIN).await;
        }
    }
}

/// What the service says of sessions, all asked for together.
async fn look_at<S: Service>(
    shared: &Shared,
    service: &S,
    ending: &BTreeSet<SessionId>,
) -> Observation {
    let mut answers = stream::iter(ending.clone())
        .map(|id| async move {
            let asked = shared.clock.now();
            let region = shared.lock().keeper.region_of(&id);
            let result = service.get(region.as_ref(), &id).await;
            (id, asked, result)
        })
        .buffer_unordered(CONCURRENT_REQUESTS);
    let mut seen = Observation::default();
    while let Some((id, asked, result)) = answers.next().await {
        match result {
            Ok(answer) => seen.readings.push(answer),
            Err(error) if error.kind == FailureKind::NotFound => {
                seen.unknown.push((id, asked));
            }
            Err(error) => tracing::debug!("{}", line(&error)),
        }
    }
    seen.unknown.sort();
    seen
}

/// The latest instant at which a session can still be alive if nobody touches it any more.
fn latest_end(policy: &Policy, known: &ManagedSession) -> Timestamp {
    let boot = policy
        .pools
        .iter()
        .find(|p| p.name == known.slot.pool)
        .map_or(Span::ZERO, |p| p.boot_timeout);
    known.latest_end(boot)
}

/// Logs what is left running and until when, and what was spent.
pub fn log_what_is_left(shared: &Shared) {
    let (lines, spent) = {
        let state = shared.lock();
        let lines: Vec<_> = state
            .keeper
            .sessions
            .values()
            .map(|k| {
                let until = latest_end(&state.policy, k);
                (
                    k.slot.to_string(),
                    k.id.to_string(),
                    k.status.clone(),
                    until,
                )
            })
            .collect();
        (lines, spent(shared.clock.now(), &state))
    };
    for (slot, session, status, until) in &lines {
        tracing::info!(
            slot,
            session,
            "{slot}: left running ({status}); it ends by itself by {until} unless this daemon is \
             back before"
        );
    }
    match lines.len() {
        0 => tracing::info!("ended; nothing is left running{spent}"),
        left => tracing::info!("ended; {left} left running{spent}"),
    }
}

/// What sessions that ended have cost this month, where anything has a price.
fn spent(now: Timestamp, state: &DaemonState) -> String {
    let prices = &state.policy.prices;
    let month = Period::containing(PeriodKind::Month, now, state.policy.time_zone);
    let total = state.keeper.spent.total(PeriodKind::Month, month.start);
    let shown = |total| format!("; {total} {} spent this month", prices.currency);
    prices.money(total).map(shown).unwrap_or_default()
}
