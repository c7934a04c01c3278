//! What conditions say of two reports.

use super::{Condition, Report};
use crate::sim::testing::{heading, policy, record};

/// 164.79 EUR, and what it costs without one of its sessions.
fn reports() -> (Report, Report) {
    let (new, mut frugal) = (record(), record());
    frugal.sessions.pop();
    let of = |record| Report::of(record, &policy(), &heading());
    (of(&new), of(&frugal))
}

fn holds(text: &str) -> bool {
    let (new, old) = reports();
    let condition: Condition = text.parse().expect("a condition");
    condition.judge(&new, Some(&old)).expect("judged").holds
}

#[test]
fn a_figure_is_held_against_a_bound_a_change_or_a_percentage() {
    for (text, expected) in [
        ("cost>164.78", true),
        ("cost>164.79", false),
        ("cost>=164.79", true),
        ("cost<164.79", false),
        ("cost <= 164.79", true),
        ("cost>+47.78", true),
        ("cost>+47.79", false),
        ("cost>+40%", true),
        ("cost>+1000000%", false),
        ("cost>+41%", false),
        ("cost<-1%", false),
        ("cost>-1%", true),
        ("sessions>4", true),
        ("sessions>+1", false),
        ("sessions>=+1", true),
        ("never>0", true),
        ("never>+0", false),
        ("lost>=1", false),
        ("ready>40h32m", true),
        ("ready>40h33m", false),
        ("p95-wait>=2m30s", true),
        ("exposure>20m", true),
        // From nothing, anything is more than any percentage; nothing is not.
        ("lost>+100%", false),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn what_comes_from_nothing_has_grown_by_more_than_any_percentage() {
    let (new, mut old) = reports();
    old.total.clients.never = 0;
    let condition: Condition = "never>+1000%".parse().expect("a condition");
    let judged = condition.judge(&new, Some(&old)).expect("judged");
    assert!(judged.holds);
    assert_eq!(judged.to_string(), "0 became 1");
}

#[test]
fn a_judgement_tells_the_figures() {
    let (new, old) = reports();
    let told = |text: &str| {
        let condition: Condition = text.parse().expect("a condition");
        condition
            .judge(&new, Some(&old))
            .expect("judged")
            .to_string()
    };
    assert_eq!(told("cost>+10%"), "117.00 EUR became 164.79 EUR, +40.8%");
    assert_eq!(told("ready>+1h"), "1d34m became 1d16h33m, +65.0%");
    assert_eq!(told("sessions>7"), "it is 5");
}

#[test]
fn what_is_no_condition_says_what_could_be_written() {
    for (text, said) in [
        (
            "cost",
            "a condition is a figure, one of > >= < <=, and a bound, as in cost>+10%",
        ),
        (
            "cost>10%",
            "\"10%\" is no bound for cost; write 100, +12.50 or +10%",
        ),
        (
            "cost>",
            "\"\" is no bound for cost; write 100, +12.50 or +10%",
        ),
        (
            "cost>+-1%",
            "\"+-1%\" is no bound for cost; write 100, +12.50 or +10%",
        ),
        (
            "cost>+79228162514264337593543950335%",
            "\"+79228162514264337593543950335%\" is no bound for cost; write 100, +12.50 or +10%",
        ),
        (
            "ready>5",
            "\"5\" is no bound for ready; write 2h, +30m or +10%",
        ),
        (
            "lost>1.5",
            "\"1.5\" is no bound for lost; write 0, +5 or +10%",
        ),
    ] {
        let error = text.parse::<Condition>().expect_err(text);
        assert_eq!(error.to_string(), said);
    }
    let error = "cots>1".parse::<Condition>().expect_err("no figure");
    let said = error.to_string();
    assert!(
        said.starts_with("there is no figure \"cots\"; there are cost, wasted-cost"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_judged_says_why() {
    let (new, old) = reports();
    let judge = |text: &str, new: &Report, old: Option<&Report>| {
        let condition: Condition = text.parse().expect("a condition");
        condition.judge(new, old).map_err(|e| e.to_string())
    };
    let said = "cost>+1% is about a change, and there is no other policy to compare with";
    assert_eq!(judge("cost>+1%", &new, None), Err(said.into()));
    assert!(judge("cost>1", &new, None).is_ok());
    let mut free = old.clone();
    free.priced = false;
    let said = "cost>+1% is about money, and policy.toml names no prices";
    assert_eq!(judge("cost>+1%", &new, Some(&free)), Err(said.into()));
    assert!(judge("cost>1", &new, Some(&free)).is_ok());
    assert!(judge("never>+1", &new, Some(&free)).is_ok());
    let mut dollars = old;
    dollars.currency = crate::units::Currency("USD".into());
    let said = "cost>+1% cannot be judged: one policy counts in USD, the other in EUR";
    assert_eq!(judge("cost>+1%", &new, Some(&dollars)), Err(said.into()));
}
