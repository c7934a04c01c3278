//! What a policy may say, and its author probably does not mean: drawn as warnings.

use crate::policy::{Budget, Prices, Schedule};
use crate::units::{Cost, Money};

use super::pool::{PlacedPool, Pool};
use super::reader::{Table, Value};

/// Warns of each pool that cannot do what its entry says, or that nothing bounds.
pub(super) fn warn_of_doubts(
    root: &Table<'_, '_>,
    prices: &Prices,
    whole: &Budget,
    pools: &[PlacedPool],
) {
    let entries = root.get("pool").filter(|value| !value.is_table());
    let entries = entries.and_then(|value| value.array()).unwrap_or_default();
    for entry in &entries {
        let pool = pools.iter().find(|(_, span)| *span == entry.span);
        let Some(((pool, _), table)) = pool.zip(entry.table()) else {
            continue;
        };
        let place = |key| table.get(key);
        warn_of_no_slots(pool, place("max").as_ref());
        warn_of_lease(
            pool,
            place("lease").as_ref(),
            place("max_lifetime").as_ref(),
        );
        warn_of_no_bound(
            pool,
            whole,
            place("idle_timeout").as_ref(),
            place("spare").as_ref(),
        );
        let table = place("budget").and_then(|value| value.table());
        let bounds = [
            ("daily", pool.budget.daily),
            ("monthly", pool.budget.monthly),
        ];
        for (key, bound) in bounds {
            let value = table.as_ref().and_then(|table| table.get(key));
            warn_of_small_budget(pool, prices, bound, value.as_ref());
        }
    }
    // A budget of the whole policy is too small where no pool fits into it.
    let table = root.get("budget").and_then(|value| value.table());
    for (key, bound) in [("daily", whole.daily), ("monthly", whole.monthly)] {
        let value = table.as_ref().and_then(|table| table.get(key));
        let pool = pools.iter().map(|(pool, _)| pool);
        let cheapest = pool.min_by_key(|pool| lease_cost(pool, prices));
        if let Some(pool) = cheapest {
            warn_of_small_budget(pool, prices, bound, value.as_ref());
        }
    }
}

fn warn_of_no_slots(pool: &Pool, max: Option<&Value<'_, '_>>) {
    if let Some(value) = max.filter(|_| pool.slots() == 0) {
        let help = "a pool that is not to have any for now says `schedule = \"never\"`";
        value.warn(
            format!("pool `{}` can never have a session", pool.name),
            "no slots",
            Some(help.into()),
        );
    }
}

fn warn_of_lease(pool: &Pool, lease: Option<&Value<'_, '_>>, life: Option<&Value<'_, '_>>) {
    if let Some(value) = lease.or(life).filter(|_| pool.lease > pool.max_lifetime) {
        value.warn(
            format!("a lease of {} outlasts the session", pool.lease),
            format!("`max_lifetime` is {}", pool.max_lifetime),
            Some("shorten the lease, or let the session live longer".into()),
        );
    }
}

fn warn_of_no_bound(
    pool: &Pool,
    whole: &Budget,
    idle: Option<&Value<'_, '_>>,
    spare: Option<&Value<'_, '_>>,
) {
    let spends = |budget: &Budget| budget.daily.or(budget.monthly).is_some();
    let bounded = pool.schedule != Schedule::always() || spends(whole) || spends(&pool.budget);
    let (place, label) = match (idle, spare) {
        (Some(value), _) if pool.idle_timeout.is_none() => (value, "nobody is ever idle"),
        (_, Some(value)) if pool.spare > 0 => (value, "stock is never idle"),
        _ => return,
    };
    if !bounded && pool.slots() > 0 {
        place.warn(
            format!("nothing ends what pool `{}` bills", pool.name),
            label,
            Some("bound it by a `schedule`, or by a `daily` or `monthly` budget".into()),
        );
    }
}

fn warn_of_small_budget(
    pool: &Pool,
    prices: &Prices,
    bound: Option<Money>,
    place: Option<&Value<'_, '_>>,
) {
    let (Some(bound), Some(place)) = (bound, place) else {
        return;
    };
    let lease = lease_cost(pool, prices);
    if let Some(cost) = lease.filter(|cost| bound.as_cost() < *cost) {
        place.warn(
            format!(
                "this does not pay for one lease of pool `{}`, which is {} {} for {}",
                pool.name,
                prices.rounded(cost),
                prices.currency,
                pool.lease
            ),
            "only shorter leases fit",
            None,
        );
    }
}

/// What one lease of a pool costs at its cheapest size.
fn lease_cost(pool: &Pool, prices: &Prices) -> Option<Cost> {
    let costs = pool.sizes().filter_map(|size| prices.named(size));
    costs.map(|price| price.cost(pool.lease)).min()
}
