//! Answers of the control API, built from the daemon's state by pure functions.

use crate::daemon::{DaemonState, Review};
use crate::keeper::{
    Action, Decision, HeldStop, KeeperState, ManagedSession, Plan, Reason, SlotPlan, exposure,
    held_stops, plan,
};
use crate::policy::{Policy, Pool};
use crate::report::line;
use crate::units::{Cost, SessionId, SlotId, Timestamp};

use super::activity::activity;
use super::api::{
    ActionKind, ActionView, BudgetView, CapView, ChangeView, ExposureView, HeldStopView, PlanView,
    ReloadReply, SlotDecision, SlotOutcome, SlotView, StatusView, WaitingView,
};
use super::links::LinkKey;

const fn decision_of(decision: Decision) -> SlotDecision {
    match decision {
        Decision::Create => SlotDecision::Create,
        Decision::Extend => SlotDecision::Extend,
        Decision::Stop => SlotDecision::Stop,
        Decision::Keep => SlotDecision::Keep,
        Decision::Park => SlotDecision::Parked,
        Decision::Empty => SlotDecision::Empty,
    }
}

/// What is, at `now`.
pub fn status(now: Timestamp, state: &DaemonState, links: &LinkKey) -> StatusView {
    let (policy, keeper) = (&state.policy, &state.keeper);
    let planned = plan(now, policy, keeper);
    let mut slots = Vec::new();
    for planned in &planned.slots {
        let mut sessions = keeper.in_slot(&planned.slot).peekable();
        if sessions.peek().is_none() && planned.decision == Decision::Empty {
            continue;
        }
        let mut row = |known: Option<&ManagedSession>| {
            slots.push(SlotView {
                warning: known.and_then(|k| links.warning(policy, k)),
                ..slot(
                    policy,
                    planned.slot.to_string(),
                    known,
                    planned.decision,
                    &planned.why,
                )
            });
        };
        if sessions.peek().is_none() {
            row(None);
        }
        sessions.for_each(|known| row(Some(known)));
    }
    StatusView {
        owner: policy.owner.to_string(),
        endpoint: state.endpoint.clone(),
        now,
        passed: state.passed,
        trouble: state.trouble.clone(),
        refused_policy: state.refused_policy.clone(),
        ledger_trouble: state.ledger.refusal().map(|error| line(&*error)),
        spend_lost_before: state.spend_lost_before,
        currency: policy.prices.known_currency(),
        slots,
        waiting: waiting(now, policy, keeper),
        budgets: budgets(policy, &planned),
        exposure: exposure_view(now, policy, keeper),
        unmanaged: keeper.unmanaged.keys().map(ToString::to_string).collect(),
        time_zone: policy.time_zone.name().into(),
    }
}

fn waiting(now: Timestamp, policy: &Policy, keeper: &KeeperState) -> Vec<WaitingView> {
    let of_pool = |pool: &Pool| {
        let waiting = keeper.waiting(&pool.name, now).zip(1..);
        waiting
            .map(|(waiter, place)| WaitingView {
                pool: waiter.pool.to_string(),
                place,
                client: waiter.hold.client.clone(),
                hold: waiter.hold.id,
                asked: waiter.asked,
            })
            .collect::<Vec<_>>()
    };
    policy.pools.iter().flat_map(of_pool).collect()
}

fn exposure_view(now: Timestamp, policy: &Policy, keeper: &KeeperState) -> ExposureView {
    let exposure = exposure(now, policy, keeper);
    ExposureView {
        amount: policy.prices.money(exposure.cost),
        last_end: exposure.last_end,
        caps: exposure
            .caps
            .iter()
            .map(|line| CapView {
                cap: line.budget.to_string(),
                limit: policy.prices.rounded(line.limit.as_cost()),
                committed: policy.prices.rounded(line.committed),
            })
            .collect(),
    }
}

fn slot(
    policy: &Policy,
    slot: String,
    known: Option<&ManagedSession>,
    decision: Decision,
    why: &Reason,
) -> SlotView {
    let clock = known.and_then(|k| k.clock);
    let pool = known.and_then(|k| policy.pools.iter().find(|p| p.name == k.slot.pool));
    SlotView {
        slot,
        session: known.map(|k| k.id.to_string()),
        status: known.map(|k| k.status.to_string()),
        region: known
            .and_then(|k| k.region.clone())
            .filter(|_| !policy.regions().is_empty()),
        size: known.map(|k| k.size.to_string()),
        address: known
            .and_then(|k| k.address.as_ref())
            .map(ToString::to_string),
        lease: known.map(|k| k.granted),
        ends_earliest: known.zip(clock).map(|(k, c)| c.earliest_expiry(k.granted)),
        ends_latest: known.zip(clock).map(|(k, c)| c.latest_expiry(k.granted)),
        elapsed: known.map(|k| k.elapsed),
        cost: known.and_then(|k| {
            policy
                .prices
                .money(policy.prices.of(&k.size).cost(k.elapsed))
        }),
        held_by: known
            .and_then(|k| k.hold.as_ref())
            .map(|h| h.client.clone()),
        team: known
            .and_then(|k| k.hold.as_ref())
            .and_then(|h| h.team.clone()),
        hold: known.and_then(|k| k.hold.as_ref()).map(|h| h.id),
        warning: None,
        activity: known
            .zip(pool)
            .map(|(k, pool)| activity(pool, k))
            .unwrap_or_default(),
        decision: decision_of(decision),
        why: why.to_string(),
    }
}

