//! Two policies side by side, for the same usage: the figures of both and what the one that was
//! asked about changes.

use std::fmt::Write;

use rust_decimal::Decimal;
use serde::Serialize;

use chrono_tz::Tz;

use crate::units::{Money, Span};

use super::figures::{Report, Waits};
use super::text::{counted, hours, table};
use super::timeline;

/// Two reports of the same usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Of the policy that was asked about.
    pub policy: Report,
    /// Of the one it is held against.
    pub against: Report,
    /// `policy` less `against`.
    pub difference: Difference,
}

/// What a policy changes: its figures less those of the one that it is held against.
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
        let (a, b) = (&against.total, &policy.total);
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
            exposure_seconds: exposure(&policy) - exposure(&against),
        };
        Self {
            policy,
            against,
            difference,
        }
    }

    /// Both side by side, then the slots of each, for a terminal of so many characters.
    pub fn text(&self, width: usize) -> String {
        let (old, new) = (&self.against, &self.policy);
        let mut out = format!("{}\n\n  {}\n\n", self.heading(), self.sentence());
        let head = ["", &short(&old.policy), &short(&new.policy), "difference"];
        let rows = self.rows().into_iter().map(|row| {
            let indent = if row.part { "  " } else { "" };
            [
                format!("{indent}{}", row.name),
                row.old,
                row.new,
                row.change,
            ]
            .to_vec()
        });
        let head = std::iter::once(head.map(String::from).to_vec());
        out += &table(&head.chain(rows).collect::<Vec<_>>(), &Default::default());
        for report in [old, new] {
            let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
            let drawn = timeline::draw(&report.slots, report.from, report.to, zone, width);
            let _ = write!(out, "\nSlots of {}\n{drawn}", report.policy);
        }
        out
    }

    /// What was simulated, in a line.
    pub(super) fn heading(&self) -> String {
        let (old, new) = (&self.against, &self.policy);
        let first = new.daily.first().map(|d| d.date.format("%a %-d %b %Y"));
        let first = first.map(|date| date.to_string()).unwrap_or_default();
        let days = counted(new.days.into(), "day");
        format!(
            "{} instead of {}: {days} from {first} ({}), {}",
            new.policy, old.policy, new.time_zone, new.usage
        )
    }

    /// The figures of both, in the order in which they are told.
    pub(super) fn rows(&self) -> Vec<Row> {
        let (old, new, d) = (&self.against, &self.policy, &self.difference);
        let (a, b) = (&old.total, &new.total);
        let (x, y) = (&a.clients, &b.clients);
        let money = |r: &Report, m: Money| match r.priced {
            true => format!("{m} {}", r.currency),
            false => String::new(),
        };
        let cost = |name, a: Money, b: Money, change: &Option<String>| Row {
            name,
            part: false,
            old: money(old, a),
            new: money(new, b),
            change: change.clone().unwrap_or_default(),
        };
        let wait = |r: &Report, of: fn(&Waits) -> i64| r.total.clients.cold_wait.as_ref().map(of);
        let waits = |name, of| Row::span(name, wait(old, of), wait(new, of));
        let exposure = |r: &Report| r.exposure.as_ref().map(|e| e.seconds);
        vec![
            cost("cost", a.cost, b.cost, &d.cost),
            cost("of it wasted", a.wasted_cost, b.wasted_cost, &d.wasted_cost).part(),
            Row {
                name: "dearest day",
                part: false,
                old: dearest(old),
                new: dearest(new),
                change: String::new(),
            },
            Row::time("Ready", a.ready_minutes, b.ready_minutes),
            Row::time("held", a.held_minutes, b.held_minutes).part(),
            Row::time("idle", a.idle_minutes, b.idle_minutes).part(),
            Row::time("of it wasted", a.wasted_minutes, b.wasted_minutes).part(),
            Row::time(
                "kept empty by budgets",
                a.over_budget_minutes,
                b.over_budget_minutes,
            ),
            Row::count("sessions", a.sessions, b.sessions),
            Row::count("visits at once", x.warm, y.warm),
            Row::count("visits that waited", x.cold, y.cold),
            Row::count("visits without a session", x.never, y.never),
            Row::count("sessions lost in use", x.lost, y.lost),
            waits("median wait", |w| w.median_seconds),
            waits("95% waited within", |w| w.p95_seconds),
            waits("longest wait", |w| w.max_seconds),
            Row::span("longest exposure", exposure(old), exposure(new)),
        ]
    }

    /// What the policy changes, in one sentence.
    pub(super) fn sentence(&self) -> String {
        let (b, d) = (&self.policy, &self.difference);
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

/// One figure of both, in words.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Whether it is a part of the one before it.
    pub(super) part: bool,
    pub(super) old: String,
    pub(super) new: String,
    pub(super) change: String,
}

impl Row {
    fn part(mut self) -> Self {
        self.part = true;
        self
    }

    fn time(name: &'static str, old: u64, new: u64) -> Self {
        Self {
            name,
            part: false,
            old: hours(old),
            new: hours(new),
            change: signed_hours(less(new, old)),
        }
    }

    fn count(name: &'static str, old: u32, new: u32) -> Self {
        Self {
            name,
            part: false,
            old: old.to_string(),
            new: new.to_string(),
            change: format!("{:+}", less(new.into(), old.into())),
        }
    }

    fn span(name: &'static str, old: Option<i64>, new: Option<i64>) -> Self {
        let show = |s: Option<i64>| s.map_or_else(String::new, |s| Span::seconds(s).to_string());
        let change = old.zip(new).map(|(old, new)| signed_span(new - old));
        Self {
            name,
            part: false,
            old: show(old),
            new: show(new),
            change: change.unwrap_or_default(),
        }
    }
}

/// The last part of a path, so that columns stay narrow.
pub(super) fn short(path: &str) -> String {
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
    fn two_policies_stand_side_by_side_with_what_the_first_changes() {
        let (one, frugal) = reports();
        insta::assert_snapshot!(Comparison::of(frugal, one).text(100));
    }

    #[test]
    fn the_difference_is_the_policy_less_the_one_it_is_held_against() {
        let (one, frugal) = reports();
        let there = Comparison::of(one.clone(), frugal.clone()).difference;
        let back = Comparison::of(frugal, one).difference;
        assert_eq!((there.ready_minutes, there.warm, there.cold), (959, 1, -1));
        assert_eq!((back.ready_minutes, back.warm, back.cold), (-959, -1, 1));
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
