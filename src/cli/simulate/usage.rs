//! Who comes when: from a file, a ledger or a model.

use std::path::Path;

use chrono::NaiveDate;

use crate::clock::Clock;
use crate::files;
use crate::keeper::{PeriodKind, first_date};
use crate::ledger::{EventFilter, MOST_EVENTS};
use crate::policy::Policy;
use crate::sim::report::text as report_text;
use crate::sim::usage::{self, Days, Visit};

use super::args::SimulateArgs;
use super::error::SimulateError;
use crate::cli::{offline, output};

/// Days that are simulated where nothing says how many.
const DEFAULT_DAYS: u32 = 30;
/// The largest file of visits that is read: a million of them.
const LARGEST_USAGE_FILE: u64 = 128 * 1024 * 1024;

/// Who comes, when, and how the report says so.
pub(in crate::cli) struct Found {
    pub(in crate::cli) visits: Vec<Visit>,
    pub(in crate::cli) days: Days,
    pub(in crate::cli) description: String,
}

pub(super) fn usage(
    args: &SimulateArgs,
    policy: &Policy,
    clock: &dyn Clock,
) -> Result<Found, SimulateError> {
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
    let path = Some(path.as_path()).filter(|path| path.to_str() != Some("ledger"));
    recorded(path, policy, args.from, args.days)
}

/// The visits of a file, or of the policy's ledger, on the days named or on all that they cover.
pub(in crate::cli) fn recorded(
    path: Option<&Path>,
    policy: &Policy,
    from: Option<NaiveDate>,
    count: Option<u32>,
) -> Result<Found, SimulateError> {
    let zone = policy.time_zone;
    let (name, (mut visits, begins)) = match path {
        None => ("the ledger".to_owned(), history(policy)?),
        Some(path) => (path.display().to_string(), (file(path, policy)?, None)),
    };
    let none = |within: String| SimulateError::NoVisit {
        usage: name.clone(),
        within,
    };
    let around = Days::around(&visits, zone).ok_or_else(|| none(String::new()))?;
    let first = from.unwrap_or(around.first);
    let covered = u32::try_from((around.first - first).num_days() + i64::from(around.count))
        .unwrap_or(0)
        .max(1);
    let days = Days {
        first,
        count: count.unwrap_or(covered),
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
    let begins = begins.map(|date| format!("; it begins on {date}"));
    let description = format!(
        "{name} ({}{})",
        report_text::counted(visits.len() as u64, "visit"),
        begins.unwrap_or_default()
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

/// The visits of the policy's ledger, and the first date of which it knows anything.
fn history(policy: &Policy) -> Result<(Vec<Visit>, Option<NaiveDate>), SimulateError> {
    let mut events = offline::open(policy)?.events(&EventFilter::All, MOST_EVENTS as usize)?;
    events.reverse();
    let history = usage::history::read(&events, policy);
    if history.elsewhere > 0 {
        let visits = report_text::counted(history.elsewhere as u64, "visit");
        output::note(format_args!(
            "note: left out {visits} to pools that the policy does not have"
        ));
    }
    let begins = events
        .first()
        .map(|event| first_date(PeriodKind::Day, event.at, policy.time_zone));
    Ok((history.visits, begins))
}
