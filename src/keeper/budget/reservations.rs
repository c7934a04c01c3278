//! What is committed under each bound, and what a request adds to it.
//!
//! Promises: a request is granted only as far as every bound of its scopes has room for it; what is
//! granted is committed at once. Knows windows of time and prices, not sessions.

use crate::keeper::mutation::{self, Mutation};
use crate::keeper::period::{Period, PeriodKind};
use crate::keeper::reason::Reason;
use crate::keeper::scope::{BudgetKind, BudgetName, BudgetScope, scope_of_team, scopes_of};
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::{Budget, Policy};
use crate::units::{Cost, Minutes, Money, Price, Span, Timestamp};

use super::request::{Fit, Request};
use super::share::TeamShare;
use super::window::CostWindow;

/// What is counted, column by column. A request made now can touch three days and two months: a
/// boot and a day's lease reach into the day after tomorrow at most.
const COLUMNS: [BudgetKind; 6] = [
    BudgetKind::Day,
    BudgetKind::Day,
    BudgetKind::Day,
    BudgetKind::Month,
    BudgetKind::Month,
    BudgetKind::Exposure,
];
/// How many of the [`COLUMNS`] are periods; they come first.
pub(super) const PERIODS: usize = 5;
/// The column of the exposure.
const EXPOSURE: usize = 5;
/// The columns of the present day and of the present month.
const PRESENT: [usize; 2] = [0, 3];

/// One amount for each of the [`COLUMNS`].
pub(super) type Row<T> = [T; COLUMNS.len()];

/// One budget in its present period, for reports and alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLine {
    /// Which budget.
    pub budget: BudgetName,
    /// When its present period began.
    pub start: Timestamp,
    /// When its next period begins.
    pub end: Timestamp,
    /// Its bound.
    pub limit: Money,
    /// What is spent and reserved in this period.
    pub committed: Cost,
}

/// One scope's bounds, and what is committed under them, column by column.
#[derive(Clone, Debug)]
pub(super) struct ScopeAccount {
    scope: BudgetScope,
    budget: Budget,
    /// Spent, and reserved by every live session as if nobody ever stopped it.
    committed: Row<Cost>,
    /// Spent, and what live sessions certainly will have cost if they are left alone. Exposure is
    /// never certain: it frees itself as leases run down.
    pub(super) certain: Row<Cost>,
}

impl ScopeAccount {
    fn enter(&mut self, most: &Row<Cost>, least: &Row<Cost>) {
        // Most leases are in two of the columns, and what is not even possible is not certain.
        for i in (0..COLUMNS.len()).filter(|i| most[*i] > Cost::ZERO) {
            self.committed[i] += most[i];
            self.certain[i] += least[i];
        }
    }

    pub(super) fn limit(&self, column: usize) -> Option<Money> {
        COLUMNS[column].limit(&self.budget)
    }
}

/// All bounds of a policy, with what is committed under each.
#[derive(Clone, Debug)]
pub(in crate::keeper) struct Reservations<'a> {
    pub(super) policy: &'a Policy,
    now: Timestamp,
    periods: [Period; PERIODS],
    /// In the order of [`BudgetScope::all`].
    pub(super) accounts: Vec<ScopeAccount>,
    pub(super) bounded: bool,
    /// Whether any scope caps exposure; where none does it is not counted.
    exposed: bool,
}

impl<'a> Reservations<'a> {
    /// The reservations before any live session is entered: what ended ones cost.
    pub(in crate::keeper) fn open(policy: &'a Policy, state: &KeeperState, now: Timestamp) -> Self {
        let scopes = BudgetScope::all(policy);
        let budgets: Vec<Budget> = scopes.iter().map(|scope| scope.budget(policy)).collect();
        let periodic = |b: &Budget| b.daily.is_some() || b.monthly.is_some();
        let exposed = budgets.iter().any(|b| b.max_exposure.is_some());
        let bounded = exposed || budgets.iter().any(periodic);
        // Where nothing is bounded nobody asks for the periods, and they take long to find.
        let periods = if budgets.iter().any(periodic) {
            present_and_next(policy, now)
        } else {
            [Period {
                start: now,
                end: now,
            }; PERIODS]
        };
        let accounts = scopes.into_iter().zip(budgets).map(|(scope, budget)| {
            let mut spent = Row::default();
            for (column, cost) in spent.iter_mut().enumerate().take(PERIODS) {
                let (kind, start) = (COLUMNS[column].period(), periods[column].start);
                *cost = kind.map_or(Cost::ZERO, |kind| state.spent.in_scope(kind, start, &scope));
            }
            ScopeAccount {
                scope,
                budget,
                committed: spent,
                certain: spent,
            }
        });
        Self {
            policy,
            now,
            periods,
            accounts: accounts.collect(),
            bounded,
            exposed,
        }
    }

