//! Charges in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.
//!
//! Promises: every mandatory column is there, and those conditional ones that apply; values keep
//! the rules of their columns; the costs of all rows add up to the spend report's total, to the
//! last digit that it shows. What is no column of FOCUS begins with `x_` and stands last.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::json;

use crate::keeper::{Period, PeriodKind};
use crate::report::Hint;
use crate::units::{Cost, Minutes};

use super::charges::{Charge, ChargeReport};
use super::csv_text::CsvText;

/// How many decimals a cost has here: enough for a minute at the finest price, and for sums of
/// them to round as the exact sum does.
const PLACES: u32 = 10;

/// Why charges cannot be told in FOCUS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FocusError {
    /// There is no amount.
    #[error("FOCUS needs costs, and the policy names no prices")]
    NoPrices,
    /// The currency is no state's.
    #[error("FOCUS needs a currency of ISO 4217, and the policy's {0:?} is none")]
    NotACurrency(String),
}

impl Hint for FocusError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::NoPrices => "set `[prices]` in the policy, or use --format csv".into(),
            Self::NotACurrency(_) => {
                "set `prices.currency` to a code such as EUR, or use --format csv".into()
            }
        })
    }
}

/// What every row of a report has.
struct Common<'a> {
    report: &'a ChargeReport,
    currency: &'a str,
}

/// The sum so far, and what it was rounded to: what is left over goes into the next row, so that
/// rounded parts add up to the rounded whole.
#[derive(Default)]
struct RunningSum {
    exact: Cost,
    shown: Decimal,
}

impl RunningSum {
    fn next(&mut self, part: Cost) -> Decimal {
        self.exact += part;
        let sum = self.exact.to_decimal(PLACES);
        let shown = sum - self.shown;
        self.shown = sum;
        shown.normalize()
    }
}

impl ChargeReport {
    /// The charges as CSV with the columns of FOCUS 1.2.
    ///
    /// # Errors
    /// If the policy names no price, or a currency that is none of ISO 4217.
    pub fn to_focus(&self) -> Result<String, FocusError> {
        let currency = self.currency.as_ref().ok_or(FocusError::NoPrices)?;
        if currency.places().is_none() {
            return Err(FocusError::NotACurrency(currency.0.clone()));
        }
        let common = Common {
            report: self,
            currency: &currency.0,
        };
        let mut text = CsvText::default();
        text.row(COLUMNS.iter().map(|(name, _)| *name));
        // The report rounds sessions that ended and those that run apart.
        let (mut ended, mut live) = (RunningSum::default(), RunningSum::default());
        for charge in &self.charges {
            let sum = if charge.live { &mut live } else { &mut ended };
            let cost = sum.next(charge.price.cost(charge.minutes)).to_string();
            let cells = COLUMNS.iter().map(|(_, cell)| cell(&common, charge, &cost));
            text.row(cells);
        }
        Ok(text.into())
    }
}

/// What a row has in a column; empty is null.
type Cell = fn(&Common<'_>, &Charge, &str) -> String;

/// The columns, in the order of their names; our own last.
const COLUMNS: &[(&str, Cell)] = &[
    ("BilledCost", |_, _, cost| cost.into()),
    ("BillingAccountId", |all, _, _| all.report.account.clone()),
    // The service's accounts have no names.
    ("BillingAccountName", |_, _, _| String::new()),
    ("BillingCurrency", |all, _, _| all.currency.into()),
    ("BillingPeriodEnd", |all, row, _| {
        all.month(row).end.to_string()
    }),
    ("BillingPeriodStart", |all, row, _| {
        all.month(row).start.to_string()
    }),
    ("ChargeCategory", |_, _, _| "Usage".into()),
    // No row corrects a month that was billed before.
    ("ChargeClass", |_, _, _| String::new()),
    ("ChargeDescription", description),
    ("ChargeFrequency", |_, _, _| "Usage-Based".into()),
    ("ChargePeriodEnd", |all, row, _| {
        all.day(row).end.to_string()
    }),
    ("ChargePeriodStart", |all, row, _| {
        all.day(row).start.to_string()
    }),
    ("ConsumedQuantity", |_, row, _| {
        row.minutes.get().to_string()
    }),
    ("ConsumedUnit", |_, _, _| "Minutes".into()),
    ("ContractedCost", |_, _, cost| cost.into()),
    ("ContractedUnitPrice", |_, row, _| unit_price(row)),
    ("EffectiveCost", |_, _, cost| cost.into()),
    // The service issues the invoice, and leasekeeper never sees it.
    ("InvoiceId", |_, _, _| String::new()),
    ("InvoiceIssuerName", |all, _, _| all.report.provider.clone()),
    ("ListCost", |_, _, cost| cost.into()),
    ("ListUnitPrice", |_, row, _| unit_price(row)),
    ("PricingCategory", |_, _, _| "Standard".into()),
    ("PricingQuantity", |_, row, _| hours(row.minutes)),
    ("PricingUnit", |_, _, _| "Hours".into()),
    ("ProviderName", |all, _, _| all.report.provider.clone()),
    ("PublisherName", |all, _, _| all.report.provider.clone()),
    ("RegionId", |_, row, _| region(row)),
    ("RegionName", |_, row, _| region(row)),
    ("ResourceId", |_, row, _| row.session.to_string()),
    ("ResourceName", |_, row, _| row.slot.to_string()),
    ("ResourceType", |_, _, _| "Rendering session".into()),
    ("ServiceCategory", |_, _, _| "Media".into()),
    ("ServiceName", |_, _, _| "Remote Rendering".into()),
    ("ServiceSubcategory", |_, _, _| "Other (Media)".into()),
    ("SkuId", |_, row, _| row.size.to_string()),
    ("SkuMeter", |_, _, _| "Session time".into()),
    // A size has one price at a time, so the two together tell a price from every other.
    ("SkuPriceId", |_, row, _| {
        format!("{}/{}", row.size, unit_price(row))
    }),
    ("SubAccountId", |all, _, _| all.report.owner.to_string()),
    ("SubAccountName", |all, _, _| all.report.owner.to_string()),
    ("Tags", |_, row, _| {
        json!({ "pool": row.slot.pool }).to_string()
    }),
    // In the sense of the report's `certain` and `live`.
    ("x_MinutesAreCertain", |_, row, _| row.certain.to_string()),
    ("x_SessionIsLive", |_, row, _| row.live.to_string()),
];

impl Common<'_> {
    fn day(&self, charge: &Charge) -> Period {
        Period::of_date(PeriodKind::Day, charge.day, self.report.time_zone)
    }
    fn month(&self, charge: &Charge) -> Period {
        Period::of_date(PeriodKind::Month, charge.day, self.report.time_zone)
    }
}

fn description(all: &Common<'_>, row: &Charge, _: &str) -> String {
    let doubt = match (row.live, row.certain) {
        (true, _) => "; it still runs: at most so far",
        (false, true) => "",
        (false, false) => "; at most: the service could not say",
    };
    format!(
        "{} session of {} for {} at {} {} per hour{doubt}",
        row.size,
        row.slot.pool,
        row.minutes,
        unit_price(row),
        all.currency,
    )
}

fn unit_price(charge: &Charge) -> String {
    charge.price.decimal().normalize().to_string()
}

fn hours(minutes: Minutes) -> String {
    let hours = Decimal::from(minutes.get()) / Decimal::from(60);
    hours.round_dp(PLACES).normalize().to_string()
}

fn region(charge: &Charge) -> String {
    charge
        .region
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "focus_tests.rs"]
mod tests;
