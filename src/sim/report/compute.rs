//! The arithmetic of a report: pure, from a record and the policy it was made with.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::keeper::{Status, split_days};
use crate::policy::{Policy, Prices};
use crate::units::{Cost, Minutes, PoolName, Span, Timestamp};

use super::budgets::{Daily, budgets};
use super::figures::{
    ClientFigures, DayFigures, ExposureFigures, Figures, PoolCost, PoolFigures, Report,
    SessionFigures, VisitFigures, Waits,
};
use super::timeline;
use crate::sim::run::record::{Lived, Record, Visited};
use crate::sim::usage::Days;

/// What a report says besides what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The policy's file.
    pub policy: String,
    /// Where the usage comes from.
    pub usage: String,
    /// The days of the run.
    pub days: Days,
}

/// The minutes of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SessionMinutes {
    ready: Minutes,
    held: Minutes,
    wasted: Minutes,
}

impl SessionMinutes {
    /// What a session billed up to an instant, and what for.
    fn of(lived: &Lived, to: Timestamp) -> Self {
        let Some(from) = lived.ready else {
            return Self::default();
        };
        let to = lived.ended.map_or(to, |ended| ended.min(to));
        let ready = (to - from).floor_minutes();
        let held = lived
            .used
            .iter()
            .map(|u| u.to.min(to) - u.from.max(from))
            .fold(Span::ZERO, |sum, span| sum + span);
        let held = held.floor_minutes().min(ready);
        let last = lived
            .used
            .iter()
            .map(|u| u.to)
            .max()
            .unwrap_or(from)
            .clamp(from, to);
        let wasted = (to - last).floor_minutes().min(ready.minus(held));
        Self {
            ready,
            held,
            wasted,
        }
    }
}

/// Sums that are not yet rounded.
#[derive(Clone, Debug, Default)]
struct Sum {
    figures: Figures,
    cost: Cost,
    wasted: Cost,
}

impl Sum {
    fn add(&mut self, lived: &Lived, account: SessionMinutes) {
        self.figures.sessions += 1;
        self.figures.ready_minutes += u64::from(account.ready.get());
        self.figures.held_minutes += u64::from(account.held.get());
        self.figures.idle_minutes += u64::from(account.ready.minus(account.held).get());
        self.figures.wasted_minutes += u64::from(account.wasted.get());
        self.cost += lived.price.cost(account.ready);
        self.wasted += lived.price.cost(account.wasted);
    }

    fn close<'a>(self, prices: &Prices, visits: impl Iterator<Item = &'a Visited>) -> Figures {
        let (cost, wasted_cost) = (prices.rounded(self.cost), prices.rounded(self.wasted));
        Figures {
            cost,
            wasted_cost,
            clients: clients(visits),
            ..self.figures
        }
    }
}

impl Report {
    /// What a record comes to.
    pub fn of(record: &Record, policy: &Policy, heading: &Heading) -> Self {
        let zone = policy.time_zone;
        let mut by_pool: BTreeMap<&PoolName, Sum> = BTreeMap::new();
        let (mut total, mut days, mut sessions) = (Sum::default(), Daily::new(), Vec::new());
        let (mut starts, mut ends) = (BTreeMap::new(), BTreeMap::new());
        for lived in &record.sessions {
            let account = SessionMinutes::of(lived, record.to);
            total.add(lived, account);
            by_pool
                .entry(&lived.slot.pool)
                .or_default()
                .add(lived, account);
            for (date, minutes) in lived
                .ready
                .map(|at| split_days(at, account.ready, zone))
                .unwrap_or_default()
            {
                let entry = days
                    .entry(date)
                    .or_default()
                    .entry(lived.slot.pool.clone())
                    .or_default();
                entry.0 += u64::from(minutes.get());
                entry.1 += lived.price.cost(minutes);
            }
            *starts.entry(lived.started_by.clone()).or_default() += 1;
            if let Some(why) = end(lived) {
                *ends.entry(why).or_default() += 1;
            }
            sessions.push(session(lived, account, &policy.prices));
        }
        for (slot, from, to) in &record.unaffordable {
            let minutes = u64::from((*to - *from).floor_minutes().get());
            total.figures.over_budget_minutes += minutes;
            by_pool
                .entry(&slot.pool)
                .or_default()
                .figures
                .over_budget_minutes += minutes;
        }
        let mut pool = |name: &PoolName| {
            let visits = record.visits.iter().filter(|v| v.visit.pool == *name);
            let figures = by_pool
                .remove(name)
                .unwrap_or_default()
                .close(&policy.prices, visits);
            PoolFigures {
                pool: name.clone(),
                figures,
            }
        };
        Self {
            policy: heading.policy.clone(),
            usage: heading.usage.clone(),
            from: record.from,
            to: record.to,
            days: heading.days.count,
            time_zone: zone.name().into(),
            currency: policy.prices.currency.clone(),
            priced: policy.prices.are_known(),
            pools: policy.pools.iter().map(|p| pool(&p.name)).collect(),
            total: total.close(&policy.prices, record.visits.iter()),
            daily: heading
                .days
                .dates()
                .map(|date| day(date, days.get(&date), policy))
                .collect(),
            budgets: budgets(record, policy, &days),
            starts,
            ends,
            exposure: record.exposure.as_ref().map(|e| ExposureFigures {
                session: e.session.clone(),
                slot: e.slot.clone(),
                at: e.at,
                seconds: e.length.as_secs(),
                lease_minutes: e.lease,
            }),
            reasons: record.reasons.clone(),
            slots: timeline::lanes(record, policy),
            sessions,
            visits: record.visits.iter().map(visit).collect(),
        }
    }
}

