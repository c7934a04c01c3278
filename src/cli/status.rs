//! `status`: slots, sessions and budgets as a table.

use std::fmt::Write;

use crate::control::ControlClient;
use crate::control::views::StatusView;
use crate::units::{Span, Timestamp};

use super::Format;

/// How often `--watch` looks again.
const WATCH: std::time::Duration = std::time::Duration::from_secs(2);

/// Prints what is, once or again and again.
#[expect(clippy::disallowed_methods, reason = "`--watch` draws on a timer")]
pub(super) async fn status(
    control: &ControlClient,
    format: Format,
    watch: bool,
) -> Result<u8, super::Failed> {
    loop {
        let status: StatusView = control.get("/v1/status", &[]).await?;
        if watch {
            // Home, and clear what is below: the table is drawn over itself.
            print!("\x1b[H\x1b[J");
        }
        match format {
            Format::Json => super::json(&status)?,
            Format::Text => print!("{}", text(&status)),
        }
        if !watch {
            return Ok(0);
        }
        tokio::time::sleep(WATCH).await;
    }
}

fn within(now: Timestamp, at: Timestamp) -> String {
    let left = Span::seconds((at - now).as_secs());
    if left < Span::ZERO {
        format!("{} ago", -left)
    } else {
        format!("in {left}")
    }
}

/// Rows of equal columns, two spaces apart.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        rows.iter()
            .filter_map(|r| r.get(c))
            .map(|t| t.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(t, w)| format!("{t:w$}"))
            .collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
    }
    out
}

fn text(status: &StatusView) -> String {
    let passed = status.passed.map_or_else(
        || "no pass yet".into(),
        |at| format!("last pass {}", within(status.now, at)),
    );
    let mut out = format!("{} at {}, {passed}\n", status.owner, status.endpoint);
    if let Some(trouble) = &status.trouble {
        let _ = writeln!(out, "the service does not answer: {trouble}");
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
    for slot in &status.slots {
        let dash = || "-".to_owned();
        let live = slot.session.is_some();
        let mut row = vec![
            slot.slot.clone(),
            slot.status.clone().unwrap_or_else(|| slot.decision.clone()),
            slot.size.clone().unwrap_or_else(dash),
            slot.elapsed
                .filter(|_| live)
                .map_or_else(dash, |m| m.to_string()),
            slot.cost
                .map_or_else(dash, |c| format!("{c} {}", status.currency)),
            slot.ends_latest
                .map_or_else(dash, |at| within(status.now, at)),
            slot.held_by.clone().unwrap_or_else(dash),
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
    out += &table(&rows);
    for budget in &status.budgets {
        let _ = writeln!(
            out,
            "{}: {} of {} {} committed ({}%), begins again {}",
            budget.budget,
            budget.committed,
            budget.limit,
            status.currency,
            budget.percent,
            within(status.now, budget.until)
        );
    }
    for session in &status.unmanaged {
        let _ = writeln!(out, "not ours, left alone: {session}");
    }
    out
}
