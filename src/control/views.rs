//! The JSON of the control API, built from the daemon's state by pure functions.

use serde::{Deserialize, Serialize};

use crate::keeper::{Action, Decision, KeeperState, ManagedSession, Plan, exposure, plan};
use crate::policy::Policy;
use crate::units::{Cost, Currency, Minutes, Money, Region, Timestamp};

/// What is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// Whose sessions these are.
    pub owner: String,
    /// Where the session service is.
    pub endpoint: String,
    /// The daemon's present instant.
    pub now: Timestamp,
    /// When the last pass ended.
    pub passed: Option<Timestamp>,
    /// What keeps the service from answering.
    pub trouble: Option<String>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Every slot that is filled, wanted or kept empty, and live sessions outside the policy.
    pub slots: Vec<SlotView>,
    /// Every budget in its present period.
    pub budgets: Vec<BudgetView>,
    /// What could still be billed if the daemon died now.
    pub exposure: ExposureView,
    /// Live sessions of the account that are not ours.
    pub unmanaged: Vec<String>,
    /// The time zone of the budgets' days, by its IANA name.
    pub time_zone: String,
}

/// What could still be billed if the daemon died now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExposureView {
    /// The most that it can be; `None` where the policy names no price.
    pub amount: Option<Money>,
    /// When the last session ends at the latest; `None` where none is live.
    pub last_end: Option<Timestamp>,
    /// Every exposure cap, with what counts to it.
    pub caps: Vec<CapView>,
}

/// One exposure cap.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CapView {
    /// Whose it is.
    pub cap: String,
    /// The cap.
    pub limit: Money,
    /// What the sessions that it bounds could still cost.
    pub committed: Money,
}

/// One slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SlotView {
    /// `<pool>/<ordinal>`.
    pub slot: String,
    /// The session that fills it.
    pub session: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// Its region, where the policy names more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Its size.
    pub size: Option<String>,
    /// Where a client connects.
    pub address: Option<String>,
    /// Its lease.
    pub lease: Option<Minutes>,
    /// When the lease ends at the earliest.
    pub ends_earliest: Option<Timestamp>,
    /// When the lease ends at the latest.
    pub ends_latest: Option<Timestamp>,
    /// Whole minutes in Ready.
    pub elapsed: Option<Minutes>,
    /// What that cost so far.
    pub cost: Option<Money>,
    /// Who holds it.
    pub held_by: Option<String>,
    /// What was decided at the last look.
    pub decision: String,
    /// Why.
    pub why: String,
}

/// One budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BudgetView {
    /// Which.
    pub budget: String,
    /// Its bound.
    pub limit: Money,
    /// What is spent and reserved.
    pub committed: Money,
    /// The same, in percent of the bound.
    pub percent: u32,
    /// When its next period begins.
    pub until: Timestamp,
}

/// What the next pass would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanView {
    /// The instant it was made for.
    pub now: Timestamp,
    /// The requests, in order.
    pub actions: Vec<ActionView>,
    /// How many sessions stay as they are.
    pub kept: usize,
    /// Slots that a rule keeps empty, and why.
    pub parked: Vec<SlotView>,
    /// The budgets, with the requests included.
    pub budgets: Vec<BudgetView>,
    /// The currency of every amount.
    pub currency: Currency,
    /// When something is due next.
    pub next: Timestamp,
}

/// One request of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActionView {
    /// `create`, `extend` or `stop`.
    pub action: String,
    /// The slot.
    pub slot: String,
    /// The session.
    pub session: String,
    /// Its region, where the policy names more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Of a create: its size.
    pub size: Option<String>,
    /// Of an extension: the lease so far.
    pub from: Option<Minutes>,
    /// The lease asked for.
    pub to: Option<Minutes>,
    /// When that lease ends at the latest.
    pub ends: Option<Timestamp>,
    /// What it reserves.
    pub cost: Option<Money>,
    /// Why.
    pub why: String,
}

const fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Create => "create",
        Decision::Extend => "extend",
        Decision::Stop => "stop",
        Decision::Keep => "keep",
        Decision::Park => "parked",
        Decision::Empty => "empty",
    }
}

/// What is, at `now`.
pub fn status(now: Timestamp, state: &crate::daemon::DaemonState) -> StatusView {
    let (policy, keeper) = (&state.policy, &state.keeper);
    let planned = plan(now, policy, keeper);
    let mut slots = Vec::new();
    for planned in &planned.slots {
        let mut sessions = keeper.in_slot(&planned.slot).peekable();
        if sessions.peek().is_none() && planned.decision == Decision::Empty {
            continue;
        }
        let mut row = |known| {
            slots.push(slot(
                policy,
                planned.slot.to_string(),
                known,
                planned.decision,
                &planned.why,
            ));
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
        currency: policy.prices.currency.clone(),
        slots,
        budgets: budgets(&planned),
        exposure: exposure_view(now, policy, keeper),
        unmanaged: keeper.unmanaged.keys().map(ToString::to_string).collect(),
        time_zone: policy.time_zone.name().into(),
    }
}

fn exposure_view(now: Timestamp, policy: &Policy, keeper: &KeeperState) -> ExposureView {
    let exposure = exposure(now, policy, keeper);
    let prices = &policy.prices;
    let priced = prices.standard.max(prices.premium).is_some();
    ExposureView {
        amount: priced.then(|| exposure.cost.to_money()),
        last_end: exposure.last_end,
        caps: exposure
            .caps
            .iter()
            .map(|line| CapView {
                cap: line.budget.to_string(),
                limit: line.limit,
                committed: line.committed.to_money(),
            })
            .collect(),
    }
}

fn slot(
    policy: &Policy,
    slot: String,
    known: Option<&ManagedSession>,
    decision: Decision,
    why: &crate::keeper::Reason,
) -> SlotView {
    let clock = known.and_then(|k| k.clock);
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
        cost: known.map(|k| policy.prices.of(&k.size).cost(k.elapsed).to_money()),
        held_by: known
            .and_then(|k| k.hold.as_ref())
            .map(|h| h.client.clone()),
        decision: word(decision).into(),
        why: why.to_string(),
    }
}

fn budgets(plan: &Plan) -> Vec<BudgetView> {
    let lines = plan.budgets.iter().map(|line| BudgetView {
        budget: line.budget.to_string(),
        limit: line.limit,
        committed: line.committed.to_money(),
        percent: line.committed.percent_of(line.limit.as_cost()),
        until: line.end,
    });
    lines.collect()
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
        budgets: budgets(&plan),
        currency: policy.prices.currency.clone(),
        next: plan.next_wake,
    }
}

fn step(now: Timestamp, policy: &Policy, keeper: &KeeperState, action: &Action) -> ActionView {
    let known = keeper.sessions.get(action.session());
    let mut step = ActionView {
        action: match action {
            Action::Create { .. } => "create",
            Action::Extend { .. } => "extend",
            Action::Stop { .. } => "stop",
        }
        .into(),
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
            step.cost = Some(policy.prices.of(size).cost(*lease).to_money());
        }
        Action::Extend { from, to, .. } => {
            let more = known.map_or(Cost::ZERO, |k| {
                policy.prices.of(&k.size).cost(to.minus(k.reserved))
            });
            (step.from, step.to, step.cost) = (Some(*from), Some(*to), Some(more.to_money()));
            step.ends = known.and_then(|k| k.clock).map(|c| c.latest_expiry(*to));
        }
        Action::Stop { .. } => step.ends = Some(now),
    }
    step
}
