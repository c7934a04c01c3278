//! The rule of budgets: a lease is a promise to pay for its whole length, so it is reserved before
//! it is asked for.
//!
//! For every budget, what ended sessions cost plus the whole leases of live ones must stay within
//! its bound; a request that does not fit is shortened to what fits, else refused. So spending
//! cannot pass a budget even if nobody ever stops anything again. A lease that can cross the edge
//! of a period is charged, in each, with the largest part of it that can fall there.

use crate::policy::{Policy, Pool};
use crate::units::{Cost, Minutes, Money, PoolName, Price, Span, Timestamp};

use super::mutation::{self, Mutation};
use super::period::Period;
use super::reason::{BudgetName, PeriodKind, Reason};
use super::state::{KeeperState, ManagedSession};

/// The periods that a request made now can touch: a boot and a day's lease reach into the day after
/// tomorrow at most.
const PERIODS: [PeriodKind; 5] = [
    PeriodKind::Day,
    PeriodKind::Day,
    PeriodKind::Day,
    PeriodKind::Month,
    PeriodKind::Month,
];
/// Index of the present day and of the present month in [`PERIODS`].
const PRESENT: [usize; 2] = [0, 3];

/// One amount for each of the [`PERIODS`].
type Row<T> = [T; PERIODS.len()];

/// When a session can have become Ready, and for how long it is paid then.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostWindow {
    pub(super) earliest: Timestamp,
    pub(super) latest: Timestamp,
    pub(super) length: Minutes,
}

impl CostWindow {
    /// What a live session may still cost from beginning to end, with a lease of `length`.
    pub(super) fn of(
        managed: &ManagedSession,
        boot_timeout: Span,
        now: Timestamp,
        length: Minutes,
    ) -> Self {
        match managed.clock {
            Some(clock) => Self {
                earliest: clock.earliest(),
                latest: clock.latest(),
                length,
            },
            None if managed.is_ready() => {
                // Adopted, and not yet asked for by itself: it may be as old as a session can be.
                let latest = now - managed.elapsed.span();
                Self {
                    earliest: latest - Minutes::SERVICE_CAP.span(),
                    latest,
                    length,
                }
            }
            None => {
                let earliest = managed.starting_at.unwrap_or(managed.created);
                Self {
                    earliest,
                    latest: (managed.created + boot_timeout).max(now),
                    length,
                }
            }
        }
    }

    /// What a session that is asked for now may cost.
    pub(super) fn asked_now(now: Timestamp, boot_timeout: Span, length: Minutes) -> Self {
        Self {
            earliest: now,
            latest: now + boot_timeout,
            length,
        }
    }
}

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

/// A budget's bound, and what is committed under it, for each period.
#[derive(Clone, Debug)]
struct ScopeAccount {
    pool: Option<PoolName>,
    limits: [Option<Money>; 2],
    /// Spent, and reserved by every live session as if nobody ever stopped it.
    committed: Row<Cost>,
    /// Spent, and what live sessions certainly will have cost if they are left alone.
    certain: Row<Cost>,
}

impl ScopeAccount {
    fn limit(&self, period: usize) -> Option<Money> {
        match PERIODS[period] {
            PeriodKind::Day => self.limits[0],
            PeriodKind::Month => self.limits[1],
        }
    }
}

/// All budgets of a policy, with what is committed under each.
#[derive(Clone, Debug)]
pub(super) struct Reservations<'a> {
    policy: &'a Policy,
    periods: Row<Period>,
    /// One for each pool, in the order of the file, then the one of the whole policy.
    accounts: Vec<ScopeAccount>,
    bounded: bool,
}

/// How a request was cut to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It fits as it is.
    Whole,
    /// So much of it fits, because of this budget.
    Shortened(Minutes, BudgetName),
    /// Nothing of use fits.
    Refused(Reason),
}

