//! Charges: a row for each session and day, and the same sums as the report of spend.

use super::*;
use crate::ledger::testing::{BILLED_AT, OWN_SERVICE, billed, priced_policy};
use crate::ledger::{By, SpendRequest};
use crate::units::Cost;

fn range(from: &str, to: &str) -> DateRange {
    let day = |text: &str| text.parse().expect("a date");
    DateRange {
        from: day(from),
        to: day(to),
    }
}

fn report(service: &str, range: DateRange) -> ChargeReport {
    let (ledger, keeper) = billed();
    ledger
        .charges(&priced_policy(service), range, &keeper, BILLED_AT)
        .expect("reads")
}

#[test]
fn each_session_has_a_charge_for_each_day_on_which_it_billed() {
    let all = report(OWN_SERVICE, range("2026-02-01", "2026-03-31"));
    let rows: Vec<String> = all
        .charges
        .iter()
        .map(|c| {
            let mark = [(c.live, " live"), (!c.certain, " at most")];
            let marks = mark.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
            let marks: String = marks.collect();
            let region = c.region.as_ref().map_or("-", |r| r.as_str());
            format!(
                "{} {} {region} {} {}{marks}",
                c.day,
                c.session,
                c.minutes,
                c.price.decimal()
            )
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    2026-02-10 studio7-baking-0-c north 7m 9.999999
    2026-03-04 studio7-baking-1-e - 12m 11.50 live
    2026-02-28 studio7-design-review-0-a - 30m 2.99
    2026-03-01 studio7-design-review-0-a - 1h5m 2.99
    2026-03-04 studio7-design-review-1-b - 20m 2.99 at most
    "#);
}

#[test]
fn only_the_days_of_the_range_are_charged() {
    let march = report(OWN_SERVICE, range("2026-03-01", "2026-03-31"));
    let days: Vec<String> = march.charges.iter().map(|c| c.day.to_string()).collect();
    assert_eq!(days, ["2026-03-04", "2026-03-01", "2026-03-04"]);
}

#[test]
fn charges_add_up_to_the_report_of_the_same_days() {
    let policy = priced_policy(OWN_SERVICE);
    let (ledger, keeper) = billed();
    for (from, to) in [("2026-02-01", "2026-03-31"), ("2026-03-01", "2026-03-03")] {
        let range = range(from, to);
        let request = SpendRequest {
            by: By::Day,
            range,
            zone: policy.time_zone,
            prices: policy.prices.clone(),
        };
        let spend = ledger.spend(&request, &keeper, BILLED_AT).expect("reads");
        let charges = ledger.charges(&policy, range, &keeper, BILLED_AT);
        let charges = charges.expect("reads").charges;
        for (live, amount) in [(false, spend.total.ended), (true, spend.total.live)] {
            let of = || charges.iter().filter(|c| c.live == live);
            let cost: Cost = of().map(|c| c.price.cost(c.minutes)).sum();
            let minutes: u32 = of().map(|c| c.minutes.get()).sum();
            assert_eq!(policy.prices.money(cost), amount.cost, "{from} live {live}");
            assert_eq!(minutes, amount.minutes.get(), "{from} live {live}");
        }
    }
}

#[test]
fn the_provider_and_the_account_are_those_of_the_service() {
    let of = |service: &str| {
        let report = report(service, range("2026-03-04", "2026-03-04"));
        let region = report.charges[0].region.clone();
        let region = region.map_or_else(|| "-".into(), |r| r.to_string());
        format!("{} {} {region}", report.provider, report.account)
    };
    let account = "account_id = \"7c1f9c5e-1111-4a5b-9a55-0123456789ab\"";
    let domain = "account_domain = \"studio7.example\"";
    assert_eq!(
        of(OWN_SERVICE),
        "rendering.studio7.example 7c1f9c5e-1111-4a5b-9a55-0123456789ab -"
    );
    assert_eq!(
        of(&format!("region = \"westeurope\"\n{account}\n{domain}")),
        "Microsoft 7c1f9c5e-1111-4a5b-9a55-0123456789ab westeurope"
    );
    assert_eq!(
        of(&format!(
            "region = \"attic\"\n{account}\n{domain}\n[service.regions]\n\
             attic = \"https://attic.studio7.example:8443\""
        )),
        "attic.studio7.example 7c1f9c5e-1111-4a5b-9a55-0123456789ab attic"
    );
}

#[test]
fn a_report_is_the_same_after_a_trip_through_json() {
    let report = report(OWN_SERVICE, range("2026-03-01", "2026-03-31"));
    let json = serde_json::to_value(&report).expect("serializes");
    assert_eq!(json["time_zone"], "Europe/Berlin");
    assert_eq!(
        serde_json::from_value::<ChargeReport>(json).expect("reads"),
        report
    );
}