/// Why a session ended; `None` where it has not.
fn end(lived: &Lived) -> Option<String> {
    lived.ended?;
    let by_itself = match lived.status {
        Status::Expired => "expired",
        Status::Error => "error",
        _ => "never-came-to-be",
    };
    Some(
        lived
            .stopped_by
            .clone()
            .filter(|_| lived.status == Status::Stopped)
            .unwrap_or_else(|| by_itself.into()),
    )
}

fn session(lived: &Lived, account: SessionMinutes, prices: &Prices) -> SessionFigures {
    SessionFigures {
        session: lived.id.clone(),
        slot: lived.slot.clone(),
        size: lived.size.clone(),
        created: lived.created,
        ready: lived.ready,
        ended: lived.ended,
        status: lived.status.to_string(),
        started_by: lived.started_by.clone(),
        stopped_by: lived.stopped_by.clone(),
        ready_minutes: account.ready.get().into(),
        held_minutes: account.held.get().into(),
        wasted_minutes: account.wasted.get().into(),
        cost: prices.rounded(lived.price.cost(account.ready)),
    }
}

fn visit(visited: &Visited) -> VisitFigures {
    let visit = visited.visit.clone();
    VisitFigures {
        client: visit.client,
        pool: visit.pool,
        from: visit.from,
        to: visit.to,
        waited_seconds: visited.waited.map(Span::as_secs),
        lost: visited.lost,
    }
}

fn clients<'a>(visits: impl Iterator<Item = &'a Visited>) -> ClientFigures {
    let (mut figures, mut waits) = (ClientFigures::default(), Vec::new());
    for visited in visits {
        figures.visits += 1;
        figures.lost += visited.lost;
        match visited.waited {
            None => figures.never += 1,
            Some(Span::ZERO) => figures.warm += 1,
            Some(_) => figures.cold += 1,
        }
        waits.extend(visited.waited);
    }
    waits.sort_unstable();
    figures.wait = Waits::of(&waits);
    figures.cold_wait = Waits::of(&waits[figures.warm as usize..]);
    figures
}

impl Waits {
    /// Of waits in ascending order; `None` of none.
    fn of(sorted: &[Span]) -> Option<Self> {
        // The nearest rank: the smallest wait that so many in a hundred do not exceed.
        let rank =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1));
        let seconds = |percent| rank(percent).map(|s| s.as_secs());
        Some(Self {
            median_seconds: seconds(50)?,
            p95_seconds: seconds(95)?,
            max_seconds: seconds(100)?,
        })
    }
}

fn day(
    date: NaiveDate,
    costs: Option<&BTreeMap<PoolName, (u64, Cost)>>,
    policy: &Policy,
) -> DayFigures {
    let all = || costs.into_iter().flat_map(BTreeMap::values);
    let cost: Cost = all().map(|(_, cost)| *cost).sum();
    let of = |name: &PoolName| {
        costs
            .and_then(|c| c.get(name))
            .map(|(_, cost)| *cost)
            .unwrap_or_default()
    };
    let pool = |name: &PoolName| PoolCost {
        pool: name.clone(),
        cost: policy.prices.rounded(of(name)),
    };
    DayFigures {
        date,
        ready_minutes: all().map(|(minutes, _)| minutes).sum(),
        cost: policy.prices.rounded(cost),
        percent: policy
            .budget
            .daily
            .map(|limit| cost.percent_of(limit.as_cost())),
        pools: policy.pools.iter().map(|p| pool(&p.name)).collect(),
    }
}
