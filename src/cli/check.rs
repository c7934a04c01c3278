//! `check`: a policy, without touching anything.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::daemon::PolicyError;
use crate::policy::{ActivitySource, Policy, load};

use super::error::Failed;
use super::output;

/// Exit status 0 for a policy that can be used, 1 for one that cannot.
pub(super) fn check(file: &Path) -> Result<u8, Failed> {
    let text = std::fs::read_to_string(file).map_err(|source| PolicyError::Read {
        path: file.into(),
        source,
    })?;
    let colour = std::io::stderr().is_terminal();
    let mut err = std::io::stderr().lock();
    Ok(match load(&file.display().to_string(), &text) {
        Ok(loaded) => {
            if !loaded.warnings.problems.is_empty() {
                let _ = write!(err, "{}", loaded.warnings.render(colour));
            }
            for warning in missing_programs(&loaded.policy) {
                let _ = writeln!(err, "warning: {warning}");
            }
            let pools = loaded.policy.pools.len();
            let plural = if pools == 1 { "" } else { "s" };
            let file = file.display();
            output::line(format_args!("{file} is a policy of {pools} pool{plural}"))?;
            0
        }
        Err(problems) => {
            let _ = write!(err, "{}", problems.render(colour));
            1
        }
    })
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
