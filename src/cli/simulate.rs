//! `simulate`: what a policy would have done, and what it would have cost, before it is deployed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::daemon::{PolicyError, read_policy};
use crate::files;
use crate::keeper::{PeriodKind, first_date};
use crate::ledger::{EventFilter, LedgerError, MOST_EVENTS};
use crate::policy::{Diagnostics, Location, Policy};
use crate::report::Hint;
use crate::sim::report::compare::Comparison;
use crate::sim::report::{Heading, Report, svg, text as report_text};
use crate::sim::usage::model::Model;
use crate::sim::usage::{self, Days, Visit};
use crate::sim::{SimConfig, run};
use crate::units::Span;

use super::error::Failed;
use super::{offline, output};

/// Days that are simulated where nothing says how many.
const DEFAULT_DAYS: u32 = 30;
/// The largest file of visits that is read: a million of them.
const LARGEST_USAGE_FILE: u64 = 128 * 1024 * 1024;
/// How far a run is, in one line.
const PROGRESS: &str = "simulating {msg}  {bar:30}  day {pos} of {len}";
/// Width of a report that is not written to a terminal, and the least of one that is.
const WIDTHS: (usize, usize) = (100, 60);

/// What to simulate.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// How many days. Default: 30, or as many as the usage covers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: Option<u32>,
    /// The first day, as 2026-03-02. Default: today, or the first day of the usage
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Who comes when: a CSV file, or `ledger` for what the policy's ledger has lived through
    ///
    /// The file has the columns client,pool,from,to and a visit in each line. Instants are RFC
    /// 3339, or local as in "2026-03-02 09:00", in the time zone of the policy's budgets.
    #[arg(long, value_name = "FILE|ledger", conflicts_with_all = ["usage_model", "clients"])]
    usage: Option<PathBuf>,
    /// Who comes when, by a model
    #[arg(long, value_enum, default_value = "office-hours")]
    usage_model: Model,
    /// How many clients a model has, who take turns over the pools. Default: as many as the pools
    /// have slots
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,
    /// What the model and the boots of servers are drawn from; the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long servers boot: at least and at most. Default: 20s-90s, or what the embedded service
    /// is set to
    #[arg(long, value_name = "SPAN-SPAN", value_parser = boots)]
    boot: Option<(Span, Span)>,
    /// Hold another policy against it, for the same usage
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people
    Text,
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

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub(super) enum SimulateError {
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The usage file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The usage file cannot be used.
    #[error(transparent)]
    Usage(Diagnostics),
    /// A ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nobody comes.
    #[error("{usage} has no visit{within}; nothing was simulated")]
    NoVisit {
        /// Where the usage comes from.
        usage: String,
        /// Where none was found, as in " from 2026-03-02 on".
        within: String,
    },
    /// Policies whose days differ cannot be compared day by day.
    #[error(
        "{} counts its days in {zone}, {} in {other}",
        policy.display(),
        against.display()
    )]
    Zones {
        /// The policy.
        policy: PathBuf,
        /// Its zone.
        zone: &'static str,
        /// The policy it is held against.
        against: PathBuf,
        /// The zone of that one.
        other: &'static str,
    },
}

impl Hint for SimulateError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Zones { .. } => {
                Some("give both the same `budget.time_zone` to compare them".into())
            }
            Self::Read { .. } | Self::Usage(_) | Self::NoVisit { .. } => None,
        }
    }

    fn is_drawn(&self) -> bool {
        match self {
            Self::Policy(error) => error.is_drawn(),
            Self::Usage(_) => true,
            _ => false,
        }
    }
}

