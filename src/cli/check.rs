//! `check`: a policy, without touching anything.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::connect::connect;
use crate::daemon::read_policy_text;
use crate::policy::{Diagnostics, Location, load};

use super::error::Failed;
use super::output;

/// Exit status 0 for a policy that can be used, 1 for one that cannot: what `run` would refuse at
/// its start is refused here, in the same words.
pub(super) fn check(file: &Path, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
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
    if !matches!(loaded.policy.service.location, Location::Embedded(_)) {
        // Nothing is sent.
        connect(&loaded.policy, clock)?;
    }
    let pools = loaded.policy.pools.len();
    let plural = if pools == 1 { "" } else { "s" };
    let file = file.display();
    output::line(format_args!("{file} is a policy of {pools} pool{plural}"))?;
    Ok(0)
}

/// Shows diagnostics. Their lines come from the file, whose control characters are not drawn.
fn show(diagnostics: &Diagnostics) {
    let mut err = std::io::stderr().lock();
    // Nobody can be told that standard error cannot be written to.
    let _ = write!(err, "{}", diagnostics.render(err.is_terminal()));
}
