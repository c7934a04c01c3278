//! `status`: slots, sessions and budgets as a table.

use std::fmt::Write;

use crate::control::ControlClient;
use crate::control::api::{SlotView, StatusView};
use crate::layout::{Columns, table};

use super::error::Failed;
use super::instants::{clock_time, within};
use super::{Format, activity, output};

/// How often `--watch` looks again.
const WATCH: std::time::Duration = std::time::Duration::from_secs(2);

/// Prints what is, once or again and again.
#[expect(clippy::disallowed_methods, reason = "`--watch` draws on a timer")]
pub(super) async fn status(
    control: &ControlClient,
    format: Format,
    watch: bool,
) -> Result<u8, Failed> {
    loop {
        let status = control.status().await?;
        if watch {
            // Home, and clear what is below: the table is drawn over itself.
            output::clear()?;
        }
        match format {
            Format::Json => output::json(&status)?,
            Format::Text => output::print(text(&status))?,
        }
        if !watch {
            return Ok(0);
        }
        tokio::time::sleep(WATCH).await;
    }
}

fn text(status: &StatusView) -> String {
    let passed = status.passed.map_or_else(
        || "no pass yet".into(),
        |at| format!("last pass {}", within(status.now, at)),
    );
    let mut out = String::new();
    if let Some(trouble) = &status.ledger_trouble {
        let _ = writeln!(out, "nothing is created or extended: {trouble}");
    }
    if let Some(trouble) = &status.trouble {
        let _ = writeln!(out, "the service cannot be listed: {trouble}");
    }
    let _ = writeln!(out, "{} at {}, {passed}", status.owner, status.endpoint);
    if let Some(why) = &status.refused_policy {
        let _ = writeln!(out, "the policy that was read last is not in force:\n{why}");
    }
    if let Some(since) = status.spend_lost_before {
        let _ = writeln!(
            out,
            "what was spent before {since} is not known, and budgets began at 0 then"
        );
    }
    let mut rows = vec![
        [
            "SLOT",
            "STATUS",
            "SIZE",
            "READY",
            "COST",
            "LEASE ENDS",
            "HELD BY",
            "WHERE / WHY",
        ]
        .map(String::from)
        .to_vec(),
    ];
    let regions = status.slots.iter().any(|s| s.region.is_some());
    if regions {
        rows[0].insert(2, "REGION".into());
    }
    let currency = status.currency.as_ref().map_or("", |c| c.0.as_str());
    let dash = || "-".to_owned();
    for slot in &status.slots {
        let live = slot.session.is_some();
        let mut row = vec![
            slot.slot.clone(),
            slot.status
                .clone()
                .unwrap_or_else(|| slot.decision.to_string()),
            slot.size.clone().unwrap_or_else(dash),
            slot.elapsed
                .filter(|_| live)
                .map_or_else(dash, |m| m.to_string()),
            slot.cost.map_or_else(dash, |c| format!("{c} {currency}")),
            slot.ends_latest
                .map_or_else(dash, |at| within(status.now, at)),
            held_by(slot).unwrap_or_else(dash),
            slot.address.clone().unwrap_or_else(|| slot.why.clone()),
        ];
        if regions {
            row.insert(
                2,
                slot.region.as_ref().map_or_else(dash, ToString::to_string),
            );
        }
        rows.push(row);
    }
    out += &table(Columns::Left, rows);
    for slot in &status.slots {
        if let Some(said) = activity::brief(status, slot) {
            let _ = writeln!(out, "{}: {said}", slot.slot);
        }
        for view in &slot.activity {
            if let Some(said) = activity::cannot_say(status.now, view) {
                let _ = writeln!(out, "{}: {said}", slot.slot);
            }
        }
    }
    for slot in &status.slots {
        if let Some(warning) = &slot.warning {
            let (ends, by) = (within(status.now, warning.at), warning.by);
            let _ = writeln!(out, "{}: its hold ends {ends}: {by}", slot.slot);
        }
    }
    for waiter in &status.waiting {
        let _ = writeln!(
            out,
            "{} waits for a session of {}, place {}",
            waiter.client, waiter.pool, waiter.place
        );
    }
    for budget in &status.budgets {
        let _ = writeln!(
            out,
            "{}: {} of {} {} committed ({}%), begins again {}",
            budget.budget,
            budget.committed,
            budget.limit,
            currency,
            budget.percent,
            within(status.now, budget.until)
        );
    }
    let _ = writeln!(out, "{}", exposure(status));
    for session in &status.unmanaged {
        let _ = writeln!(out, "not ours, left alone: {session}");
    }
    out
}

/// Who holds a slot's session, and for which team.
fn held_by(slot: &SlotView) -> Option<String> {
    let client = slot.held_by.clone()?;
    Some(match &slot.team {
        Some(team) => format!("{client} ({team})"),
        None => client,
    })
}

/// What could still be billed, in one line, with its caps.
fn exposure(status: &StatusView) -> String {
    let exposure = &status.exposure;
    let Some(last) = exposure.last_end else {
        return "if leasekeeper died now: nothing more, no session is live".into();
    };
    let amount = exposure
        .amount
        .zip(status.currency.as_ref())
        .map(|(amount, currency)| format!("at most {amount} {currency} more, "))
        .unwrap_or_default();
    let ends = clock_time(last, status);
    let mut line = format!("if leasekeeper died now: {amount}the last session ends {ends}");
    for cap in &exposure.caps {
        let (committed, limit) = (cap.committed, cap.limit);
        let _ = write!(line, "; {}: {committed} of {limit}", cap.cap);
    }
    line
}
