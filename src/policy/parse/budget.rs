//! `[prices]` and `[budget]`, and the `budget` of a pool.

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::policy::schedule::nearest_zone;
use crate::policy::{Budget, Prices};
use crate::units::Currency;

use super::reader::{Table, Value};

pub(super) fn prices(table: Table<'_, '_>) -> Prices {
    let standard = table.get("standard").and_then(|v| v.amount());
    let premium = table.get("premium").and_then(|v| v.amount());
    let currency = table.get("currency").and_then(|v| v.str());
    table.end();
    Prices {
        currency: Currency(currency.unwrap_or("EUR").into()),
        standard,
        premium,
    }
}

/// The bounds of a budget; the other keys of its table are left to the caller.
pub(super) fn budget(table: &Table<'_, '_>) -> Budget {
    Budget {
        max_exposure: table.get("max_exposure").and_then(|v| v.amount()),
        ..periods(table)
    }
}

/// The bounds of a budget on its periods.
pub(super) fn periods(table: &Table<'_, '_>) -> Budget {
    let daily = table.get("daily");
    let budget = Budget {
        daily: daily.as_ref().and_then(Value::amount),
        monthly: table.get("monthly").and_then(|v| v.amount()),
        max_exposure: None,
    };
    if let (Some(place), Some(day), Some(month)) = (&daily, budget.daily, budget.monthly)
        && day > month
    {
        place.warn(
            "the daily budget is larger than the monthly one",
            "one day may spend the month",
            None,
        );
    }
    budget
}

pub(super) fn whole_budget(table: Table<'_, '_>) -> (Budget, Tz, Vec<Decimal>) {
    let budget = budget(&table);
    let zone = table.get("time_zone").and_then(|v| zone(&v));
    let shares = table
        .get("alert_at")
        .and_then(|v| v.array())
        .unwrap_or_default();
    let mut alert_at: Vec<Decimal> = shares.iter().filter_map(share).collect();
    alert_at.sort_unstable();
    alert_at.dedup();
    table.end();
    (budget, zone.unwrap_or(Tz::UTC), alert_at)
}

fn share(value: &Value<'_, '_>) -> Option<Decimal> {
    let share: Option<Decimal> = value.number()?.parse().ok();
    let share = share.filter(|s| *s > Decimal::ZERO && *s <= Decimal::ONE);
    if share.is_none() {
        value.error(
            "an alert line is a share of the budget",
            "must be above 0 and at most 1",
            None,
        );
    }
    share
}

fn zone(value: &Value<'_, '_>) -> Option<Tz> {
    let text = value.str()?;
    let zone = text.parse().ok();
    if zone.is_none() {
        let help = nearest_zone(text).map(|name| format!("did you mean {name:?}?"));
        value.error(
            format!("{text:?} is not a time zone"),
            "needs an IANA name, such as \"Europe/Berlin\"",
            help,
        );
    }
    zone
}