    /// The same, with no thought of exposure.
    pub(in crate::keeper) fn without_exposure(mut self) -> Self {
        self.exposed = false;
        self
    }

    /// The accounts that bound every session of a pool.
    pub(super) fn bounding(&self, pool: Option<usize>) -> impl Iterator<Item = usize> + use<> {
        scopes_of(pool, self.policy.pools.len())
    }

    /// What a window costs in each period by one reckoning, and nothing in the exposure's column.
    pub(super) fn costs(
        &self,
        price: Price,
        window: CostWindow,
        part: fn(Period, Timestamp, Timestamp, Span) -> Minutes,
    ) -> Row<Cost> {
        let length = window.length.span();
        let mut costs = Row::default();
        for (cost, period) in costs.iter_mut().zip(self.periods) {
            // Most leases are far from most periods.
            if window.earliest < period.end && period.start < window.latest + length {
                *cost = price.cost(part(period, window.earliest, window.latest, length));
            }
        }
        costs
    }

    /// The most that a window can cost in each period, and the most of it that is still to come.
    fn most(&self, price: Price, window: CostWindow) -> Row<Cost> {
        let mut costs = self.costs(price, window, Period::most);
        if self.exposed && !mutation::on(Mutation::IgnoreExposure) {
            costs[EXPOSURE] = price.cost(window.remaining(self.now));
        }
        costs
    }

    /// Enters a live session. `ending` is how long it lasts at the least if a stop that is under
    /// way succeeds.
    pub(in crate::keeper) fn enter(
        &mut self,
        pool: Option<usize>,
        price: Price,
        window: CostWindow,
        ending: Option<Minutes>,
    ) {
        if !self.bounded {
            return;
        }
        let most = self.most(price, window);
        let length = ending.unwrap_or(window.length);
        let least = self.costs(price, CostWindow { length, ..window }, Period::least);
        for index in self.bounding(pool) {
            self.accounts[index].enter(&most, &least);
        }
    }

    /// Enters what the holds of a live session cost their teams, as [`Self::enter`] enters the
    /// session itself: those that are over, and the share of the one that goes on or is to come.
    pub(in crate::keeper) fn enter_uses(
        &mut self,
        managed: &ManagedSession,
        share: Option<TeamShare>,
        window: CostWindow,
        ending: Option<Minutes>,
    ) {
        if !self.bounded || self.policy.teams.is_empty() {
            return;
        }
        let price = self.policy.prices.of(&managed.size);
        for used in &managed.uses {
            let account = |team| scope_of_team(self.policy, team);
            if let Some(index) = used.team.as_ref().and_then(account) {
                let window = CostWindow {
                    earliest: used.from,
                    latest: used.from,
                    length: (used.to - used.from).ceil_minutes(),
                };
                let most = self.costs(price, window, Period::most);
                let least = self.costs(price, window, Period::least);
                self.accounts[index].enter(&most, &least);
            }
        }
        if let Some(share) = share {
            let most = self.most(price, window.since(share.from));
            let length = ending.unwrap_or(window.length);
            let certain = CostWindow { length, ..window }.since(share.from);
            let least = self.costs(price, certain, Period::least);
            self.accounts[share.account].enter(&most, &least);
        }
    }

    /// Tries to commit what a request adds to what was committed for the same session before. The
    /// longest length between the least of use and the one asked for that fits is committed.
    pub(in crate::keeper) fn request(&mut self, request: Request) -> Fit {
        if !self.bounded || mutation::on(Mutation::ReserveNothing) {
            return Fit::Whole;
        }
        let asked = request.asked;
        let added = |reservations: &Self, length: Minutes| {
            let asked = CostWindow { length, ..asked };
            reservations.added(&request, asked)
        };
        let whole = added(self, asked.length);
        let Some(obstacle) = self.obstacle(&whole) else {
            self.commit(&whole);
            return Fit::Whole;
        };
        let least = match COLUMNS[obstacle.1] {
            BudgetKind::Exposure => request.least.max(request.least_exposed),
            BudgetKind::Day | BudgetKind::Month => request.least,
        };
        // Costs grow with the length, so the longest that fits is found by halving.
        let (mut fits, mut too_long) = (least.minus(Minutes::new(1)), asked.length);
        while too_long.minus(fits) > Minutes::new(1) {
            let middle = Minutes::new(u32::midpoint(fits.get(), too_long.get()));
            match self.obstacle(&added(self, middle)) {
                None => fits = middle,
                Some(_) => too_long = middle,
            }
        }
        if fits < least {
            return Fit::Refused(self.refusal(obstacle));
        }
        let costs = added(self, fits);
        self.commit(&costs);
        Fit::Shortened(fits, self.name(obstacle.0, obstacle.1))
    }

