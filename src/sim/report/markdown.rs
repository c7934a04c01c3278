//! A report, or two side by side, in Markdown: to be pasted into a review.
//!
//! Tables are those of GitHub's and GitLab's dialects. Nothing that comes from a file can end a
//! cell or a span of code.

use std::fmt::Write;

use super::compare::{Comparison, short};
use super::condition::Judgement;
use super::figures::Report;
use super::text;

/// One report: its summary, and its tables of pools, clients and budgets.
pub fn report(report: &Report, judgements: &[Judgement]) -> String {
    let mut out = format!("### {}\n\n", escaped(text::heading(report).trim_end()));
    for sentence in text::summary(report) {
        let _ = writeln!(out, "- {}", escaped(&sentence));
    }
    out += &judged(judgements);
    for (title, rows) in text::tables(report) {
        let _ = write!(out, "\n**{title}**\n\n{}", table(&rows));
    }
    out
}

/// Two reports: what the policy changes, whether that may be, and the figures of both.
pub fn comparison(comparison: &Comparison, judgements: &[Judgement]) -> String {
    let (old, new) = (&comparison.against, &comparison.policy);
    let mut out = format!(
        "### {}\n\n{}\n{}\n",
        escaped(&comparison.heading()),
        escaped(&comparison.sentence()),
        judged(judgements)
    );
    let head = ["", &short(&old.policy), &short(&new.policy), "difference"];
    let rows = comparison.rows().into_iter().map(|row| {
        let dash = if row.part { "– " } else { "" };
        vec![format!("{dash}{}", row.name), row.old, row.new, row.change]
    });
    let head = std::iter::once(head.map(String::from).to_vec());
    out += &table(&head.chain(rows).collect::<Vec<_>>());
    out
}

/// Each condition with what it came to; a line before it.
fn judged(judgements: &[Judgement]) -> String {
    let mut out = String::new();
    for judgement in judgements {
        let (mark, condition) = (
            if judgement.holds { "❌" } else { "✅" },
            &judgement.condition,
        );
        let first = if out.is_empty() { "\n" } else { "" };
        let _ = writeln!(out, "{first}- {mark} `{condition}`: {judgement}");
    }
    out
}

/// Rows with the head first; the first column to the left, figures to the right.
fn table(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if n == 0 {
            let _ = writeln!(
                out,
                "| --- |{}",
                " ---: |".repeat(row.len().saturating_sub(1))
            );
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '`' | '*' | '_' | '<' | '[' | '#') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::condition::Condition;
    use crate::sim::testing::{heading, policy, record};

    fn reports() -> (Report, Report) {
        let (new, mut frugal) = (record(), record());
        frugal.sessions.pop();
        let other = crate::sim::Heading {
            policy: "config/the|frugal.toml".into(),
            ..heading()
        };
        (
            Report::of(&new, &policy(), &heading()),
            Report::of(&frugal, &policy(), &other),
        )
    }

    fn judge(conditions: &[&str], new: &Report, old: Option<&Report>) -> Vec<Judgement> {
        let judge = |text: &&str| {
            let condition: Condition = text.parse().expect("a condition");
            condition.judge(new, old).expect("judged")
        };
        conditions.iter().map(judge).collect()
    }

    #[test]
    fn a_comparison_is_a_table_below_what_was_asked_of_it() {
        let (new, old) = reports();
        let judgements = judge(&["cost>+10%", "lost>0"], &new, Some(&old));
        let both = Comparison::of(new, old);
        insta::assert_snapshot!(comparison(&both, &judgements));
    }

    #[test]
    fn a_report_alone_has_its_summary_and_tables() {
        let (new, _) = reports();
        let judgements = judge(&["cost>100"], &new, None);
        insta::assert_snapshot!(report(&new, &judgements));
    }
}
