//! Charges in FOCUS: every column keeps its rules, columns agree, and rows add up to the report.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rules::{Level, RULES, broken};

use super::*;
use crate::ledger::testing::{BILLED_AT, OWN_SERVICE, billed, priced_policy};
use crate::ledger::{By, DateRange, SpendRequest};
use crate::units::{Currency, Money, Timestamp};

#[path = "focus_rules.rs"]
mod rules;

type Row = BTreeMap<String, String>;

fn charges(from: &str, to: &str) -> ChargeReport {
    let (ledger, keeper) = billed();
    let range = range(from, to);
    let report = ledger.charges(&priced_policy(OWN_SERVICE), range, &keeper, BILLED_AT);
    report.expect("reads")
}

fn range(from: &str, to: &str) -> DateRange {
    let day = |text: &str| text.parse().expect("a date");
    DateRange {
        from: day(from),
        to: day(to),
    }
}

/// The header and the rows of a text, as a reader of RFC 4180 has them.
fn parsed(text: &str) -> (Vec<String>, Vec<Row>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader
        .headers()
        .expect("a header")
        .iter()
        .map(Into::into)
        .collect();
    let row = |record: csv::StringRecord| {
        let cells = record.iter().map(str::to_owned);
        header.iter().cloned().zip(cells).collect::<Row>()
    };
    let rows = reader
        .records()
        .map(|r| row(r.expect("a row of the header's length")));
    (header.clone(), rows.collect())
}

fn rows() -> Vec<Row> {
    parsed(
        &charges("2026-02-01", "2026-03-31")
            .to_focus()
            .expect("prices"),
    )
    .1
}

fn decimal(row: &Row, column: &str) -> Decimal {
    row[column].parse().expect("a decimal")
}

fn sum(rows: &[Row], column: &str) -> Decimal {
    rows.iter().map(|row| decimal(row, column)).sum()
}

#[test]
fn every_column_keeps_its_rules_in_every_row() {
    let text = charges("2026-02-01", "2026-03-31")
        .to_focus()
        .expect("prices");
    let (header, rows) = parsed(&text);
    let (own, focus): (Vec<_>, Vec<_>) = header.iter().partition(|name| name.starts_with("x_"));
    let expected: Vec<&str> = RULES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        focus, expected,
        "the columns of FOCUS, in the order of their names"
    );
    assert_eq!(
        header[focus.len()..],
        own.into_iter().cloned().collect::<Vec<_>>()[..]
    );
    assert!(expected.is_sorted());
    assert_eq!(rows.len(), 5);
    for (name, level, nullable, form) in RULES {
        assert!(*level == Level::Mandatory || header.iter().any(|column| column == name));
        for row in &rows {
            let found = broken(&row[*name], *nullable, form);
            assert_eq!(found, None, "{name} is {:?}", row[*name]);
        }
    }
}

#[test]
fn columns_agree_with_each_other_as_the_specification_has_it() {
    let mut resources = BTreeSet::new();
    for row in rows() {
        let instant = |column: &str| row[column].parse::<Timestamp>().expect("an instant");
        // A charge lies in its billing period, and both are stretches.
        assert!(
            instant("BillingPeriodStart") <= instant("ChargePeriodStart"),
            "{row:?}"
        );
        assert!(
            instant("ChargePeriodStart") < instant("ChargePeriodEnd"),
            "{row:?}"
        );
        assert!(
            instant("ChargePeriodEnd") <= instant("BillingPeriodEnd"),
            "{row:?}"
        );
        // What is used at a price costs quantity times price, but for the last decimals.
        for (price, cost) in [
            ("ListUnitPrice", "ListCost"),
            ("ContractedUnitPrice", "ContractedCost"),
        ] {
            let product = decimal(&row, price) * decimal(&row, "PricingQuantity");
            assert_eq!(
                product.round_dp(8),
                decimal(&row, cost).round_dp(8),
                "{row:?}"
            );
        }
        // Usage that is no correction has a quantity, a unit, a category and a SKU.
        assert_eq!(
            (&*row["ChargeCategory"], &*row["ChargeClass"]),
            ("Usage", "")
        );
        for column in [
            "PricingQuantity",
            "PricingUnit",
            "PricingCategory",
            "SkuId",
            "SkuPriceId",
        ] {
            assert_ne!(row[column], "", "{column}");
        }
        let sixty = Decimal::from(60);
        let minutes = decimal(&row, "PricingQuantity") * sixty;
        assert_eq!(minutes.round_dp(6), decimal(&row, "ConsumedQuantity"));
        // An id and its name are there together; nothing is billed that is not effective.
        assert_eq!(row["RegionId"].is_empty(), row["RegionName"].is_empty());
        assert_eq!(row["BilledCost"], row["EffectiveCost"]);
        // A resource has one row a day.
        assert!(resources.insert((row["ResourceId"].clone(), row["ChargePeriodStart"].clone())));
    }
}