/// `20s-90s`, or one span for both.
fn boots(text: &str) -> Result<(Span, Span), String> {
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

/// Who comes, when, and how the report says so.
struct Found {
    visits: Vec<Visit>,
    days: Days,
    description: String,
}

/// Simulates, and prints what it came to.
pub(super) fn simulate(args: &SimulateArgs, clock: &dyn Clock) -> Result<u8, Failed> {
    let policy = read_policy(&args.policy)?;
    let against = match &args.against {
        Some(path) => Some((path, same_days(args, &policy, read_policy(path)?, path)?)),
        None => None,
    };
    let found = usage(args, &policy, clock)?;
    let report = report(args, &args.policy, &policy, &found)?;
    let width = terminal_size::terminal_size()
        .map_or(WIDTHS.0, |(width, _)| usize::from(width.0).max(WIDTHS.1));
    let text = match against {
        None => match args.format {
            ReportFormat::Text => report_text::text(&report, width),
            ReportFormat::Json => json(&report),
            ReportFormat::Svg => svg::svg(&[&report]),
        },
        Some((path, policy)) => {
            let comparison = Comparison::of(report, self::report(args, path, &policy, &found)?);
            match args.format {
                ReportFormat::Text => comparison.text(width),
                ReportFormat::Json => json(&comparison),
                ReportFormat::Svg => svg::svg(&[&comparison.policy, &comparison.against]),
            }
        }
    };
    output::print(text)?;
    Ok(0)
}

fn json(value: &impl serde::Serialize) -> String {
    // Reports hold text and numbers only, and their maps have text for keys.
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .unwrap_or_default()
}

/// The policy to hold against another, if days are the same in both.
fn same_days(
    args: &SimulateArgs,
    policy: &Policy,
    against: Policy,
    path: &Path,
) -> Result<Policy, SimulateError> {
    if policy.time_zone != against.time_zone {
        let (zone, other) = (policy.time_zone.name(), against.time_zone.name());
        return Err(SimulateError::Zones {
            policy: args.policy.clone(),
            zone,
            against: path.into(),
            other,
        });
    }
    for pool in policy
        .pools
        .iter()
        .filter(|p| !against.pools.iter().any(|other| other.name == p.name))
    {
        output::note(format_args!(
            "note: {} has no pool {}; visits to it get no session there",
            path.display(),
            pool.name
        ));
    }
    Ok(against)
}

/// Runs one policy.
fn report(
    args: &SimulateArgs,
    path: &Path,
    policy: &Policy,
    found: &Found,
) -> Result<Report, SimulateError> {
    let usual = match &policy.service.location {
        Location::Embedded(embedded) => (embedded.boot_delay, embedded.boot_delay),
        _ => SimConfig::default().boots,
    };
    let config = SimConfig {
        boots: args.boot.unwrap_or(usual),
        ..SimConfig::default()
    };
    let name = path.display().to_string();
    let bar = output::progress(PROGRESS, found.days.count.into()).with_message(name.clone());
    let progress = |done: u32| bar.set_position(done.into());
    let record = run::run(
        policy,
        &found.visits,
        found.days,
        args.seed,
        config,
        progress,
    );
    bar.finish_and_clear();
    let heading = Heading {
        policy: name,
        usage: found.description.clone(),
        days: found.days,
    };
    Ok(Report::of(&record?, policy, &heading))
}

fn usage(args: &SimulateArgs, policy: &Policy, clock: &dyn Clock) -> Result<Found, SimulateError> {
    let zone = policy.time_zone;
    let Some(path) = &args.usage else {
        let first = args
            .from
            .unwrap_or_else(|| first_date(PeriodKind::Day, clock.now(), zone));
        let days = Days {
            first,
            count: args.days.unwrap_or(DEFAULT_DAYS),
            zone,
        };
        let slots = || policy.pools.iter().map(|p| p.max).sum::<u32>().max(1);
        let clients = args.clients.unwrap_or_else(slots);
        let model = args.usage_model;
        let visits = model.visits(policy, days, clients, args.seed);
        let description = format!(
            "{} of {}, seed {}",
            model.name(),
            report_text::counted(clients.into(), "client"),
            args.seed
        );
        return Ok(Found {
            visits,
            days,
            description,
        });
    };
    let (name, mut visits) = match path.to_str() {
        Some("ledger") => ("the ledger".to_owned(), history(policy)?),
        _ => (path.display().to_string(), file(path, policy)?),
    };
    let none = |within: String| SimulateError::NoVisit {
        usage: name.clone(),
        within,
    };
    let around = Days::around(&visits, zone).ok_or_else(|| none(String::new()))?;
    let first = args.from.unwrap_or(around.first);
    let covered = u32::try_from((around.first - first).num_days() + i64::from(around.count))
        .unwrap_or(0)
        .max(1);
    let days = Days {
        first,
        count: args.days.unwrap_or(covered),
        zone,
    };
    let outside = usage::clip(&mut visits, days.start(), days.end());
    if visits.is_empty() {
        return Err(none(format!(
            " from {first} on, within {}",
            report_text::counted(days.count.into(), "day")
        )));
    }
    if outside > 0 {
        output::note(format_args!(
            "note: left out {} outside these days",
            report_text::counted(outside as u64, "visit")
        ));
    }
    let description = format!(
        "{name} ({})",
        report_text::counted(visits.len() as u64, "visit")
    );
    Ok(Found {
        visits,
        days,
        description,
    })
}

fn file(path: &Path, policy: &Policy) -> Result<Vec<Visit>, SimulateError> {
    let text =
        files::read_string(path, LARGEST_USAGE_FILE).map_err(|source| SimulateError::Read {
            path: path.into(),
            source,
        })?;
    usage::file::read(&path.display().to_string(), &text, policy).map_err(SimulateError::Usage)
}

fn history(policy: &Policy) -> Result<Vec<Visit>, SimulateError> {
    let mut events = offline::open(policy)?.events(&EventFilter::All, MOST_EVENTS as usize)?;
    events.reverse();
    let history = usage::history::read(&events, policy);
    if history.elsewhere > 0 {
        let visits = report_text::counted(history.elsewhere as u64, "visit");
        output::note(format_args!(
            "note: left out {visits} to pools that the policy does not have"
        ));
    }
    Ok(history.visits)
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
