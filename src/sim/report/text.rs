//! A report as text: what it comes to first, then tables, then the timeline.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono_tz::Tz;

use crate::keeper::ReasonKind;
use crate::layout::{self, Columns, wrapped};
use crate::units::{Money, Span};

use super::figures::{BudgetFigures, ClientFigures, Figures, Report, Waits};
use super::timeline;

/// More pools than this have no column of their own in the table of days.
const MOST_POOL_COLUMNS: usize = 6;

/// The whole report, for a terminal of so many characters.
pub fn text(report: &Report, width: usize) -> String {
    let mut out = heading(report);
    out += &summary(report)
        .iter()
        .map(|sentence| wrapped(sentence, width, "  ", "    "))
        .collect::<String>();
    for (title, rows) in tables(report) {
        let _ = write!(out, "\n{title}\n{}", table(&rows, &BTreeMap::new()));
    }
    if report.priced {
        let _ = write!(out, "\nDays, in {}\n{}", report.currency, days(report));
    }
    for (title, counts) in [
        ("Why sessions were started", &report.starts),
        ("Why sessions ended", &report.ends),
    ] {
        if !counts.is_empty() {
            let _ = write!(
                out,
                "\n{title}\n{}",
                table(&[vec!["reason".into(), "sessions".into()]], counts)
            );
        }
    }
    let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
    let _ = write!(
        out,
        "\nSlots\n{}",
        timeline::draw(&report.slots, report.from, report.to, zone, width)
    );
    out
}

/// The tables of pools, clients and budgets that have any, each with its head as the first row.
pub(super) fn tables(report: &Report) -> Vec<(&'static str, Vec<Vec<String>>)> {
    let mut tables = vec![("Pools", pools(report))];
    if report.total.clients.visits > 0 {
        tables.push(("Clients", clients(report)));
    }
    if !report.budgets.is_empty() {
        tables.push(("Budgets", budgets(report)));
    }
    tables
}

/// What was simulated, in a line.
pub(super) fn heading(report: &Report) -> String {
    let first = report
        .daily
        .first()
        .map(|d| d.date.format("%a %-d %b %Y").to_string())
        .unwrap_or_default();
    let days = counted(report.days.into(), "day");
    format!(
        "{}: {days} from {first} ({}), {}\n\n",
        report.policy, report.time_zone, report.usage
    )
}

/// What it costs, against which budget, and what clients felt: a sentence each.
pub(super) fn summary(report: &Report) -> Vec<String> {
    let (total, currency) = (&report.total, &report.currency);
    let sessions = counted(total.sessions.into(), "session");
    let [ready, held, idle, wasted, over] = [
        total.ready_minutes,
        total.held_minutes,
        total.idle_minutes,
        total.wasted_minutes,
        total.over_budget_minutes,
    ]
    .map(hours);
    let used = format!("{sessions}, {ready} Ready, of which {held} held and {idle} idle");
    let mut sentences = Vec::new();
    if report.priced {
        sentences.push(format!("It costs {} {currency}: {used}.", total.cost));
        sentences.push(format!(
            "Wasted, because nobody ever came or came back: {wasted}, {} {currency}.",
            total.wasted_cost
        ));
    } else {
        sentences.push(format!(
            "{used}; {wasted} wasted, because nobody ever came or came back. \
             The policy names no prices."
        ));
    }
    sentences.extend(
        report
            .budgets
            .iter()
            .map(|budget| budget_sentence(budget, report)),
    );
    if total.over_budget_minutes > 0 {
        sentences.push(format!(
            "Budgets kept slots empty that were wanted, for {over}."
        ));
    }
    sentences.push(clients_sentence(&total.clients));
    sentences.extend(report.exposure.as_ref().map(|exposure| {
        let (most, lease) = (Span::seconds(exposure.seconds), exposure.lease_minutes);
        format!(
            "Had the daemon died, no session would have billed for more than {most} after it; \
             the lease is {lease}."
        )
    }));
    sentences
}

fn budget_sentence(budget: &BudgetFigures, report: &Report) -> String {
    let (most, limit) = (budget.most, budget.limit);
    let name = format!("The {} of {limit} {}", budget.budget, report.currency);
    if most == Money::ZERO {
        return format!("{name} is not touched.");
    }
    if budget.exceeded > 0 {
        return format!(
            "{name} is exceeded {} of {}: {most} from {}.",
            counted(budget.exceeded.into(), "time"),
            budget.periods,
            budget.most_on
        );
    }
    format!(
        "{name} is {}% spent at the most: {most} from {}.",
        budget.most_percent, budget.most_on
    )
}

fn clients_sentence(clients: &ClientFigures) -> String {
    if clients.visits == 0 {
        return "No client came.".into();
    }
    let mut parts = vec![format!("{} found a session at once", clients.warm)];
    if let Some(wait) = clients.cold_wait {
        let (median, p95, max) = spans(wait);
        parts.push(format!(
            "{} waited for one (median {median}, 95% within {p95}, longest {max})",
            clients.cold
        ));
    }
    if clients.never > 0 {
        parts.push(format!("{} never got one", clients.never));
    }
    let lost = match clients.lost {
        0 => "no session ended under a client".to_owned(),
        n => format!("{} ended under a client", counted(n.into(), "session")),
    };
    format!(
        "Of {}, {}; {lost}.",
        counted(clients.visits.into(), "visit"),
        parts.join(", ")
    )
}

