//! One pass: observe, plan, execute, record.
//!
//! Promises: an intent is in the ledger before its request is sent; one failed action never stops
//! the others; while the ledger cannot be written nothing is created or extended, but sessions are
//! still stopped; the lock is never held across a wait, nor while a line is logged. A pass that has
//! nothing to create or extend never waits for a disk, and none waits for an activity source.
//! Dropping a pass at any wait is as good as a crash there, and loses nothing.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::keeper::{
    Action, Event, EventKind, FailureKind, Level, Listing, Observation, Plan, SessionQuery,
    SessionReading, audit, plan,
};
use crate::ledger::{LedgerError, PendingWrite};
use crate::report::line;
use crate::service::{Service, ServiceError};
use crate::units::{SessionId, Span, Timestamp};

use super::activity::assignments;
use super::executor::{CONCURRENT_REQUESTS, execute, is_stop};
use super::shared::{DaemonState, Shared};

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
    pub ledger: Option<Arc<LedgerError>>,
    /// How many actions failed.
    pub failed: usize,
}

/// Carries out one pass.
pub async fn pass<S: Service>(shared: &Shared, service: &S) -> Passed {
    resync_clock(shared);
    let sessions_to_get = |listing: Option<&Listing>| {
        shared.turned.notify_one();
        let state = shared.lock();
        state
            .keeper
            .sessions_to_get(listing, state.policy.reconcile.interval)
    };
    let (observation, trouble) = observe(service, &*shared.clock, sessions_to_get, || {
        shared.turned.notify_one();
    })
    .await;
    let Decided {
        actions,
        intents,
        refused,
        notices,
    } = decide(shared, &observation, trouble.as_ref());
    notices.iter().for_each(Notice::log);
    let executed = execute(shared, service, actions, intents).await;
    let ledger = refused.or_else(|| shared.lock().ledger.refusal());
    let pause = match ledger {
        Some(_) => PAUSE_UNWRITTEN,
        None => SHORTEST_PAUSE,
    };
    let (next, due) = conclude(shared, pause);
    Passed {
        next,
        due,
        actions: executed.actions,
        service: trouble,
        ledger,
        failed: executed.failed,
    }
}

/// Moves the keeper's state along where the line of time was moved.
fn resync_clock(shared: &Shared) {
    if let Some(step) = shared.clock.resync() {
        tracing::warn!(
            "the wall clock was moved by {step}, or the machine slept; measuring every lease afresh"
        );
        // What sources saw stands on the line as it was.
        shared.activity.clear();
        shared.lock().keeper.clock_stepped(step);
    }
}

/// Lists, and asks for what the list does not say: the sessions that `sessions_to_get` names.
/// Tells `answered` of each answer about one. Also says what kept the service from listing.
pub async fn observe<S: Service>(
    service: &S,
    clock: &dyn Clock,
    sessions_to_get: impl FnOnce(Option<&Listing>) -> Vec<SessionQuery>,
    answered: impl Fn(),
) -> (Observation, Option<ServiceError>) {
    let (listing, trouble) = match service.list().await {
        Ok(listing) => (Some(listing), None),
        Err(error) => (None, Some(error)),
    };
    let asked: Vec<(SessionId, Timestamp, Result<SessionReading, ServiceError>)> =
        stream::iter(sessions_to_get(listing.as_ref()))
            .map(|query| async move {
                let asked = clock.now();
                let result = service.get(query.region.as_ref(), &query.id).await;
                (query.id, asked, result)
            })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .inspect(|_| answered())
            .collect()
            .await;
    let mut observation = Observation {
        listing,
        unlisted: trouble.as_ref().map(ServiceError::said),
        ..Observation::default()
    };
    for (id, asked, result) in asked {
        match result {
            Ok(answer) => observation.readings.push(answer),
            Err(error) if error.kind == FailureKind::NotFound => {
                observation.unknown.push((id, asked));
            }
            Err(error) => tracing::debug!("{}", line(&error)),
        }
    }
    observation.unknown.sort();
    (observation, trouble)
}

/// What a pass has decided.
struct Decided {
    actions: Vec<Action>,
    /// The write that records the actions' intents.
    intents: PendingWrite,
    /// Why nothing was to be created or extended.
    refused: Option<Arc<LedgerError>>,
    notices: Vec<Notice>,
}

