//! The arguments of `simulate`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::sim::report::condition::Condition;
use crate::sim::usage::model::Model;
use crate::units::Span;

/// What to simulate.
#[derive(Debug, Args)]
pub(in crate::cli) struct SimulateArgs {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// How many days. Default: 30, or as many as the usage covers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    pub(super) days: Option<u32>,
    /// The first day, as 2026-03-02. Default: today, or the first day of the usage
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<NaiveDate>,
    /// Who comes when: a CSV file, or `ledger` for what the policy's ledger has lived through
    ///
    /// The file has the columns client,pool,from,to and a visit in each line. Instants are RFC
    /// 3339, or local as in "2026-03-02 09:00", in the time zone of the policy's budgets.
    #[arg(long, value_name = "FILE|ledger", conflicts_with_all = ["usage_model", "clients"])]
    pub(super) usage: Option<PathBuf>,
    /// Who comes when, by a model
    #[arg(long, value_enum, default_value = "office-hours")]
    pub(super) usage_model: Model,
    /// How many clients a model has, who take turns over the pools; 0 for what the policy costs
    /// when nobody comes. Default: as many as the pools have slots
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(super) clients: Option<u32>,
    /// What the model and the boots of servers are drawn from; the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// How long servers boot: at least and at most. Default: 20s-90s, or what the embedded service
    /// is set to
    #[arg(long, value_name = "SPAN-SPAN", value_parser = boots)]
    pub(super) boot: Option<(Span, Span)>,
    /// Hold it against another policy, for the same usage: the one that is in force now
    #[arg(long, value_name = "FILE")]
    pub(super) against: Option<PathBuf>,
    /// End with exit status 3 where a figure is beyond a bound; may be given again
    ///
    /// A figure, one of > >= < <=, and a bound: "cost>100", or with a sign the change against the
    /// other policy, "cost>+12.50", "cost>+10%". Figures are cost, wasted-cost, ready, held, idle,
    /// wasted, over-budget, sessions, at-once, waited, never, lost, median-wait, p95-wait,
    /// longest-wait and exposure.
    #[arg(long, value_name = "CONDITION")]
    pub(super) fail_if: Vec<Condition>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: ReportFormat,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    Text,
    /// For a review: a summary and tables
    Markdown,
    /// For programs
    Json,
    /// A picture
    Svg,
}

impl ValueEnum for Model {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.in_words()))
    }
}

/// `20s-90s`, or one span for both.
pub(in crate::cli) fn boots(text: &str) -> Result<(Span, Span), String> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let span = |text: &str| text.parse::<Span>().map_err(|e| e.to_string());
    let (least, most) = (span(least)?, span(most)?);
    if least > most {
        return Err(format!("{least} is more than {most}"));
    }
    if most > Span::hours(1) {
        return Err("no server boots for more than an hour".into());
    }
    Ok((least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_one_span_or_two_in_order() {
        assert_eq!(boots("45s"), Ok((Span::seconds(45), Span::seconds(45))));
        assert_eq!(boots("20s-2m"), Ok((Span::seconds(20), Span::minutes(2))));
        for (text, part) in [
            ("2m-20s", "2m is more than 20s"),
            ("5", "has no unit"),
            ("2h", "more than an hour"),
        ] {
            let said = boots(text).expect_err(text);
            assert!(said.contains(part), "{said}");
        }
    }
}
