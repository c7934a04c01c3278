//! Whether every budget has the prices that it needs.

use std::collections::BTreeSet;

use crate::policy::{Budget, Prices, Team};
use crate::units::Size;

use super::pool::PlacedPool;
use super::reader::Table;

/// A budget bounds money, so every size that it may pay for needs a price.
pub(super) fn check_prices(
    root: &Table<'_, '_>,
    prices: &Prices,
    whole: &Budget,
    pools: &[PlacedPool],
    teams: &[Team],
) {
    let bounded = |b: &Budget| *b != Budget::default();
    // A team's people may hold a session of any pool.
    let all = bounded(whole) || teams.iter().any(|team| bounded(&team.budget));
    let mut lacking = BTreeSet::new();
    for (pool, span) in pools.iter().filter(|(p, _)| all || bounded(&p.budget)) {
        for size in pool.sizes() {
            let (price, key) = match size {
                Size::Premium => (prices.premium, "premium"),
                _ => (prices.standard, "standard"),
            };
            if price.is_none() && lacking.insert(key) {
                let help = Some(format!("add to the policy: [prices] {key} = \"2.99\""));
                let message = format!(
                    "a budget bounds pool `{}`, and [prices] has no price for {key}",
                    pool.name
                );
                root.notes.error(
                    span.clone(),
                    message,
                    format!("may ask for {key} sessions"),
                    help,
                );
            }
        }
    }
}
