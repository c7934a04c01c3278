//! Reading the policy, at the start and again on SIGHUP.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::connect::{ConnectError, LiveService, connect, limits};
use crate::files;
use crate::keeper::{LeftBehind, Spent};
use crate::policy::{Loaded, Location, Policy, load};
use crate::report::{Hint, line};

use super::shared::Shared;

/// More of a file than this is not even read: it cannot be a policy.
const LARGEST_POLICY: u64 = 2 * 1024 * 1024;

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy {}", path.display())]
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
    /// Its service cannot even be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Sessions live where the policy could not reach them.
    #[error("{}", lives_elsewhere(.0))]
    ServiceInUse(Vec<LeftBehind>),
}

impl Hint for PolicyError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::ServiceInUse(left) => return Some(way_out(left).into()),
            Self::Read { .. } => "the file must be there, and readable for whoever runs this",
            Self::Invalid { .. } => return None,
            Self::Connect(error) => return error.hint(),
            Self::NeedsRestart { .. } => "undo the change, or restart the daemon",
        };
        Some(hint.into())
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }
}

/// How many sessions an error names.
const NAMED: usize = 5;

/// Which sessions live where, in words.
fn lives_elsewhere(left: &[LeftBehind]) -> String {
    let Some(first) = left.first() else {
        return String::new();
    };
    let together = |other: &&LeftBehind| other.service == first.service;
    let ids = left.iter().filter(together).map(|l| l.session.as_str());
    let ids: Vec<&str> = ids.collect();
    let place = match &first.region {
        Some(region) => format!("in {region}, at {}", first.service),
        None => format!("on {}", first.service),
    };
    let named = ids[..ids.len().min(NAMED)].join(", ");
    let whose = match ids.len() {
        1 => format!("session {named} lives"),
        all if all > NAMED => format!("sessions {named} and {} more live", all - NAMED),
        _ => format!("sessions {named} live"),
    };
    format!("{whose} {place}, which the new policy does not name")
}

/// What to do about sessions that a policy would leave behind.
fn way_out(left: &[LeftBehind]) -> String {
    let until = left.iter().map(|l| l.until).max();
    let until = until.map_or_else(String::new, |until| until.to_string());
    let what = match left.iter().all(|l| l.region.is_some()) {
        true => "that region in a pool's `regions`",
        false => "that service and its account in the policy",
    };
    format!(
        "keep {what} until they have ended (`leasekeeper park` stops them); where it is gone for \
         good, they count as ended from {until} on, at the most that they can have billed"
    )
}

/// Reads a policy; its warnings are logged.
///
/// # Errors
/// If the file cannot be read or used.
pub fn read(path: &Path) -> Result<Policy, PolicyError> {
    parse(&path.display().to_string(), &read_text(path)?)
}

/// Reads the text of a policy, or of what is made one.
///
/// # Errors
/// If the file cannot be read.
pub fn read_text(path: &Path) -> Result<String, PolicyError> {
    files::read_string(path, LARGEST_POLICY).map_err(|source| PolicyError::Read {
        path: path.into(),
        source,
    })
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

/// Puts a new policy in force, or leaves the old one where the new one cannot be used. Returns the
/// connection to use from now on, where it is another one.
///
/// # Errors
/// If the new policy cannot be used, or its service not even addressed; nothing has changed then.
pub(super) async fn reload(
    shared: &Shared,
    path: &Path,
) -> Result<Option<LiveService>, PolicyError> {
    let (_, connection) = take(shared, read(path)?, |new| {
        Ok(connect(new, shared.clock.clone())?)
    })
    .await?;
    Ok(connection)
}

/// The same for the text of a file of that name.
///
/// # Errors
/// If the new policy cannot be used; nothing has changed then.
pub async fn reload_text(shared: &Shared, name: &str, text: &str) -> Result<Reloaded, PolicyError> {
    let (reloaded, _) = take(shared, parse(name, text)?, |_| Ok(())).await?;
    Ok(reloaded)
}

/// Puts a policy in force that can be used, unless only a restart can do so. Where the service or
/// the credential changed it is connected to first: both change, or neither.
async fn take<C>(
    shared: &Shared,
    new: Policy,
    connect: impl FnOnce(&Policy) -> Result<C, PolicyError>,
) -> Result<(Reloaded, Option<C>), PolicyError> {
    let old = shared.lock().policy.clone();
    let fixed = [
        ("owner", old.owner != new.owner),
        ("ledger", old.ledger != new.ledger),
        ("control.socket", old.control != new.control),
        ("service.embedded", embedded(&old) != embedded(&new)),
    ];
    if let Some((what, _)) = fixed.into_iter().find(|(_, changed)| *changed) {
        return Err(PolicyError::NeedsRestart { what });
    }
    let spent = match old.time_zone != new.time_zone {
        true => spent_in(shared, &new).await,
        false => None,
    };
    let reconnect = embedded(&new).is_none() && {
        old.service != new.service || old.auth != new.auth || old.regions() != new.regions()
    };
    let connection = reconnect.then(|| connect(&new)).transpose()?;
    let mut state = shared.lock();
    let now = shared.clock.now();
    let events = state.keeper.move_to(now, &new);
    let events = events.map_err(PolicyError::ServiceInUse)?;
    if old.services() != new.services() {
        // They may hold sessions of slots that the ledger has lost.
        state.keeper.listed_regions.clear();
    }
    state.keeper.limits = limits(&new);
    if let Some(spent) = spent {
        state.keeper.spent = spent;
    }
    state.policy = Arc::new(new);
    // Whoever relies on it waits for a later write.
    let _ = state.persist(now, events);
    Ok((Reloaded { reconnect }, connection))
}

/// What was spent before, counted by the days of a new policy's time zone.
async fn spent_in(shared: &Shared, new: &Policy) -> Option<Spent> {
    let now = shared.clock.now();
    let ledger = shared.lock().ledger.clone();
    // The account of a session that has just ended may still be on its way to the disk. Nothing
    // settles while a policy is reloaded.
    let _ = ledger.retry(now).acknowledged().await;
    let (owner, zone) = (new.owner.clone(), new.time_zone);
    let read = ledger.read(move |ledger| ledger.spent(&owner, zone, now));
    read.await
        .inspect_err(|error| {
            tracing::error!(
                "{}; what was spent before is counted by the old time zone's days",
                line(error)
            );
        })
        .ok()
}

fn embedded(policy: &Policy) -> Option<&crate::policy::Embedded> {
    match &policy.service.location {
        Location::Embedded(embedded) => Some(embedded),
        _ => None,
    }
}
