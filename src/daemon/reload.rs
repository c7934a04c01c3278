//! Reading the policy, at the start and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::keeper::KeeperState;
use crate::policy::{Loaded, Location, Policy, load};
use crate::units::{Region, SessionId};

use super::shared::Shared;

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file can be read, and says something that cannot be meant.
    #[error("{rendered}")]
    Invalid {
        /// Every problem, drawn under its line.
        rendered: String,
    },
    /// Something changed that only a restart can change.
    #[error("{what} has changed, which needs a restart; the policy in force stays")]
    NeedsRestart {
        /// The setting.
        what: &'static str,
    },
    /// A session lives where the new policy could not reach it.
    #[error(
        "session {session} lives in {region}, which the new policy does not name; keep it in a pool's `regions` until its sessions have ended"
    )]
    RegionInUse {
        /// The region.
        region: Region,
        /// One of its sessions.
        session: SessionId,
    },
}

impl crate::report::Hint for PolicyError {
    fn is_drawn(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }
}

/// Reads a policy; its warnings are logged.
///
/// # Errors
/// If the file cannot be read or used.
pub fn read(path: &Path) -> Result<Policy, PolicyError> {
    let text = std::fs::read_to_string(path).map_err(|source| PolicyError::Read {
        path: path.into(),
        source,
    })?;
    parse(&path.display().to_string(), &text)
}

/// Reads a policy from the text of a file of that name; its warnings are logged.
fn parse(name: &str, text: &str) -> Result<Policy, PolicyError> {
    let Loaded { policy, warnings } = load(name, text).map_err(|d| PolicyError::Invalid {
        rendered: d.render(false).trim_end().to_owned(),
    })?;
    for warning in warnings.problems {
        tracing::warn!(
            "{name}:{}:{}: {}",
            warning.line,
            warning.column,
            warning.message
        );
    }
    Ok(policy)
}

/// What a reload changed besides the policy itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The service or the credential changed: connect again.
    pub reconnect: bool,
}

/// Puts a new policy in force, or leaves the old one where the new one cannot be used.
///
/// # Errors
/// If the new policy cannot be used; nothing has changed then.
pub(super) fn reload(shared: &Shared, path: &Path) -> Result<Reloaded, PolicyError> {
    take(shared, read(path)?)
}

/// The same for the text of a file of that name.
///
/// # Errors
/// If the new policy cannot be used; nothing has changed then.
pub fn reload_text(shared: &Shared, name: &str, text: &str) -> Result<Reloaded, PolicyError> {
    take(shared, parse(name, text)?)
}

/// Puts a policy in force that can be used, unless only a restart can do so.
fn take(shared: &Shared, new: Policy) -> Result<Reloaded, PolicyError> {
    let mut state = shared.lock();
    let old = state.policy.clone();
    let fixed = [
        ("owner", old.owner != new.owner),
        ("ledger", old.ledger != new.ledger),
        ("control.socket", old.control != new.control),
        ("service.embedded", embedded(&old) != embedded(&new)),
    ];
    if let Some((what, _)) = fixed.into_iter().find(|(_, changed)| *changed) {
        return Err(PolicyError::NeedsRestart { what });
    }
    if let Some((session, region)) = out_of_reach(&new, &state.keeper) {
        return Err(PolicyError::RegionInUse { region, session });
    }
    if old.time_zone != new.time_zone {
        let now = shared.clock.now();
        match state.ledger.spent(&new.owner, new.time_zone, now) {
            Ok(spent) => state.keeper.spent = spent,
            Err(error) => tracing::error!(
                "{error}; what was spent before is counted by the old time zone's days"
            ),
        }
    }
    let reconnect = embedded(&new).is_none() && {
        old.service != new.service || old.auth != new.auth || old.regions() != new.regions()
    };
    state.policy = Arc::new(new);
    Ok(Reloaded { reconnect })
}

/// A live session in a region that a policy does not name.
fn out_of_reach(policy: &Policy, keeper: &KeeperState) -> Option<(SessionId, Region)> {
    let mut reached = policy.regions();
    if let Location::Region(home) = &policy.service.location {
        reached.push(home.clone());
    }
    let lost = keeper
        .sessions
        .values()
        .filter_map(|k| k.region.clone().map(|region| (k.id.clone(), region)));
    lost.into_iter()
        .find(|(_, region)| !reached.contains(region))
}

fn embedded(policy: &Policy) -> Option<&crate::policy::Embedded> {
    match &policy.service.location {
        Location::Embedded(embedded) => Some(embedded),
        _ => None,
    }
}