/// Takes in what was read, plans, and has the intents written. What the audit or a refusing ledger
/// forbids is left out.
fn decide(shared: &Shared, observation: &Observation, trouble: Option<&ServiceError>) -> Decided {
    let now = shared.clock.now();
    let mut state = shared.lock();
    if state.ledger.refusal().is_some() {
        // Where this succeeds at once, this pass goes on as any other; else the next one does.
        let _ = state.ledger.retry(now);
    }
    // A create that was not recorded must not be sent: after a crash nobody would know of it.
    let refused = state.ledger.refusal();
    let mut notices = notices(&state, trouble, observation.listing.as_ref());
    state.trouble = describe(trouble, observation.listing.as_ref());
    let policy = state.policy.clone();
    let mut events = state.keeper.apply_observation(now, &policy, observation);
    notices.extend(state.notice_new_ledger(observation.listing.is_some(), &events));
    let seen = shared.activity.readings();
    events.extend(state.keeper.apply_activity(now, &policy, &seen));
    events.extend(state.keeper.end_lapsed(now, &policy));
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
    let actions: Vec<Action> = planned.actions.iter().filter(allowed).cloned().collect();
    for action in &actions {
        events.extend(state.keeper.start_action(now, &policy, action));
    }
    state.plan = Some(planned);
    let intents = state.persist(now, events);
    Decided {
        actions,
        intents,
        refused,
        notices,
    }
}

/// Something for the log that is no event.
struct Notice(Level, String);

impl Notice {
    fn log(&self) {
        match self.0 {
            Level::Info => tracing::info!("{}", self.1),
            Level::Warn => tracing::warn!("{}", self.1),
            Level::Error => tracing::error!("{}", self.1),
        }
    }
}

impl DaemonState {
    /// Says once that a new ledger has lost what was before, where the first list shows that there
    /// was something.
    fn notice_new_ledger(&mut self, listed: bool, events: &[Event]) -> Option<Notice> {
        let since = self.new_ledger.take_if(|_| listed)?;
        let adopted = events
            .iter()
            .filter(|event| matches!(event.what, EventKind::Adopted { .. }))
            .count();
        if adopted == 0 {
            return None;
        }
        self.spend_lost_before = Some(since);
        let are = if adopted == 1 {
            "session is"
        } else {
            "sessions are"
        };
        Some(Notice(
            Level::Error,
            format!(
                "the ledger is new, and {adopted} {are} older than it: what was spent before now \
                 is not known, and budgets begin at 0"
            ),
        ))
    }
}

/// Says once that the service, or a region of it, has stopped answering, and once that it answers
/// again.
fn notices(
    state: &DaemonState,
    trouble: Option<&ServiceError>,
    listing: Option<&Listing>,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let answered = state.keeper.fresh;
    match trouble {
        Some(error) if answered || state.trouble.is_none() => notices.push(Notice(
            Level::Warn,
            format!(
                "{}; leases are kept from memory, nothing new is created",
                line(error)
            ),
        )),
        None if !answered && state.trouble.is_some() => {
            notices.push(Notice(Level::Info, "the service answers again".into()));
        }
        _ => {}
    }
    let before = &state.keeper.unreachable_regions;
    let unreachable = listing.into_iter().flat_map(|l| &l.unreachable);
    for (region, why) in unreachable.filter(|(region, _)| !before.contains(*region)) {
        notices.push(Notice(
            Level::Warn,
            format!(
                "{region}: {why}; its leases are kept from memory, nothing new is created there"
            ),
        ));
    }
    for region in before
        .iter()
        .filter(|r| listing.is_some_and(|l| l.listed.contains(*r)))
    {
        notices.push(Notice(Level::Info, format!("{region}: it answers again")));
    }
    notices
}

/// What keeps the service, or regions of it, from answering.
fn describe(trouble: Option<&ServiceError>, listing: Option<&Listing>) -> Option<String> {
    let unreachable = listing.into_iter().flat_map(|l| &l.unreachable);
    let of_regions: Vec<String> = unreachable
        .map(|(region, why)| format!("{region}: {why}"))
        .collect();
    let of_regions = (!of_regions.is_empty()).then(|| of_regions.join("; "));
    trouble.map(|error| line(error)).or(of_regions)
}

/// When to look again, now that the outcomes are known; also if there is no news. A plan that asked
/// for nothing has changed nothing.
fn conclude(shared: &Shared, pause: Span) -> (Timestamp, Option<Timestamp>) {
    let now = shared.clock.now();
    let mut state = shared.lock();
    state.passed = Some(now);
    shared.activity.assign(assignments(&state));
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
    shared.pass_ended.notify_one();
    let soonest = now + pause;
    (next.max(soonest), due.map(|at| at.max(soonest)))
}
