//! Two policies side by side, for the same usage: the figures of both and what the second one
//! changes.

use std::fmt::Write;

use rust_decimal::Decimal;
use serde::Serialize;

use chrono_tz::Tz;

use crate::units::{Money, Span};

use super::figures::Report;
use super::text::{counted, hours, table};
use super::timeline;

/// Two reports of the same usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Of the policy that was asked about.
    pub policy: Report,
    /// Of the one it is held against.
    pub against: Report,
    /// `against` less `policy`.
    pub difference: Difference,
}

/// What the other policy would change: its figures less those of the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Sessions.
    pub sessions: i64,
    /// Minutes billed.
    pub ready_minutes: i64,
    /// Minutes held.
    pub held_minutes: i64,
    /// Minutes idle.
    pub idle_minutes: i64,
    /// Minutes wasted.
    pub wasted_minutes: i64,
    /// Minutes in which a budget kept a slot empty.
    pub over_budget_minutes: i64,
    /// Cost, as a decimal with its sign. None where the currencies differ.
    pub cost: Option<String>,
    /// Cost of the wasted minutes. None where the currencies differ.
    pub wasted_cost: Option<String>,
    /// Visits that found a session at once.
    pub warm: i64,
    /// Visits that waited for one.
    pub cold: i64,
    /// Visits that never got one.
    pub never: i64,
    /// Sessions that ended under a client.
    pub lost: i64,
    /// The longest exposure.
    pub exposure_seconds: i64,
}

const fn less(b: u64, a: u64) -> i64 {
    b.cast_signed().saturating_sub(a.cast_signed())
}

impl Comparison {
    /// Holds a report against another.
    pub fn of(policy: Report, against: Report) -> Self {
        let (a, b) = (&policy.total, &against.total);
        let same = policy.currency == against.currency;
        let money = |b: Money, a: Money| same.then(|| signed(b.decimal() - a.decimal()));
        let exposure = |r: &Report| r.exposure.as_ref().map_or(0, |e| e.seconds);
        let difference = Difference {
            sessions: less(b.sessions.into(), a.sessions.into()),
            ready_minutes: less(b.ready_minutes, a.ready_minutes),
            held_minutes: less(b.held_minutes, a.held_minutes),
            idle_minutes: less(b.idle_minutes, a.idle_minutes),
            wasted_minutes: less(b.wasted_minutes, a.wasted_minutes),
            over_budget_minutes: less(b.over_budget_minutes, a.over_budget_minutes),
            cost: money(b.cost, a.cost),
            wasted_cost: money(b.wasted_cost, a.wasted_cost),
            warm: less(b.clients.warm.into(), a.clients.warm.into()),
            cold: less(b.clients.cold.into(), a.clients.cold.into()),
            never: less(b.clients.never.into(), a.clients.never.into()),
            lost: less(b.clients.lost.into(), a.clients.lost.into()),
            exposure_seconds: exposure(&against) - exposure(&policy),
        };
        Self {
            policy,
            against,
            difference,
        }
    }

    /// Both side by side, then the slots of each, for a terminal of so many characters.
    pub fn text(&self, width: usize) -> String {
        let (a, b, d) = (&self.policy, &self.against, &self.difference);
        let first = a
            .daily
            .first()
            .map(|d| d.date.format("%a %-d %b %Y").to_string())
            .unwrap_or_default();
        let days = counted(a.days.into(), "day");
        let mut out = format!(
            "{} and {}: {days} from {first} ({}), {}\n\n",
            a.policy, b.policy, a.time_zone, a.usage
        );
        let _ = writeln!(out, "  {}\n", self.sentence());
        let head = [
            "".into(),
            short(&a.policy),
            short(&b.policy),
            "difference".into(),
        ];
        let mut rows = vec![head.to_vec()];
        let mut row =
            |name: &str, a: String, b: String, d: String| rows.push(vec![name.into(), a, b, d]);
        let (x, y) = (&a.total, &b.total);
        let money = |r: &Report, m: Money| {
            if r.priced {
                format!("{m} {}", r.currency)
            } else {
                String::new()
            }
        };
        row(
            "cost",
            money(a, x.cost),
            money(b, y.cost),
            d.cost.clone().unwrap_or_default(),
        );
        row(
            "  of it wasted",
            money(a, x.wasted_cost),
            money(b, y.wasted_cost),
            d.wasted_cost.clone().unwrap_or_default(),
        );
        row("dearest day", dearest(a), dearest(b), String::new());
        let mut time =
            |name: &str, a: u64, b: u64| row(name, hours(a), hours(b), signed_hours(less(b, a)));
        time("Ready", x.ready_minutes, y.ready_minutes);
        time("  held", x.held_minutes, y.held_minutes);
        time("  idle", x.idle_minutes, y.idle_minutes);
        time("  of it wasted", x.wasted_minutes, y.wasted_minutes);
        time(
            "kept empty by budgets",
            x.over_budget_minutes,
            y.over_budget_minutes,
        );
        let mut count = |name: &str, a: u32, b: u32| {
            row(
                name,
                a.to_string(),
                b.to_string(),
                format!("{:+}", less(b.into(), a.into())),
            );
        };
        count("sessions", x.sessions, y.sessions);
        count("visits at once", x.clients.warm, y.clients.warm);
        count("visits that waited", x.clients.cold, y.clients.cold);
        count("visits without a session", x.clients.never, y.clients.never);
        count("sessions lost in use", x.clients.lost, y.clients.lost);
        let wait = |r: &Report, of: fn(&crate::sim::report::Waits) -> i64| {
            r.total.clients.cold_wait.as_ref().map(of)
        };
        let mut span = |name: &str, a: Option<i64>, b: Option<i64>| {
            let show =
                |s: Option<i64>| s.map_or_else(String::new, |s| Span::seconds(s).to_string());
            let change = a
                .zip(b)
                .map(|(a, b)| signed_span(b - a))
                .unwrap_or_default();
            row(name, show(a), show(b), change);
        };
        span(
            "median wait",
            wait(a, |w| w.median_seconds),
            wait(b, |w| w.median_seconds),
        );
        span(
            "95% waited within",
            wait(a, |w| w.p95_seconds),
            wait(b, |w| w.p95_seconds),
        );
        span(
            "longest wait",
            wait(a, |w| w.max_seconds),
            wait(b, |w| w.max_seconds),
        );
        let exposure = |r: &Report| r.exposure.as_ref().map(|e| e.seconds);
        span("longest exposure", exposure(a), exposure(b));
        out += &table(&rows, &Default::default());
        for report in [a, b] {
            let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
            let drawn = timeline::draw(&report.slots, report.from, report.to, zone, width);
            let _ = write!(out, "\nSlots of {}\n{drawn}", report.policy);
        }
        out
    }