fn budgets(policy: &Policy, plan: &Plan) -> Vec<BudgetView> {
    let lines = plan.budgets.iter().map(|line| BudgetView {
        budget: line.budget.to_string(),
        limit: policy.prices.rounded(line.limit.as_cost()),
        committed: policy.prices.rounded(line.committed),
        percent: line.committed.percent_of(line.limit.as_cost()),
        until: line.end,
    });
    lines.collect()
}

/// What a policy that is not in force, or was not until now, changes.
pub fn reviewed(review: &Review, in_force: bool) -> ReloadReply {
    let changes = review.changes.iter().map(|change| ChangeView {
        key: change.key.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
    });
    let mut plan = planned(review.now, &review.policy, &review.keeper);
    plan.held_stops = review.held_stops.iter().map(held_stop).collect();
    ReloadReply {
        in_force,
        changes: changes.collect(),
        plan,
    }
}

/// What the first pass of a policy that is not in force would do, with the sessions that clients
/// hold and that it stops.
pub fn planned_beside(now: Timestamp, policy: &Policy, keeper: &KeeperState) -> PlanView {
    let stops = held_stops(&plan(now, policy, keeper), keeper);
    PlanView {
        held_stops: stops.iter().map(held_stop).collect(),
        ..planned(now, policy, keeper)
    }
}

fn held_stop(stop: &HeldStop) -> HeldStopView {
    HeldStopView {
        slot: stop.slot.to_string(),
        session: stop.session.to_string(),
        held_by: stop.client.clone(),
        why: stop.why.to_string(),
    }
}

/// What the next pass would do, from what is known at `now`. Changes nothing.
pub fn planned(now: Timestamp, policy: &Policy, keeper: &KeeperState) -> PlanView {
    let plan = plan(now, policy, keeper);
    let parked = plan.slots.iter().filter(|s| s.is_parked());
    PlanView {
        now,
        actions: plan
            .actions
            .iter()
            .map(|action| step(now, policy, keeper, action))
            .collect(),
        kept: plan
            .slots
            .iter()
            .filter(|s| s.decision == Decision::Keep)
            .count(),
        parked: parked
            .map(|s| slot(policy, s.slot.to_string(), None, s.decision, &s.why))
            .collect(),
        budgets: budgets(policy, &plan),
        currency: policy.prices.known_currency(),
        next: plan.next_wake,
        trouble: Vec::new(),
        held_stops: Vec::new(),
    }
}

/// What keeps the daemon from doing what it is there for, most urgent first.
pub fn trouble(state: &DaemonState) -> Vec<String> {
    let ledger = state.ledger.refusal().map(|error| line(&*error));
    let ledger = ledger.map(|why| format!("nothing is created or extended: {why}"));
    let service = state.trouble.as_ref();
    let service = service.map(|why| format!("the service cannot be listed: {why}"));
    let first = state
        .passed
        .is_none()
        .then(|| "no pass has ended yet".to_owned());
    [ledger, service, first].into_iter().flatten().collect()
}

/// What comes of a request about some slots: the sessions that count as used from now on, or else
/// what is decided about the slots.
pub fn changed(
    now: Timestamp,
    policy: &Policy,
    keeper: &KeeperState,
    slots: &[SlotId],
) -> (Vec<SessionId>, Vec<SlotOutcome>) {
    let meant = |slot: &SlotId| slots.binary_search(slot).is_ok();
    let live = keeper.sessions.values();
    let used = live.filter(|k| meant(&k.slot) && k.active == Some(now) && k.stop.is_none());
    let used: Vec<SessionId> = used.map(|k| k.id.clone()).collect();
    if !used.is_empty() {
        return (used, Vec::new());
    }
    let plan = plan(now, policy, keeper);
    let mut decided: Vec<&SlotPlan> = plan.slots.iter().filter(|s| meant(&s.slot)).collect();
    let told = |s: &&SlotPlan| s.decision != Decision::Empty;
    if decided.iter().any(told) {
        decided.retain(told);
    } else {
        decided.truncate(1);
    }
    let outcomes = decided.into_iter().map(|s| SlotOutcome {
        slot: s.slot.to_string(),
        session: s.session.clone(),
        decision: decision_of(s.decision),
        why: s.why.to_string(),
    });
    (used, outcomes.collect())
}

fn step(now: Timestamp, policy: &Policy, keeper: &KeeperState, action: &Action) -> ActionView {
    let known = keeper.sessions.get(action.session());
    let mut step = ActionView {
        action: match action {
            Action::Create { .. } => ActionKind::Create,
            Action::Extend { .. } => ActionKind::Extend,
            Action::Stop { .. } => ActionKind::Stop,
        },
        slot: action.slot().to_string(),
        session: action.session().to_string(),
        region: known
            .and_then(|k| k.region.clone())
            .filter(|_| !policy.regions().is_empty()),
        size: known.map(|k| k.size.to_string()),
        from: None,
        to: None,
        ends: None,
        cost: None,
        why: action.why().to_string(),
    };
    match action {
        Action::Create {
            region,
            size,
            lease,
            ..
        } => {
            step.region = region.clone();
            step.size = Some(size.to_string());
            step.to = Some(*lease);
            step.cost = policy.prices.money(policy.prices.of(size).cost(*lease));
        }
        Action::Extend { from, to, .. } => {
            let more = known.map_or(Cost::ZERO, |k| {
                policy.prices.of(&k.size).cost(to.minus(k.reserved))
            });
            (step.from, step.to) = (Some(*from), Some(*to));
            step.cost = policy.prices.money(more);
            step.ends = known.and_then(|k| k.clock).map(|c| c.latest_expiry(*to));
        }
        Action::Stop { .. } => step.ends = Some(now),
    }
    step
}
