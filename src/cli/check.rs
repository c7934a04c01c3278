//! `check`: a policy, without touching anything.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::calendar::{CalendarError, Horizon, with_calendars};
use crate::clock::Clock;
use crate::connect::{ConnectError, connect};
use crate::daemon::read_policy_text;
use crate::keeper::worst_case;
use crate::policy::{
    ActivitySource, Diagnostic, Diagnostics, Loaded, Location, Policy, Pool, Severity, load,
};
use crate::report::{Hint, detail};
use crate::units::{Currency, Money, Timestamp};

use super::error::Failed;
use super::{Format, output};

/// What `check` found, for programs.
#[derive(Serialize)]
struct Checked {
    /// The file, as the user named it.
    file: String,
    /// Whether `run` would take it.
    usable: bool,
    /// How many pools it has; none where it cannot be read.
    pools: Option<usize>,
    /// The currency of the amounts.
    currency: Option<Currency>,
    /// The most that it can cost in a day, where it names prices and something bounds it.
    most_in_a_day: Option<Money>,
    /// The same in 31 days.
    most_in_31_days: Option<Money>,
    /// What a reader could take otherwise.
    notes: Vec<String>,
    /// Everything that is wrong or doubtful.
    diagnostics: Vec<Finding>,
}

/// One thing that is wrong or doubtful.
#[derive(Serialize)]
struct Finding {
    file: String,
    /// From 1; none where it is about the policy as a whole.
    line: Option<usize>,
    /// In characters, from 1.
    column: Option<usize>,
    severity: Severity,
    message: String,
    /// What stands beside the place.
    label: Option<String>,
    hint: Option<String>,
}

impl Finding {
    fn of(file: &str, problem: &Diagnostic) -> Self {
        Self {
            file: file.into(),
            line: Some(problem.line),
            column: Some(problem.column),
            severity: problem.severity,
            message: problem.message.clone(),
            label: Some(problem.label.clone()).filter(|label| !label.is_empty()),
            hint: problem.help.clone(),
        }
    }

    fn of_calendar(error: &CalendarError) -> Self {
        Self {
            file: error.path().display().to_string(),
            line: error.line(),
            column: None,
            severity: Severity::Error,
            message: detail(error),
            label: None,
            hint: error.hint().map(Into::into),
        }
    }

    fn of_all(file: &str, severity: Severity, message: String, hint: Option<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            severity,
            message,
            label: None,
            hint,
        }
    }
}

/// Exit status 0 for a policy that can be used, 1 for one that cannot: what `run` would refuse at
/// its start is refused here, in the same words. With `strict`, 1 for one with warnings too.
pub(super) fn check(
    file: &Path,
    strict: bool,
    format: Format,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let text = read_policy_text(file)?;
    let loaded = load(&file.display().to_string(), &text);
    match format {
        Format::Text => in_words(file, strict, loaded, clock),
        Format::Json => as_json(file, strict, loaded, clock),
    }
}

fn in_words(
    file: &Path,
    strict: bool,
    loaded: Result<Loaded, Diagnostics>,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let now = clock.now();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            show(&problems);
            return Ok(1);
        }
    };
    if !loaded.warnings.problems.is_empty() {
        show(&loaded.warnings);
    }
    let missing = missing_programs(&loaded.policy);
    for warning in &missing {
        output::note(format_args!("warning: {warning}"));
    }
    let Loaded { policy, warnings } = loaded;
    let policy = with_calendars(policy, file, Horizon::of(now))?;
    reach(&policy, clock)?;
    let pools = policy.pools.len();
    let plural = if pools == 1 { "" } else { "s" };
    let file = file.display();
    output::line(format_args!("{file} is a policy of {pools} pool{plural}"))?;
    if let Some([day, month]) = most(now, &policy) {
        let currency = &policy.prices.currency;
        output::line(format_args!(
            "it can cost at most {day} {currency} a day and {month} {currency} in 31 days"
        ))?;
    }
    if let Some(note) = idle_minimum(&policy) {
        output::line(note)?;
    }
    let doubtful = !missing.is_empty() || !warnings.problems.is_empty();
    Ok(u8::from(strict && doubtful))
}