    /// What the other policy changes, in one sentence.
    fn sentence(&self) -> String {
        let (b, d) = (&self.against, &self.difference);
        let cost = match &d.cost {
            Some(cost) if b.priced => {
                let (word, amount) = match cost.strip_prefix('-') {
                    Some(amount) => ("less", amount),
                    None => ("more", cost.trim_start_matches('+')),
                };
                format!("costs {amount} {} {word}", b.currency)
            }
            _ => format!("has {} Ready", signed_hours(d.ready_minutes)),
        };
        let never = match d.never {
            0 => "as many visits get a session".to_owned(),
            n if n < 0 => format!("{} more get a session", counted(n.unsigned_abs(), "visit")),
            n => format!("{} fewer get a session", counted(n.unsigned_abs(), "visit")),
        };
        let cold = match d.cold {
            0 => "as many had to wait".to_owned(),
            n if n < 0 => format!("{} fewer had to wait", n.unsigned_abs()),
            n => format!("{n} more had to wait"),
        };
        format!("{} {cost}; {never}, {cold}.", b.policy)
    }
}

/// The last part of a path, so that columns stay narrow.
fn short(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).into()
}

fn dearest(report: &Report) -> String {
    report
        .daily
        .iter()
        .map(|d| d.cost)
        .max()
        .filter(|_| report.priced)
        .map_or_else(String::new, |c| c.to_string())
}

fn signed(amount: Decimal) -> String {
    format!("{amount:+.2}")
}

fn signed_hours(minutes: i64) -> String {
    format!(
        "{}{}",
        if minutes < 0 { "-" } else { "+" },
        hours(minutes.unsigned_abs())
    )
}

fn signed_span(seconds: i64) -> String {
    format!(
        "{}{}",
        if seconds < 0 { "" } else { "+" },
        Span::seconds(seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::testing::{heading, policy, record};

    fn reports() -> (Report, Report) {
        let (one, mut frugal) = (record(), record());
        frugal.sessions.pop();
        frugal.visits[0].waited = Some(Span::seconds(40));
        let other = crate::sim::report::Heading {
            policy: "config/frugal.toml".into(),
            ..heading()
        };
        (
            Report::of(&one, &policy(), &heading()),
            Report::of(&frugal, &policy(), &other),
        )
    }

    #[test]
    fn two_policies_stand_side_by_side_with_what_the_second_changes() {
        let (one, frugal) = reports();
        insta::assert_snapshot!(Comparison::of(one, frugal).text(100));
    }

    #[test]
    fn the_difference_is_the_second_less_the_first_and_turns_its_sign_with_them() {
        let (one, frugal) = reports();
        let there = Comparison::of(one.clone(), frugal.clone()).difference;
        let back = Comparison::of(frugal, one).difference;
        assert_eq!((there.ready_minutes, there.warm, there.cold), (-959, -1, 1));
        assert_eq!((back.ready_minutes, back.warm, back.cold), (959, 1, -1));
        let amounts = [there.cost, back.cost].map(|c| {
            c.expect("one currency")
                .parse::<Decimal>()
                .expect("a number")
        });
        assert_eq!(amounts[0] + amounts[1], Decimal::ZERO);
    }

    #[test]
    fn amounts_in_different_currencies_are_not_subtracted() {
        let (one, mut frugal) = reports();
        frugal.currency = crate::units::Currency("USD".into());
        assert_eq!(Comparison::of(one, frugal).difference.cost, None);
    }
}
