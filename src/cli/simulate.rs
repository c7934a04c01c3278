//! `simulate`: what a policy would have done, and what it would have cost, before it is deployed.

use std::path::Path;

use super::error::Failed;
use super::output;
use crate::clock::Clock;
use crate::daemon::read_policy;
use crate::policy::{Location, Policy};
use crate::sim::report::compare::Comparison;
use crate::sim::report::{Heading, Report, svg, text as report_text};
use crate::sim::{SimConfig, run};

mod args;
mod error;
mod usage;

use args::ReportFormat;
pub(super) use args::SimulateArgs;
use error::SimulateError;
use usage::{Found, usage};

/// How far a run is, in one line.
const PROGRESS: &str = "simulating {msg}  {bar:30}  day {pos} of {len}";
/// Width of a report that is not written to a terminal, and the least of one that is.
const WIDTHS: (usize, usize) = (100, 60);

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
