//! The most that a policy can cost, before anything is created.
//!
//! Every pool is taken to be full while its schedule is open, at its dearest size, up to whatever
//! budget bounds it. Overlaps are not counted: while a successor takes over, two sessions of one
//! slot may bill for some minutes, as far as the budgets let them.

use crate::policy::{Policy, Pool};
use crate::units::{Cost, Minutes, Price, Timestamp};

use super::period::{Period, PeriodKind};

/// As many days as the longest month has.
const DAYS: usize = 31;

/// The most that a policy can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// In the dearest of the next 31 days.
    pub day: Cost,
    /// In 31 days.
    pub month: Cost,
}

/// The most that a policy can cost from the day of `now` on; `None` where a pool may ask for a size
/// that has no price.
pub fn worst_case(now: Timestamp, policy: &Policy) -> Option<WorstCase> {
    let mut days = [Cost::ZERO; DAYS];
    let mut month = Cost::ZERO;
    for pool in &policy.pools {
        let of_pool = pool_days(now, policy, pool)?;
        let of_month = at_most(of_pool.iter().copied().sum(), pool.budget.monthly_cost());
        month += of_month;
        for (day, of_pool) in days.iter_mut().zip(of_pool) {
            *day += of_pool.min(of_month);
        }
    }
    let days = days.map(|day| at_most(day, policy.budget.daily_cost()));
    let month = month.min(days.iter().copied().sum());
    let month = at_most(month, policy.budget.monthly_cost());
    let dearest = days.into_iter().max().unwrap_or(Cost::ZERO);
    Some(WorstCase {
        day: dearest.min(month),
        month,
    })
}

/// The most that a pool can cost on each day, within its own budget.
fn pool_days(now: Timestamp, policy: &Policy, pool: &Pool) -> Option<[Cost; DAYS]> {
    let price = dearest(policy, pool)?;
    let mut day = Period::containing(PeriodKind::Day, now, policy.time_zone);
    let costs = [(); DAYS].map(|()| {
        // Somebody may still reserve any time.
        let open = match pool.reservations.is_empty() {
            true => pool.schedule.open_within(day.start, day.end),
            false => day.end - day.start,
        };
        let open = open.ceil_minutes();
        day = day.next(PeriodKind::Day, policy.time_zone);
        let minutes = open.get().saturating_mul(pool.slots());
        at_most(price.cost(Minutes::new(minutes)), pool.budget.daily_cost())
    });
    Some(costs)
}

/// The highest price of the sizes that a pool may ask for.
fn dearest(policy: &Policy, pool: &Pool) -> Option<Price> {
    let prices: Option<Vec<Price>> = pool.sizes().map(|size| policy.prices.named(size)).collect();
    prices?.into_iter().max()
}

fn at_most(cost: Cost, bound: Option<Cost>) -> Cost {
    bound.map_or(cost, |bound| cost.min(bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load;

    fn told(keys: &str, pool: &str) -> Option<(String, String)> {
        let text = format!(
            "owner = \"a\"\nservice = {{ embedded = true }}\n{keys}\n[[pool]]\nname = \"a\"\n{pool}"
        );
        let policy = load("p", &text).expect("it loads").policy;
        let now = "2026-03-02T10:00:00Z".parse().expect("an instant");
        let worst = worst_case(now, &policy)?;
        let shown = |cost: Cost| policy.prices.money(cost).expect("priced").to_string();
        Some((shown(worst.day), shown(worst.month)))
    }

    #[test]
    fn a_full_pool_at_its_dearest_bounds_what_a_policy_can_cost_and_budgets_bound_it_further() {
        let prices = "prices = { currency = \"EUR\", standard = \"2.99\", premium = \"10\" }";
        let both = |day: &str, month: &str| Some((day.to_owned(), month.to_owned()));
        for (keys, pool, expected) in [
            ("", "max = 1", both("71.76", "2224.56")),
            (
                "",
                "max = 2\nfallback_sizes = [\"premium\"]",
                both("480.00", "14880.00"),
            ),
            (
                "",
                "schedule = [\"Mon 08:00-10:00 UTC\"]",
                both("5.98", "29.90"),
            ),
            ("", "schedule = \"never\"", both("0.00", "0.00")),
            ("", "budget = { daily = \"40\" }", both("40.00", "1240.00")),
            ("", "budget = { monthly = \"50\" }", both("50.00", "50.00")),
            (
                "budget = { daily = \"30\" }\n",
                "max = 9",
                both("30.00", "930.00"),
            ),
            (
                "budget = { monthly = \"60\" }\n",
                "max = 9",
                both("60.00", "60.00"),
            ),
        ] {
            let keys = format!("{keys}{prices}");
            assert_eq!(told(&keys, pool), expected, "{keys} {pool}");
        }
        assert_eq!(told("", "max = 1"), None);
        let standard = "prices = { currency = \"EUR\", standard = \"2.99\" }";
        assert_eq!(told(standard, "fallback_sizes = [\"premium\"]"), None);
    }
}
