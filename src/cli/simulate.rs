//! `simulate`: what a policy would have done, and what it would have cost, before it is deployed.

use std::path::Path;

use serde::Serialize;

use super::error::Failed;
use super::output;
use crate::calendar::{Horizon, with_calendars};
use crate::clock::Clock;
use crate::daemon::read_policy;
use crate::policy::{Location, Policy};
use crate::sim::report::compare::Comparison;
use crate::sim::report::condition::Judgement;
use crate::sim::report::{Heading, Report, markdown, svg, text as report_text};
use crate::sim::{SimConfig, run};
use crate::units::Span;

mod args;
mod error;
pub(super) mod usage;

use args::ReportFormat;
pub(super) use args::{SimulateArgs, boots};
pub(super) use error::SimulateError;
use usage::{Found, usage};

/// How far a run is, in one line.
const PROGRESS: &str = "simulating {msg}  {bar:30}  day {pos} of {len}";
/// Width of a report that is not written to a terminal, and the least of one that is.
const WIDTHS: (usize, usize) = (100, 60);

/// The exit status where a condition of `--fail-if` holds.
const REFUSED: u8 = 3;

/// Simulates, and prints what it came to.
pub(super) fn simulate(args: &SimulateArgs, clock: &dyn Clock) -> Result<u8, Failed> {
    let policy = read_policy(&args.policy)?;
    let against = match &args.against {
        Some(path) => Some((path, same_days(args, &policy, read_policy(path)?, path)?)),
        None => None,
    };
    if let Some(condition) = args
        .fail_if
        .iter()
        .find(|c| c.compares() && against.is_none())
    {
        return Err(SimulateError::Condition(condition.nothing_to_compare()).into());
    }
    let found = usage(args, &policy, clock)?;
    let horizon = Horizon::around(found.days.start(), found.days.end());
    let policy = with_calendars(policy, &args.policy, horizon)?;
    let against = match against {
        Some((path, policy)) => Some((path, with_calendars(policy, path, horizon)?)),
        None => None,
    };
    let new = report(args, &args.policy, &policy, &found)?;
    let old = match &against {
        Some((path, policy)) => Some(report(args, path, policy, &found)?),
        None => None,
    };
    let judged = args.fail_if.iter().map(|c| c.judge(&new, old.as_ref()));
    let judged = judged.collect::<Result<Vec<_>, _>>();
    let judgements = judged.map_err(SimulateError::Condition)?;
    output::print(rendered(args.format, new, old, &judgements))?;
    let met: Vec<Judgement> = judgements.into_iter().filter(|j| j.holds).collect();
    if met.is_empty() {
        return Ok(0);
    }
    Err(Failed::with_code(REFUSED, SimulateError::Refused(met)))
}

fn rendered(
    format: ReportFormat,
    new: Report,
    old: Option<Report>,
    judgements: &[Judgement],
) -> String {
    let width = width();
    let Some(old) = old else {
        return match format {
            ReportFormat::Text => report_text::text(&new, width),
            ReportFormat::Markdown => markdown::report(&new, judgements),
            ReportFormat::Json => json(&new, judgements),
            ReportFormat::Svg => svg::svg(&[&new]),
        };
    };
    let both = Comparison::of(new, old);
    match format {
        ReportFormat::Text => both.text(width),
        ReportFormat::Markdown => markdown::comparison(&both, judgements),
        ReportFormat::Json => json(&both, judgements),
        ReportFormat::Svg => svg::svg(&[&both.policy, &both.against]),
    }
}

/// A report as JSON, with the conditions that were judged.
#[derive(Serialize)]
struct Judged<'a, R> {
    #[serde(flatten)]
    report: &'a R,
    #[serde(skip_serializing_if = "<[Judgement]>::is_empty")]
    conditions: &'a [Judgement],
}

fn json(report: &impl Serialize, conditions: &[Judgement]) -> String {
    // Reports hold text and numbers only, and their maps have text for keys.
    serde_json::to_string_pretty(&Judged { report, conditions })
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

/// How the simulated servers boot: as asked for, as the embedded service is set to, or as usual.
pub(super) fn config(policy: &Policy, boot: Option<(Span, Span)>) -> SimConfig {
    let usual = match &policy.service.location {
        Location::Embedded(embedded) => (embedded.boot_delay, embedded.boot_delay),
        _ => SimConfig::default().boots,
    };
    SimConfig {
        boots: boot.unwrap_or(usual),
        ..SimConfig::default()
    }
}

/// How wide text may be: as wide as the terminal, and as a page where there is none.
pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTHS.0, |(width, _)| usize::from(width.0).max(WIDTHS.1))
}

/// Runs one policy.
fn report(
    args: &SimulateArgs,
    path: &Path,
    policy: &Policy,
    found: &Found,
) -> Result<Report, SimulateError> {
    let config = config(policy, args.boot);
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