impl<'a> Reservations<'a> {
    /// The books before any live session is entered: what ended ones cost.
    pub(super) fn open(policy: &'a Policy, state: &KeeperState, now: Timestamp) -> Self {
        let zone = policy.time_zone;
        let budgets = policy
            .pools
            .iter()
            .map(|p| p.budget)
            .chain(std::iter::once(policy.budget));
        let bounded = budgets
            .into_iter()
            .any(|b| b.daily.is_some() || b.monthly.is_some());
        // Where nothing is bounded nobody asks for the periods, and they take long to find.
        let periods = if bounded {
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
        } else {
            [Period {
                start: now,
                end: now,
            }; PERIODS.len()]
        };
        let account = |pool: Option<&Pool>| {
            let budget = pool.map_or(policy.budget, |p| p.budget);
            let spent = std::array::from_fn(|i| match pool {
                Some(pool) => state
                    .spent
                    .of_pool(PERIODS[i], periods[i].start, &pool.name),
                None => state.spent.total(PERIODS[i], periods[i].start),
            });
            ScopeAccount {
                pool: pool.map(|p| p.name.clone()),
                limits: [budget.daily, budget.monthly],
                committed: spent,
                certain: spent,
            }
        };
        let accounts: Vec<ScopeAccount> = policy
            .pools
            .iter()
            .map(|p| account(Some(p)))
            .chain(std::iter::once(account(None)))
            .collect();
        Self {
            policy,
            periods,
            accounts,
            bounded,
        }
    }

    /// The accounts that bound a session of a pool: the pool's own, if the policy still has it, and
    /// the whole policy's.
    fn bounding(&self, pool: Option<usize>) -> impl Iterator<Item = usize> + use<> {
        pool.into_iter()
            .chain(std::iter::once(self.accounts.len() - 1))
    }

    fn costs(
        &self,
        price: Price,
        cost_window: CostWindow,
        part: fn(Period, Timestamp, Timestamp, Span) -> Minutes,
    ) -> Row<Cost> {
        let length = cost_window.length.span();
        std::array::from_fn(|i| {
            let period = self.periods[i];
            // Most leases are far from most periods.
            if period.end <= cost_window.earliest || cost_window.latest + length <= period.start {
                return Cost::ZERO;
            }
            price.cost(part(
                period,
                cost_window.earliest,
                cost_window.latest,
                length,
            ))
        })
    }

    /// Enters a live session. `ending` is how long it lasts at the least if a stop that is under
    /// way succeeds.
    pub(super) fn enter(
        &mut self,
        pool: Option<usize>,
        price: Price,
        cost_window: CostWindow,
        ending: Option<Minutes>,
    ) {
        if !self.bounded {
            return;
        }
        let most = self.costs(price, cost_window, Period::most);
        let least = self.costs(
            price,
            CostWindow {
                length: ending.unwrap_or(cost_window.length),
                ..cost_window
            },
            Period::least,
        );
        for index in self.bounding(pool) {
            let account = &mut self.accounts[index];
            for i in 0..PERIODS.len() {
                account.committed[i] += most[i];
                account.certain[i] += least[i];
            }
        }
    }

    /// Tries to commit what a request adds to what was committed for the same session before. The
    /// longest length between `least` and the one asked for that fits is committed.
    pub(super) fn request(
        &mut self,
        pool: usize,
        price: Price,
        asked: CostWindow,
        before: Option<CostWindow>,
        least: Minutes,
    ) -> Fit {
        if !self.bounded || mutation::on(Mutation::ReserveNothing) {
            return Fit::Whole;
        }
        let had = before
            .map(|b| self.costs(price, b, Period::most))
            .unwrap_or_default();
        let added = |reservations: &Self, length: Minutes| -> Row<Cost> {
            let costs = reservations.costs(price, CostWindow { length, ..asked }, Period::most);
            std::array::from_fn(|i| {
                if costs[i] > had[i] {
                    costs[i] - had[i]
                } else {
                    Cost::ZERO
                }
            })
        };
        let Some(obstacle) = self.obstacle(pool, &added(self, asked.length)) else {
            let costs = added(self, asked.length);
            self.commit(pool, &costs);
            return Fit::Whole;
        };
        // Costs grow with the length, so the longest that fits is found by halving.
        let (mut fits, mut too_long) = (least.minus(Minutes::new(1)), asked.length);
        while too_long.minus(fits) > Minutes::new(1) {
            let middle = Minutes::new(u32::midpoint(fits.get(), too_long.get()));
            match self.obstacle(pool, &added(self, middle)) {
                None => fits = middle,
                Some(_) => too_long = middle,
            }
        }
        if fits < least {
            let costs = added(self, asked.length);
            return Fit::Refused(self.refusal(obstacle, &costs));
        }
        let costs = added(self, fits);
        self.commit(pool, &costs);
        Fit::Shortened(fits, self.name(obstacle))
    }

