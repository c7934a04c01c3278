//! The rules of FOCUS 1.2 for each column that is written, as a table, and what keeps them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::units::Timestamp;

/// What a column must have by the specification.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Level {
    Mandatory,
    Recommended,
    Conditional,
}
use Level::{Conditional, Mandatory, Recommended};

/// The form of a column's values.
pub(super) enum Form {
    Text,
    Decimal,
    Instant,
    Currency,
    KeyValue,
    OneOf(&'static [&'static str]),
}
use Form::{Instant, KeyValue, OneOf, Text};

/// Every column of 1.2 that applies to a service without discounts, commitments, reservations,
/// availability zones or a pricing currency of its own: level, whether it may be null, and form.
pub(super) const RULES: &[(&str, Level, bool, Form)] = &[
    ("BilledCost", Mandatory, false, Form::Decimal),
    ("BillingAccountId", Mandatory, false, Text),
    ("BillingAccountName", Mandatory, true, Text),
    ("BillingCurrency", Mandatory, false, Form::Currency),
    ("BillingPeriodEnd", Mandatory, false, Instant),
    ("BillingPeriodStart", Mandatory, false, Instant),
    (
        "ChargeCategory",
        Mandatory,
        false,
        OneOf(&["Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
    ),
    ("ChargeClass", Mandatory, true, OneOf(&["Correction"])),
    ("ChargeDescription", Mandatory, true, Text),
    (
        "ChargeFrequency",
        Recommended,
        false,
        OneOf(&["One-Time", "Recurring", "Usage-Based"]),
    ),
    ("ChargePeriodEnd", Mandatory, false, Instant),
    ("ChargePeriodStart", Mandatory, false, Instant),
    ("ConsumedQuantity", Conditional, true, Form::Decimal),
    ("ConsumedUnit", Conditional, true, Text),
    ("ContractedCost", Mandatory, false, Form::Decimal),
    ("ContractedUnitPrice", Conditional, true, Form::Decimal),
    ("EffectiveCost", Mandatory, false, Form::Decimal),
    ("InvoiceId", Recommended, true, Text),
    ("InvoiceIssuerName", Mandatory, false, Text),
    ("ListCost", Mandatory, false, Form::Decimal),
    ("ListUnitPrice", Conditional, true, Form::Decimal),
    (
        "PricingCategory",
        Conditional,
        true,
        OneOf(&["Standard", "Dynamic", "Committed", "Other"]),
    ),
    ("PricingQuantity", Mandatory, true, Form::Decimal),
    ("PricingUnit", Mandatory, true, Text),
    ("ProviderName", Mandatory, false, Text),
    ("PublisherName", Mandatory, false, Text),
    ("RegionId", Conditional, true, Text),
    ("RegionName", Conditional, true, Text),
    ("ResourceId", Conditional, true, Text),
    ("ResourceName", Conditional, true, Text),
    ("ResourceType", Conditional, true, Text),
    (
        "ServiceCategory",
        Mandatory,
        false,
        OneOf(&[
            "AI and Machine Learning",
            "Analytics",
            "Business Applications",
            "Compute",
            "Databases",
            "Developer Tools",
            "Multicloud",
            "Identity",
            "Integration",
            "Internet of Things",
            "Management and Governance",
            "Media",
            "Migration",
            "Mobile",
            "Networking",
            "Security",
            "Storage",
            "Web",
            "Other",
        ]),
    ),
    ("ServiceName", Mandatory, false, Text),
    // Of the category Media.
    (
        "ServiceSubcategory",
        Recommended,
        false,
        OneOf(&["Other (Media)"]),
    ),
    ("SkuId", Conditional, true, Text),
    ("SkuMeter", Conditional, true, Text),
    ("SkuPriceId", Conditional, true, Text),
    ("SubAccountId", Conditional, true, Text),
    ("SubAccountName", Conditional, true, Text),
    ("Tags", Conditional, true, KeyValue),
];

/// Why a value is none that the column may have.
pub(super) fn broken(value: &str, nullable: bool, form: &Form) -> Option<&'static str> {
    if value.is_empty() {
        return (!nullable).then_some("null");
    }
    let sound = match form {
        Text => value.trim() == value,
        OneOf(allowed) => allowed.contains(&value),
        Form::Currency => iso_currency::Currency::from_code(value).is_some(),
        // Neither an exponent nor a plus, nor a separator but one point.
        Form::Decimal => {
            let digits = value.strip_prefix('-').unwrap_or(value);
            digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && value.parse::<Decimal>().is_ok()
        }
        Instant => {
            value.len() == "2026-03-01T00:00:00Z".len() && {
                let read = value.parse::<Timestamp>();
                read.is_ok_and(|at| at.to_string() == value)
            }
        }
        KeyValue => {
            let read = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(value);
            read.is_ok_and(|all| all.values().all(|v| !v.is_object() && !v.is_array()))
        }
    };
    (!sound).then_some("not of its form")
}

#[test]
fn the_checker_of_rules_notices_what_breaks_them() {
    let refused = |value, form| broken(value, true, &form).is_some();
    assert_eq!(broken("", false, &Text), Some("null"));
    assert_eq!(broken("", true, &Text), None);
    assert!(refused("1e3", Form::Decimal) && refused("+1", Form::Decimal));
    assert!(refused("1,5", Form::Decimal) && refused("1.5.1", Form::Decimal));
    assert!(refused("2026-03-01", Instant) && refused("2026-03-01T01:00:00+01", Instant));
    assert!(refused("usage", OneOf(&["Usage"])) && refused("Euro", Form::Currency));
    assert!(refused("{\"a\":[]}", KeyValue) && refused("pool", KeyValue));
}
