//! `plan`: what the next pass would do.

use std::fmt::Write;

use crate::control::api::{ActionKind, ActionView, PlanView};

use super::error::OutputError;
use super::{Format, output};

/// Prints a plan. Exit status 0 where there is nothing to do, 2 where there is.
pub(super) fn show(planned: &PlanView, format: Format) -> Result<u8, OutputError> {
    match format {
        Format::Json => output::json(planned)?,
        Format::Text => output::print(text(planned))?,
    }
    Ok(if planned.actions.is_empty() { 0 } else { 2 })
}

/// A plan for people.
pub(super) fn text(planned: &PlanView) -> String {
    let mut out = String::new();
    for trouble in &planned.trouble {
        let _ = writeln!(out, "{trouble}");
    }
    for step in &planned.actions {
        let _ = writeln!(out, "{}\n      {}", line(planned, step), step.why);
    }
    for slot in &planned.parked {
        let _ = writeln!(out, "  . {} stays empty\n      {}", slot.slot, slot.why);
    }
    let count = |action| {
        planned
            .actions
            .iter()
            .filter(|s| s.action == action)
            .count()
    };
    let (create, extend, stop) = (
        count(ActionKind::Create),
        count(ActionKind::Extend),
        count(ActionKind::Stop),
    );
    if planned.actions.is_empty() {
        let kept = match planned.kept {
            1 => "1 kept as it is".to_owned(),
            n => format!("{n} kept as they are"),
        };
        let next = planned.next;
        let _ = writeln!(
            out,
            "Nothing to do: {kept}. Something is due next at {next}."
        );
    } else {
        let _ = writeln!(
            out,
            "Plan: {create} to create, {extend} to extend, {stop} to stop."
        );
    }
    for stop in &planned.held_stops {
        let (session, slot, client) = (&stop.session, &stop.slot, &stop.held_by);
        let _ = writeln!(out, "{client} holds {session} in {slot}, which it stops.");
    }
    if !planned.held_stops.is_empty() {
        let _ = writeln!(
            out,
            "A reload that stops what clients hold needs `leasekeeper reload --accept`."
        );
    }
    out
}

fn line(planned: &PlanView, step: &ActionView) -> String {
    let cost = step
        .cost
        .zip(planned.currency.as_ref())
        .map(|(cost, currency)| format!(", {cost} {currency}"))
        .unwrap_or_default();
    let size = step.size.as_deref().unwrap_or("a");
    let place = step
        .region
        .as_ref()
        .map(|r| format!(" in {r}"))
        .unwrap_or_default();
    let to = step.to.map(|t| t.to_string()).unwrap_or_default();
    match step.action {
        ActionKind::Create => format!(
            "  + {} create a {size} session{place}, lease {to}{cost} reserved",
            step.slot
        ),
        ActionKind::Extend => {
            let from = step.from.map(|t| t.to_string()).unwrap_or_default();
            let ends = step
                .ends
                .map(|at| format!(", ends by {at}"))
                .unwrap_or_default();
            format!(
                "  ~ {} extend {} {from} → {to}{ends}{cost} more",
                step.slot, step.session
            )
        }
        ActionKind::Stop => format!("  - {} stop {}", step.slot, step.session),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::api::HeldStopView;
    use crate::units::{Currency, Minutes, Timestamp};

    #[test]
    fn a_plan_reads_like_one() {
        let step = |action, slot: &str| ActionView {
            action,
            slot: slot.into(),
            session: format!("st-{slot}"),
            region: (action == ActionKind::Create).then(|| "westeurope".parse().expect("a region")),
            size: Some("Standard".into()),
            from: Some(Minutes::new(20)),
            to: Some(Minutes::new(30)),
            ends: Some(Timestamp::from_millis(1_772_438_400_000)),
            cost: "0.50".parse().ok(),
            why: "because".into(),
        };
        let planned = PlanView {
            now: Timestamp::default(),
            actions: vec![
                step(ActionKind::Stop, "a/0"),
                step(ActionKind::Extend, "a/1"),
                step(ActionKind::Create, "b/0"),
            ],
            kept: 0,
            parked: Vec::new(),
            budgets: Vec::new(),
            currency: Some(Currency("EUR".into())),
            next: Timestamp::default(),
            trouble: vec!["the service cannot be listed: cannot reach it".into()],
            held_stops: vec![HeldStopView {
                slot: "a/0".into(),
                session: "st-a/0".into(),
                held_by: "ann".into(),
                why: "because".into(),
            }],
        };
        insta::assert_snapshot!(text(&planned));
        let calm = |kept| {
            let planned = PlanView {
                actions: Vec::new(),
                kept,
                ..planned.clone()
            };
            text(&planned)
        };
        assert!(calm(1).contains("Nothing to do: 1 kept as it is."));
        assert!(calm(2).contains("Nothing to do: 2 kept as they are."));
    }
}
