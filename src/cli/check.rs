//! `check`: a policy, without touching anything.

use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::daemon::PolicyError;
use crate::policy::load;

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