    fn commit(&mut self, pool: usize, costs: &Row<Cost>) {
        for index in self.bounding(Some(pool)) {
            for (committed, cost) in self.accounts[index].committed.iter_mut().zip(costs) {
                *committed += *cost;
            }
        }
    }

    /// The first budget that has no room for so much more: its account and period.
    fn obstacle(&self, pool: usize, costs: &Row<Cost>) -> Option<(usize, usize)> {
        self.bounding(Some(pool)).find_map(|index| {
            let account = &self.accounts[index];
            let full = |i: &usize| {
                costs[*i] > Cost::ZERO
                    && account
                        .limit(*i)
                        .is_some_and(|limit| account.committed[*i] + costs[*i] > limit.as_cost())
            };
            (0..PERIODS.len()).find(full).map(|i| (index, i))
        })
    }

    fn name(&self, (account, period): (usize, usize)) -> BudgetName {
        BudgetName {
            pool: self.accounts[account].pool.clone(),
            period: PERIODS[period],
        }
    }

    fn refusal(&self, at: (usize, usize), costs: &Row<Cost>) -> Reason {
        let (account, period) = (&self.accounts[at.0], at.1);
        Reason::Budget {
            budget: self.name(at),
            limit: account.limit(period).unwrap_or_default(),
            committed: account.committed[period].to_money(),
            request: costs[period].to_money(),
            currency: self.policy.prices.currency.clone(),
            until: self.periods[period].end,
        }
    }

    /// A budget that is exceeded for certain, and why that is so; `None` where all fits.
    pub(super) fn exceeded(&self) -> Option<(Exceeded, Reason)> {
        if !self.bounded {
            return None;
        }
        for (index, account) in self.accounts.iter().enumerate() {
            for i in 0..PERIODS.len() {
                let Some(limit) = account
                    .limit(i)
                    .filter(|l| account.certain[i] > l.as_cost())
                else {
                    continue;
                };
                let reason = Reason::OverBudget {
                    budget: self.name((index, i)),
                    limit,
                    committed: account.certain[i].to_money(),
                    currency: self.policy.prices.currency.clone(),
                };
                let pool = (index + 1 < self.accounts.len()).then_some(index);
                return Some((
                    Exceeded {
                        pool,
                        account: index,
                        period: i,
                    },
                    reason,
                ));
            }
        }
        None
    }

    /// Takes back what a session would certainly cost if left alone, because it is stopped now,
    /// after `so_far`. Returns whether that helps the exceeded budget at all.
    pub(super) fn relieve(
        &mut self,
        at: Exceeded,
        pool: Option<usize>,
        price: Price,
        left_alone: CostWindow,
        so_far: Minutes,
    ) -> bool {
        let now = self.costs(price, left_alone, Period::least);
        let then = self.costs(
            price,
            CostWindow {
                length: so_far,
                ..left_alone
            },
            Period::least,
        );
        if now[at.period] <= then[at.period] {
            return false;
        }
        for index in self.bounding(pool) {
            for i in 0..PERIODS.len() {
                let certain = &mut self.accounts[index].certain[i];
                *certain = *certain + then[i] - now[i];
            }
        }
        true
    }

    /// Stops looking at an exceeded budget that nothing more can help.
    pub(super) fn accept(&mut self, at: Exceeded) {
        self.accounts[at.account].certain[at.period] = Cost::ZERO;
    }

    /// Every budget in its present period.
    pub(super) fn lines(&self) -> Vec<BudgetLine> {
        let mut lines = Vec::new();
        for account in &self.accounts {
            for i in PRESENT {
                let Some(limit) = account.limit(i) else {
                    continue;
                };
                lines.push(BudgetLine {
                    budget: BudgetName {
                        pool: account.pool.clone(),
                        period: PERIODS[i],
                    },
                    start: self.periods[i].start,
                    end: self.periods[i].end,
                    limit,
                    committed: account.committed[i],
                });
            }
        }
        lines
    }

    /// When the present day ends, and with it what the budgets know of it.
    pub(super) fn next_edge(&self) -> Option<Timestamp> {
        self.bounded.then_some(self.periods[0].end)
    }
}

/// Which budget is exceeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exceeded {
    /// The pool whose budget it is; `None` for the whole policy's.
    pub(super) pool: Option<usize>,
    account: usize,
    period: usize,
}