fn as_json(
    path: &Path,
    strict: bool,
    loaded: Result<Loaded, Diagnostics>,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let (file, now) = (path.display().to_string(), clock.now());
    let (found, policy) = match loaded {
        Ok(loaded) => (loaded.warnings, Some(loaded.policy)),
        Err(problems) => (problems, None),
    };
    let diagnostics = found
        .problems
        .iter()
        .map(|problem| Finding::of(&file, problem));
    let mut diagnostics: Vec<Finding> = diagnostics.collect();
    let mut usable = policy.is_some();
    let policy = match policy.map(|policy| with_calendars(policy, path, Horizon::of(now))) {
        Some(Ok(policy)) => Some(policy),
        Some(Err(error)) => {
            usable = false;
            diagnostics.push(Finding::of_calendar(&error));
            None
        }
        None => None,
    };
    if let Some(policy) = &policy {
        let warning = |text| Finding::of_all(&file, Severity::Warning, text, None);
        diagnostics.extend(missing_programs(policy).into_iter().map(warning));
        if let Err(error) = reach(policy, clock) {
            usable = false;
            let hint = error.hint().map(Into::into);
            diagnostics.push(Finding::of_all(
                &file,
                Severity::Error,
                detail(&error),
                hint,
            ));
        }
    }
    let bounds = policy.as_ref().and_then(|policy| most(now, policy));
    let refused = !usable || strict && !diagnostics.is_empty();
    output::json(&Checked {
        file,
        usable,
        pools: policy.as_ref().map(|policy| policy.pools.len()),
        currency: policy
            .as_ref()
            .and_then(|policy| policy.prices.known_currency()),
        most_in_a_day: bounds.map(|[day, _]| day),
        most_in_31_days: bounds.map(|[_, month]| month),
        notes: policy.as_ref().and_then(idle_minimum).into_iter().collect(),
        diagnostics,
    })?;
    Ok(u8::from(refused))
}

/// Whether the service can be addressed. Nothing is sent.
fn reach(policy: &Policy, clock: Arc<dyn Clock>) -> Result<(), ConnectError> {
    match policy.service.location {
        Location::Embedded(_) => Ok(()),
        Location::Endpoint(_) | Location::Region(_) => connect(policy, clock).map(|_| ()),
    }
}

/// The most that a policy can cost in a day and in 31 days.
fn most(now: Timestamp, policy: &Policy) -> Option<[Money; 2]> {
    let worst = worst_case(now, policy)?;
    Some([worst.day, worst.month].map(|cost| policy.prices.rounded(cost)))
}

/// What `min` does not mean, where a reader could take it for that.
fn idle_minimum(policy: &Policy) -> Option<String> {
    let idles = |pool: &&Pool| pool.idle_timeout.is_some() && pool.min > pool.spare;
    let pools: Vec<&str> = policy
        .pools
        .iter()
        .filter(idles)
        .map(|p| p.name.as_str())
        .collect();
    (!pools.is_empty()).then(|| {
        format!(
            "`min` of {} starts sessions, and they stop when nobody uses them; `spare` is stock \
             that is never idle",
            pools.join(", ")
        )
    })
}

/// Shows diagnostics. Their lines come from the file, whose control characters are not drawn.
fn show(diagnostics: &Diagnostics) {
    let mut err = std::io::stderr().lock();
    // Nobody can be told that standard error cannot be written to.
    let _ = write!(err, "{}", diagnostics.render(err.is_terminal()));
}

/// Programs that activity sources run and that are not on this machine, in words.
fn missing_programs(policy: &Policy) -> Vec<String> {
    let sources = policy
        .pools
        .iter()
        .flat_map(|pool| pool.activity.iter().map(move |source| (pool, source)));
    let missing = sources.filter_map(|(pool, source)| match source {
        ActivitySource::Command(words) => {
            let program = words.first().filter(|program| !is_there(program))?;
            Some(format!(
                "pool {}: `activity` runs {program}, which is not on this machine; what cannot be \
                 asked counts as use for `unknown_limit`, and then as idle",
                pool.name
            ))
        }
        _ => None,
    });
    missing.collect()
}

/// Whether a program can be started: by its path, or where the search path leads to.
fn is_there(program: &str) -> bool {
    let is_program = |path: &Path| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_program(Path::new(program));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_a_command_would_be() {
        for (program, there) in [
            ("sh", true),
            ("/bin/sh", true),
            ("no-such-program", false),
            ("/etc/passwd", false),
        ] {
            assert_eq!(is_there(program), there, "{program}");
        }
    }
}
