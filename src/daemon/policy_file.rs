//! Reading the policy's file, and every reason why a policy cannot be used.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::calendar::{CalendarError, Horizon, with_calendars};
use crate::connect::ConnectError;
use crate::files;
use crate::keeper::{HeldStop, LeftBehind, NotNamed};
use crate::policy::{Loaded, Policy, load};
use crate::report::Hint;

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
    /// A calendar that it names cannot be used.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
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
    /// It would stop what clients hold, and nobody has accepted that.
    #[error("{}", stops_held(.0))]
    StopsHeld(Vec<HeldStop>),
}

impl Hint for PolicyError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::ServiceInUse(left) => return Some(way_out(left).into()),
            Self::Read { .. } => "the file must be there, and readable for whoever runs this",
            Self::Invalid { .. } => return None,
            Self::Calendar(error) => return error.hint(),
            Self::Connect(error) => return error.hint(),
            Self::NeedsRestart { .. } => "undo the change, or restart the daemon",
            Self::StopsHeld(_) => "`leasekeeper reload --accept` takes it all the same",
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
    let together = |other: &&LeftBehind| other.not_named == first.not_named;
    let ids = left.iter().filter(together).map(|l| l.session.as_str());
    let ids: Vec<&str> = ids.collect();
    let place = match (&first.not_named, &first.region) {
        (NotNamed::Service(service), Some(region)) => format!("in {region}, at {service}"),
        (NotNamed::Service(service), None) => format!("on {service}"),
        (NotNamed::Owner(owner), _) => format!("for the owner {owner}"),
    };
    let named = ids[..ids.len().min(NAMED)].join(", ");
    let whose = match ids.len() {
        1 => format!("session {named} lives"),
        all if all > NAMED => format!("sessions {named} and {} more live", all - NAMED),
        _ => format!("sessions {named} live"),
    };
    format!("{whose} {place}, which the new policy does not name")
}

/// Which sessions of which clients a policy would stop, in words.
fn stops_held(stops: &[HeldStop]) -> String {
    let told = stops.iter().take(NAMED).map(|stop| {
        let (slot, session, client, why) = (&stop.slot, &stop.session, &stop.client, &stop.why);
        format!("{slot} {session}, held by {client}: {why}")
    });
    let mut told: Vec<String> = told.collect();
    if let more @ 1.. = stops.len().saturating_sub(NAMED) {
        told.push(format!("and {more} more"));
    }
    let sessions = match stops.len() {
        1 => "a session that a client holds".to_owned(),
        all => format!("{all} sessions that clients hold"),
    };
    format!("the new policy would stop {sessions} ({})", told.join("; "))
}

/// What to do about sessions that a policy would leave behind.
fn way_out(left: &[LeftBehind]) -> String {
    let until = left.iter().map(|l| l.until).max();
    let until = until.map_or_else(String::new, |until| until.to_string());
    let what = match left.first().map(|l| (&l.not_named, &l.region)) {
        Some((NotNamed::Owner(_), _)) => {
            return format!(
                "keep that owner in the policy until they have ended (`leasekeeper park` stops \
                 them), or give the new policy a `ledger` of its own; they count as ended from \
                 {until} on, at the most that they can have billed"
            );
        }
        Some((_, Some(_))) => "that region in a pool's `regions`",
        _ => "that service and its account in the policy",
    };
    format!(
        "keep {what} until they have ended (`leasekeeper park` stops them); where it is gone for \
         good, they count as ended from {until} on, at the most that they can have billed"
    )
}

/// Reads a policy with its calendars, for whoever plans within a time; its warnings are logged.
///
/// # Errors
/// If the file or one of its calendars cannot be read or used.
pub fn read_for(path: &Path, horizon: Horizon) -> Result<Policy, PolicyError> {
    Ok(with_calendars(read(path)?, path, horizon)?)
}

/// Reads a policy without the events of its calendars; its warnings are logged.
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
///
/// # Errors
/// If it cannot be used.
pub(super) fn parse(name: &str, text: &str) -> Result<Policy, PolicyError> {
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
