//! Budgets that are exceeded for certain, and whom to stop helps.

use crate::keeper::period::Period;
use crate::keeper::reason::Reason;
use crate::units::{Cost, Minutes, Money, Price};

use super::reservations::{PERIODS, Reservations, Row};
use super::share::TeamShare;
use super::window::CostWindow;

/// Which budget is exceeded.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Exceeded {
    account: usize,
    column: usize,
}

impl Reservations<'_> {
    /// A budget that is exceeded for certain, and why that is so; `None` where all fits.
    pub(in crate::keeper) fn exceeded(&self) -> Option<(Exceeded, Reason)> {
        if !self.bounded {
            return None;
        }
        for (index, account) in self.accounts.iter().enumerate() {
            for column in 0..PERIODS {
                let over = |limit: &Money| account.certain[column] > limit.as_cost();
                let Some(limit) = account.limit(column).filter(over) else {
                    continue;
                };
                let reason = Reason::OverBudget {
                    budget: self.name(index, column),
                    limit,
                    committed: self.policy.prices.rounded(account.certain[column]),
                    currency: self.policy.prices.currency.clone(),
                };
                return Some((
                    Exceeded {
                        account: index,
                        column,
                    },
                    reason,
                ));
            }
        }
        None
    }

    /// Whether an exceeded budget bounds a session of a pool, of which a team pays its share.
    pub(in crate::keeper) fn concerns(
        &self,
        exceeded: Exceeded,
        pool: usize,
        share: Option<TeamShare>,
    ) -> bool {
        let team = share.map(|share| share.account);
        self.bounding(Some(pool))
            .chain(team)
            .any(|index| index == exceeded.account)
    }

    /// Takes back what a session would certainly cost if left alone, because it is stopped now,
    /// after `so_far`. Returns whether that helps the exceeded budget at all.
    pub(in crate::keeper) fn relieve(
        &mut self,
        at: Exceeded,
        pool: usize,
        price: Price,
        share: Option<TeamShare>,
        left_alone: CostWindow,
        so_far: Minutes,
    ) -> bool {
        let length = so_far;
        let stopped = CostWindow {
            length,
            ..left_alone
        };
        let session = [left_alone, stopped].map(|w| self.costs(price, w, Period::least));
        let mut rows: Vec<(usize, [Row<Cost>; 2])> = self
            .bounding(Some(pool))
            .map(|index| (index, session))
            .collect();
        if let Some(TeamShare { account, from }) = share {
            let windows = [left_alone, stopped].map(|window| window.since(from));
            let share = windows.map(|w| self.costs(price, w, Period::least));
            rows.push((account, share));
        }
        let helps = |(index, [now, then]): &(usize, [Row<Cost>; 2])| {
            *index == at.account && now[at.column] > then[at.column]
        };
        if !rows.iter().any(helps) {
            return false;
        }
        for (index, [now, then]) in rows {
            for i in 0..PERIODS {
                let certain = &mut self.accounts[index].certain[i];
                *certain = *certain + then[i] - now[i];
            }
        }
        true
    }

    /// Stops looking at an exceeded budget that nothing more can help.
    pub(in crate::keeper) fn accept(&mut self, at: Exceeded) {
        self.accounts[at.account].certain[at.column] = Cost::ZERO;
    }
}
