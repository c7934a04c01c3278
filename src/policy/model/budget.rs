//! `[prices]` and `[budget]`: what an hour costs, and what may be spent.

use crate::units::{Cost, Currency, Money, Price, Size};

/// What an hour of each size costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// The currency of every amount in the policy.
    pub currency: Currency,
    /// Price of an hour of Standard; `None` where the policy names no price, and so no budget.
    pub standard: Option<Price>,
    /// Price of an hour of Premium.
    pub premium: Option<Price>,
}

impl Prices {
    /// The price of a size. An unknown size, or one without a price, costs the highest price known.
    pub fn of(&self, size: &Size) -> Price {
        let known = match size {
            Size::Standard => self.standard,
            Size::Premium => self.premium,
            Size::Other(_) => None,
        };
        known
            .or_else(|| self.standard.max(self.premium))
            .unwrap_or_default()
    }
}

/// Bounds on what may be spent in a day and in a month, and on what may be promised at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bound on each day.
    pub daily: Option<Money>,
    /// Bound on each month.
    pub monthly: Option<Money>,
    /// Bound on what could still be billed if the daemon died at any instant.
    pub max_exposure: Option<Money>,
}

impl Budget {
    /// The daily bound as a cost, to compare sums with.
    pub fn daily_cost(&self) -> Option<Cost> {
        self.daily.map(Money::as_cost)
    }
    /// The monthly bound as a cost, to compare sums with.
    pub fn monthly_cost(&self) -> Option<Cost> {
        self.monthly.map(Money::as_cost)
    }
}