    /// What a window costs besides what is committed for the same session, account by account.
    fn added(&self, request: &Request, asked: CostWindow) -> Vec<(usize, Row<Cost>)> {
        let Request { price, before, .. } = *request;
        let beyond = |asked: CostWindow, before: Option<CostWindow>| -> Row<Cost> {
            let costs = self.most(price, asked);
            let had = before.map(|b| self.most(price, b)).unwrap_or_default();
            std::array::from_fn(|i| costs[i].max(had[i]) - had[i])
        };
        let mut added = Vec::with_capacity(3);
        if let Some(pool) = request.pool {
            let row = beyond(asked, before);
            added.extend(self.bounding(Some(pool)).map(|index| (index, row)));
        }
        let share = request.team;
        let share = share.filter(|_| !mutation::on(Mutation::IgnoreTeams));
        if let Some(TeamShare { account, from }) = share {
            let before = before.map(|before| before.since(from));
            added.push((account, beyond(asked.since(from), before)));
        }
        added
    }

    fn commit(&mut self, added: &[(usize, Row<Cost>)]) {
        for (index, costs) in added {
            for (committed, cost) in self.accounts[*index].committed.iter_mut().zip(costs) {
                *committed += *cost;
            }
        }
    }

    /// The first bound that has no room for so much more: its account and column, and how much it
    /// would be.
    fn obstacle(&self, added: &[(usize, Row<Cost>)]) -> Option<(usize, usize, Cost)> {
        added.iter().find_map(|(index, costs)| {
            let (index, account) = (*index, &self.accounts[*index]);
            let full = |i: &usize| {
                costs[*i] > Cost::ZERO
                    && account
                        .limit(*i)
                        .is_some_and(|limit| account.committed[*i] + costs[*i] > limit.as_cost())
            };
            let column = (0..COLUMNS.len()).find(full)?;
            Some((index, column, costs[column]))
        })
    }

    pub(super) fn name(&self, account: usize, column: usize) -> BudgetName {
        BudgetName {
            scope: self.accounts[account].scope.clone(),
            kind: COLUMNS[column],
        }
    }

    fn refusal(&self, (index, column, request): (usize, usize, Cost)) -> Reason {
        let account = &self.accounts[index];
        Reason::Budget {
            budget: self.name(index, column),
            limit: account.limit(column).unwrap_or_default(),
            committed: self.policy.prices.rounded(account.committed[column]),
            request: self.policy.prices.rounded(request),
            currency: self.policy.prices.currency.clone(),
            until: self.periods.get(column).map(|period| period.end),
        }
    }

    /// Every budget in its present period.
    pub(in crate::keeper) fn lines(&self) -> Vec<BudgetLine> {
        let mut lines = Vec::new();
        for (index, account) in self.accounts.iter().enumerate() {
            for column in PRESENT {
                let Some(limit) = account.limit(column) else {
                    continue;
                };
                lines.push(BudgetLine {
                    budget: self.name(index, column),
                    start: self.periods[column].start,
                    end: self.periods[column].end,
                    limit,
                    committed: account.committed[column],
                });
            }
        }
        lines
    }

    /// When the present day ends, and with it what the budgets know of it.
    pub(in crate::keeper) fn next_edge(&self) -> Option<Timestamp> {
        let end = self.periods[0].end;
        (self.bounded && end > self.now).then_some(end)
    }
}

/// The present day and the two after it, the present month and the next.
fn present_and_next(policy: &Policy, now: Timestamp) -> [Period; PERIODS] {
    let zone = policy.time_zone;
    let day = Period::containing(PeriodKind::Day, now, zone);
    let month = Period::containing(PeriodKind::Month, now, zone);
    let tomorrow = day.next(PeriodKind::Day, zone);
    let after = tomorrow.next(PeriodKind::Day, zone);
    [
        day,
        tomorrow,
        after,
        month,
        month.next(PeriodKind::Month, zone),
    ]
}
