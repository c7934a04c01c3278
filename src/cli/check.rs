//! `check`: a policy, without touching anything.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::connect::connect;
use crate::daemon::read_policy_text;
use crate::keeper::worst_case;
use crate::policy::{ActivitySource, Diagnostics, Location, Policy, Pool, load};

use super::error::Failed;
use super::output;

/// Exit status 0 for a policy that can be used, 1 for one that cannot: what `run` would refuse at
/// its start is refused here, in the same words. With `strict`, 1 for one with warnings too.
pub(super) fn check(file: &Path, strict: bool, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let now = clock.now();
    let text = read_policy_text(file)?;
    let loaded = match load(&file.display().to_string(), &text) {
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
    if !matches!(loaded.policy.service.location, Location::Embedded(_)) {
        // Nothing is sent.
        connect(&loaded.policy, clock)?;
    }
    let pools = loaded.policy.pools.len();
    let plural = if pools == 1 { "" } else { "s" };
    let file = file.display();
    output::line(format_args!("{file} is a policy of {pools} pool{plural}"))?;
    if let Some(worst) = worst_case(now, &loaded.policy) {
        let prices = &loaded.policy.prices;
        let [day, month] = [worst.day, worst.month].map(|cost| prices.rounded(cost));
        let currency = &prices.currency;
        output::line(format_args!(
            "it can cost at most {day} {currency} a day and {month} {currency} in 31 days"
        ))?;
    }
    if let Some(note) = idle_minimum(&loaded.policy) {
        output::line(note)?;
    }
    let doubtful = !missing.is_empty() || !loaded.warnings.problems.is_empty();
    Ok(u8::from(strict && doubtful))
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
