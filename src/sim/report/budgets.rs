//! How full each budget was in the run: of the whole policy, of each pool, and of each team.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::keeper::{BudgetName, BudgetScope, Period, PeriodKind, first_date};
use crate::policy::{Budget, Policy};
use crate::sim::run::record::Record;
use crate::units::{Cost, Money, PoolName};

use super::figures::BudgetFigures;

/// Minutes and cost by day and pool.
pub(super) type Daily = BTreeMap<NaiveDate, BTreeMap<PoolName, (u64, Cost)>>;

/// Every budget of a policy, the whole policy's first, then those of pools and of teams.
pub(super) fn budgets(record: &Record, policy: &Policy, days: &Daily) -> Vec<BudgetFigures> {
    let pools = policy.pools.iter().map(|pool| {
        let scope = BudgetScope::Pool(pool.name.clone());
        (scope, pool.budget)
    });
    let teams = policy.teams.iter().map(|team| {
        let scope = BudgetScope::Team(team.name.clone());
        (scope, team.budget)
    });
    let whole = std::iter::once((BudgetScope::Policy, policy.budget));
    let mut lines = Vec::new();
    for (scope, budget) in whole.chain(pools).chain(teams) {
        let Budget { daily, monthly, .. } = budget;
        for (kind, limit) in [(PeriodKind::Day, daily), (PeriodKind::Month, monthly)] {
            lines.extend(limit.map(|limit| line(record, policy, days, &scope, kind, limit)));
        }
    }
    lines
}

fn line(
    record: &Record,
    policy: &Policy,
    days: &Daily,
    scope: &BudgetScope,
    kind: PeriodKind,
    limit: Money,
) -> BudgetFigures {
    let zone = policy.time_zone;
    let (mut periods, mut exceeded, mut most) =
        (0, 0, (Cost::ZERO, first_date(kind, record.from, zone)));
    let mut period = Period::containing(kind, record.from, zone);
    while period.start < record.to {
        let cost = cost(record, policy, days, scope, period);
        periods += 1;
        exceeded += u32::from(cost > limit.as_cost());
        if cost > most.0 {
            most = (cost, first_date(kind, period.start, zone));
        }
        period = period.next(kind, zone);
    }
    let scope = scope.clone();
    let pool = match &scope {
        BudgetScope::Pool(pool) => Some(pool.clone()),
        BudgetScope::Policy | BudgetScope::Team(_) => None,
    };
    let team = match &scope {
        BudgetScope::Team(team) => Some(team.clone()),
        BudgetScope::Policy | BudgetScope::Pool(_) => None,
    };
    let kind_of = kind.into();
    BudgetFigures {
        budget: BudgetName {
            scope,
            kind: kind_of,
        }
        .to_string(),
        pool,
        team,
        period: kind,
        limit,
        periods,
        exceeded,
        most_on: most.1,
        most: policy.prices.rounded(most.0),
        most_percent: most.0.percent_of(limit.as_cost()),
    }
}

/// What a scope's sessions cost in a period, or what a team's people held of them.
fn cost(
    record: &Record,
    policy: &Policy,
    days: &Daily,
    scope: &BudgetScope,
    period: Period,
) -> Cost {
    if let BudgetScope::Team(team) = scope {
        let held = record.sessions.iter().flat_map(|session| {
            let mine = |client: &str| policy.team_of(client).is_some_and(|t| t.name == *team);
            let used = session.used.iter().filter(move |used| mine(&used.client));
            used.map(|used| {
                let held = period.overlap(used.from, used.to);
                session.price.cost(held.floor_minutes())
            })
        });
        return held.sum();
    }
    let day = |at| first_date(PeriodKind::Day, at, policy.time_zone);
    let days = days.range(day(period.start)..day(period.end));
    let costs = days.flat_map(|(_, pools)| pools.iter());
    let mine = costs.filter(|(name, _)| scope.bounds(name));
    mine.map(|(_, (_, cost))| *cost).sum()
}