fn pools(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "pool",
        "sessions",
        "ready",
        "held",
        "idle",
        "wasted",
        "over budget",
        "cost",
        "wasted cost",
    ];
    let row = |name: &str, f: &Figures| {
        let times = [
            f.ready_minutes,
            f.held_minutes,
            f.idle_minutes,
            f.wasted_minutes,
            f.over_budget_minutes,
        ];
        let mut row = vec![name.to_owned(), f.sessions.to_string()];
        row.extend(times.map(hours));
        row.extend([f.cost, f.wasted_cost].map(|m| match report.priced {
            true => m.to_string(),
            false => "-".into(),
        }));
        row
    };
    rows(&head, report, row)
}

fn clients(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "pool",
        "visits",
        "at once",
        "waited",
        "never",
        "lost",
        "median wait",
        "95% within",
        "longest",
    ];
    let row = |name: &str, f: &Figures| {
        let c = &f.clients;
        let mut row = vec![name.to_owned()];
        row.extend([c.visits, c.warm, c.cold, c.never, c.lost].map(|n| n.to_string()));
        let waits = c.cold_wait.map(spans);
        row.extend(waits.map_or([const { String::new() }; 3], |(a, b, c)| {
            [a, b, c].map(|s| s.to_string())
        }));
        row
    };
    rows(&head, report, row)
}

/// A row for each pool, and one for all where there are several.
fn rows(
    head: &[&str],
    report: &Report,
    row: impl Fn(&str, &Figures) -> Vec<String>,
) -> Vec<Vec<String>> {
    let mut rows = vec![head.iter().map(|h| (*h).to_owned()).collect()];
    rows.extend(
        report
            .pools
            .iter()
            .map(|p| row(p.pool.as_str(), &p.figures)),
    );
    if report.pools.len() > 1 {
        rows.push(row("total", &report.total));
    }
    rows
}

fn budgets(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "budget", "bound", "periods", "exceeded", "most", "of bound", "from",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(report.budgets.iter().map(|b| {
        let most = [
            b.most.to_string(),
            format!("{}%", b.most_percent),
            b.most_on.to_string(),
        ];
        let mut row = vec![
            b.budget.clone(),
            b.limit.to_string(),
            b.periods.to_string(),
            b.exceeded.to_string(),
        ];
        row.extend(most);
        row
    }));
    rows
}

fn days(report: &Report) -> String {
    let columns = if report.pools.len() <= MOST_POOL_COLUMNS {
        report.pools.len()
    } else {
        0
    };
    let mut head = vec!["day".to_owned(), "ready".to_owned()];
    head.extend(
        report
            .pools
            .iter()
            .take(columns)
            .map(|p| p.pool.to_string()),
    );
    head.push("cost".into());
    let bounded = report.daily.iter().any(|d| d.percent.is_some());
    head.extend(bounded.then(|| "of daily budget".to_owned()));
    let mut rows = vec![head];
    for day in &report.daily {
        let mut row = vec![
            day.date.format("%Y-%m-%d %a").to_string(),
            hours(day.ready_minutes),
        ];
        row.extend(day.pools.iter().take(columns).map(|p| p.cost.to_string()));
        row.push(day.cost.to_string());
        row.extend(day.percent.map(|p| format!("{p}%")));
        rows.push(row);
    }
    table(&rows, &BTreeMap::new())
}

/// Rows of equal columns, and counts by name below them, the most frequent first.
pub(super) fn table(rows: &[Vec<String>], counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let counted = counts
        .into_iter()
        .map(|(name, count)| vec![meaning(name), count.to_string()]);
    let indented = rows.iter().cloned().chain(counted).map(|mut row| {
        row.iter_mut()
            .take(1)
            .for_each(|name| name.insert_str(0, "  "));
        row
    });
    layout::table(Columns::Figures, indented)
}

/// A reason's name in words.
fn meaning(name: &str) -> String {
    if let Ok(kind) = name.parse::<ReasonKind>() {
        return kind.label().into();
    }
    match name {
        "expired" => "its lease ran out",
        "error" => "the service failed",
        "never-came-to-be" => "never came to be",
        other => other,
    }
    .into()
}

/// Minutes as hours and minutes, which stay comparable over a month: `271h05m`.
pub(in crate::sim) fn hours(minutes: u64) -> String {
    if minutes < 60 {
        format!("{minutes}m")
    } else {
        format!("{}h{:02}m", minutes / 60, minutes % 60)
    }
}

/// So many of something, in words.
pub fn counted(n: u64, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

const fn spans(waits: Waits) -> (Span, Span, Span) {
    (
        Span::seconds(waits.median_seconds),
        Span::seconds(waits.p95_seconds),
        Span::seconds(waits.max_seconds),
    )
}
