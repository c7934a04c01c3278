//! `[prices]` and `[budget]`: what an hour costs, and what may be spent.

use crate::units::{Cost, Currency, Money, Price, Size};

/// What an hour of each size costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// The currency of every amount in the policy; without a name where there is no price.
    pub currency: Currency,
    /// Price of an hour of Standard; `None` where the policy names no price, and so no budget.
    pub standard: Option<Price>,
    /// Price of an hour of Premium.
    pub premium: Option<Price>,
}

impl Prices {
    /// Whether any size has a price. Where none has, what anything costs is not known.
    pub fn are_known(&self) -> bool {
        self.standard.max(self.premium).is_some()
    }

    /// The currency, where there is a price.
    pub fn known_currency(&self) -> Option<Currency> {
        self.are_known().then(|| self.currency.clone())
    }

    /// A cost as money, to be shown; `None` where nothing has a price.
    pub fn money(&self, cost: Cost) -> Option<Money> {
        self.are_known().then(|| self.rounded(cost))
    }

    /// A cost as money, to be shown: with the decimals that its currency has (ISO 4217), and for
    /// what is no currency with as many as the prices are given with, at least two.
    pub fn rounded(&self, cost: Cost) -> Money {
        let given = || {
            let scales = [self.standard, self.premium].map(|p| p.map_or(0, Price::places));
            scales.into_iter().fold(2, u32::max)
        };
        cost.to_money(self.currency.places().unwrap_or_else(given))
    }

    /// The price of a size that the policy names one for.
    pub fn named(&self, size: &Size) -> Option<Price> {
        match size {
            Size::Standard => self.standard,
            Size::Premium => self.premium,
            Size::Other(_) => None,
        }
    }

    /// The price of a size. An unknown size, or one without a price, costs the highest price known.
    pub fn of(&self, size: &Size) -> Price {
        self.named(size)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Minutes;

    #[test]
    fn an_amount_has_the_decimals_of_its_currency_and_a_made_up_one_those_of_its_prices() {
        let shown = |currency: &str, price: &str| {
            let price: Price = price.parse().expect("a price");
            let prices = Prices {
                currency: Currency(currency.into()),
                standard: Some(price),
                premium: None,
            };
            let shown = prices.money(price.cost(Minutes::new(20)));
            shown.expect("priced").to_string()
        };
        assert_eq!(shown("EUR", "2.99"), "1.00");
        assert_eq!(shown("EUR", "0.000123"), "0.00");
        assert_eq!(shown("JPY", "430"), "143");
        assert_eq!(shown("KWD", "0.95"), "0.317");
        assert_eq!(shown("credits", "0.000123"), "0.000041");
        assert_eq!(shown("credits", "3"), "1.00");
        assert_eq!(Prices::default().money(Cost::ZERO), None);
    }
}