#[test]
fn a_row_reads_so() {
    let rows = rows();
    let shown = |row: &Row| {
        let cells = row
            .iter()
            .map(|(name, value)| format!("{name}: {value}").trim_end().to_owned());
        cells.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(&rows[2]), @r#"
    BilledCost: 1.495
    BillingAccountId: 7c1f9c5e-1111-4a5b-9a55-0123456789ab
    BillingAccountName:
    BillingCurrency: EUR
    BillingPeriodEnd: 2026-02-28T23:00:00Z
    BillingPeriodStart: 2026-01-31T23:00:00Z
    ChargeCategory: Usage
    ChargeClass:
    ChargeDescription: Standard session of design-review for 30m at 2.99 EUR per hour
    ChargeFrequency: Usage-Based
    ChargePeriodEnd: 2026-02-28T23:00:00Z
    ChargePeriodStart: 2026-02-27T23:00:00Z
    ConsumedQuantity: 30
    ConsumedUnit: Minutes
    ContractedCost: 1.495
    ContractedUnitPrice: 2.99
    EffectiveCost: 1.495
    InvoiceId:
    InvoiceIssuerName: rendering.studio7.example
    ListCost: 1.495
    ListUnitPrice: 2.99
    PricingCategory: Standard
    PricingQuantity: 0.5
    PricingUnit: Hours
    ProviderName: rendering.studio7.example
    PublisherName: rendering.studio7.example
    RegionId:
    RegionName:
    ResourceId: studio7-design-review-0-a
    ResourceName: design-review/0
    ResourceType: Rendering session
    ServiceCategory: Media
    ServiceName: Remote Rendering
    ServiceSubcategory: Other (Media)
    SkuId: Standard
    SkuMeter: Session time
    SkuPriceId: Standard/2.99
    SubAccountId: studio7
    SubAccountName: studio7
    Tags: {"pool":"design-review"}
    x_MinutesAreCertain: true
    x_SessionIsLive: false
    "#);
    let descriptions: Vec<&str> = rows.iter().map(|row| &*row["ChargeDescription"]).collect();
    insta::assert_snapshot!(descriptions.join("\n").replace(" EUR per hour", ""), @r#"
    Premium session of baking for 7m at 9.999999
    Premium session of baking for 12m at 11.5; it still runs: at most so far
    Standard session of design-review for 30m at 2.99
    Standard session of design-review for 1h5m at 2.99
    Standard session of design-review for 20m at 2.99; at most: the service could not say
    "#);
    let marks = |row: &Row| format!("{} {}", row["x_MinutesAreCertain"], row["x_SessionIsLive"]);
    let marks: Vec<String> = rows.iter().map(marks).collect();
    assert_eq!(
        marks,
        [
            "true false",
            "true true",
            "true false",
            "true false",
            "false false"
        ]
    );
}

#[test]
fn lines_end_as_rfc_4180_has_it_and_quotes_stand_where_they_must() {
    let text = charges("2026-03-04", "2026-03-04")
        .to_focus()
        .expect("prices");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert!(
        text.starts_with("BilledCost,") && text.ends_with("false\r\n"),
        "{text}"
    );
    assert!(text.contains(r#","{""pool"":""baking""}","#), "{text}");
}

#[test]
fn a_range_without_charges_has_the_header_alone() {
    let text = charges("2026-01-01", "2026-01-31")
        .to_focus()
        .expect("prices");
    assert_eq!(text.matches("\r\n").count(), 1);
}

#[test]
fn without_a_price_or_a_currency_of_iso_4217_there_is_no_focus() {
    let mut report = charges("2026-03-01", "2026-03-31");
    report.currency = Some(Currency("credits".into()));
    let refused = report.to_focus().expect_err("no currency");
    assert_eq!(
        refused.to_string(),
        "FOCUS needs a currency of ISO 4217, and the policy's \"credits\" is none"
    );
    report.currency = None;
    assert_eq!(report.to_focus(), Err(FocusError::NoPrices));
    for error in [refused, FocusError::NoPrices] {
        assert!(
            error
                .hint()
                .expect("a way out")
                .ends_with("or use --format csv")
        );
    }
}

#[test]
fn all_rows_add_up_to_the_report_to_its_last_digit() {
    let policy = priced_policy(OWN_SERVICE);
    let (ledger, keeper) = billed();
    let request = SpendRequest {
        by: By::Session,
        range: range("2026-02-01", "2026-03-31"),
        zone: policy.time_zone,
        prices: policy.prices.clone(),
    };
    let total = ledger
        .spend(&request, &keeper, BILLED_AT)
        .expect("reads")
        .total;
    let rows = rows();
    let (live, ended): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| row["x_SessionIsLive"] == "true");
    for column in ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost"] {
        for (rows, amount) in [(&ended, total.ended), (&live, total.live)] {
            assert_eq!(
                Some(rounded(sum(rows, column))),
                amount.cost.map(Money::decimal)
            );
        }
    }
}

fn rounded(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

proptest! {
    #[test]
    fn rounded_parts_add_up_to_the_rounded_whole(
        parts in proptest::collection::vec((0u32..1440, 0u32..20_000_000), 0..40),
    ) {
        let mut running = RunningSum::default();
        let (mut exact, mut shown) = (Cost::ZERO, Decimal::ZERO);
        for (minutes, millionths) in parts {
            let price = Decimal::new(millionths.into(), 6).to_string();
            let price: crate::units::Price = price.parse().expect("a price");
            let part = price.cost(Minutes::new(minutes));
            let told = running.next(part);
            // Never off by more than the last decimal of either sum.
            let off = (told - part.to_decimal(12)).abs();
            prop_assert!(off <= Decimal::new(11, 11), "{off}");
            (exact, shown) = (exact + part, shown + told);
        }
        prop_assert_eq!(rounded(shown), exact.to_money(2).decimal());
    }
}
