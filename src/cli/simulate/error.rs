//! Why nothing was simulated, and what to do about it.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::daemon::PolicyError;
use crate::ledger::LedgerError;
use crate::policy::Diagnostics;
use crate::report::Hint;
use crate::sim::report::condition::{CannotJudge, Judgement};

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SimulateError {
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The usage file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The usage file cannot be used.
    #[error(transparent)]
    Usage(Diagnostics),
    /// A ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nobody comes.
    #[error("{usage} has no visit{within}; nothing was simulated")]
    NoVisit {
        /// Where the usage comes from.
        usage: String,
        /// Where none was found, as in " from 2026-03-02 on".
        within: String,
    },
    /// A condition cannot be judged.
    #[error("cannot judge --fail-if: {0}")]
    Condition(#[from] CannotJudge),
    /// A condition holds that must not.
    #[error("{}", met(_0))]
    Refused(Vec<Judgement>),
    /// Policies whose days differ cannot be compared day by day.
    #[error(
        "{} counts its days in {zone}, {} in {other}",
        policy.display(),
        against.display()
    )]
    Zones {
        /// The policy.
        policy: PathBuf,
        /// Its zone.
        zone: &'static str,
        /// The policy it is held against.
        against: PathBuf,
        /// The zone of that one.
        other: &'static str,
    },
}

impl Hint for SimulateError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Zones { .. } => {
                Some("give both the same `budget.time_zone` to compare them".into())
            }
            Self::Condition(CannotJudge::NothingToCompare { .. }) => Some(
                "name it with --against, or leave out the sign for a bound on the figure".into(),
            ),
            Self::Condition(_)
            | Self::Refused(_)
            | Self::Read { .. }
            | Self::Usage(_)
            | Self::NoVisit { .. } => None,
        }
    }

    fn is_drawn(&self) -> bool {
        match self {
            Self::Policy(error) => error.is_drawn(),
            Self::Usage(_) => true,
            _ => false,
        }
    }
}

/// What is refused, one sentence after the other.
fn met(judgements: &[Judgement]) -> String {
    let met = judgements.iter().map(|j| format!("{}: {j}", j.condition));
    met.collect::<Vec<_>>().join("; ")
}
