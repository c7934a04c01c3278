//! Why `serve` does not run.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::host::faults::BadRules;
use crate::host::{EntraError, HostError, KeyError, StateError, TlsError};
use crate::report::Hint;
use crate::units::BadSpan;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    /// Plain HTTP must not leave the machine.
    #[error("{0} is not a loopback address, and plain HTTP must not leave the machine")]
    NotLoopback(SocketAddr),
    /// An account that cannot be read.
    #[error("{0:?} is not an account")]
    Account(String),
    /// An account whose id is not a UUID.
    #[error("{0:?} is not an account id; it must be a UUID")]
    AccountId(String),
    /// An account that is given twice.
    #[error("the account {0} is given twice")]
    Twice(String),
    /// A span of time cannot be read.
    #[error("{option} cannot be used")]
    Span {
        /// The option.
        option: &'static str,
        /// Why not.
        source: BadSpan,
    },
    /// The keys of the identity provider cannot be used.
    #[error(transparent)]
    Entra(#[from] EntraError),
    /// The state cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of rules cannot be read.
    #[error("cannot read the rules in {}", path.display())]
    FaultFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of rules cannot be used.
    #[error("cannot use the rules in {}", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: BadRules,
    },
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    /// A path that cannot be found out.
    #[error("cannot tell where {} is", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Hint for ServeError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotLoopback(_) => Some("add --tls-self-signed or --tls-cert".into()),
            Self::Account(_) => Some("write ID:KEYFILE".into()),
            Self::AccountId(_) => Some("as in 7c1f9c5e-1111-4a5b-9a55-0123456789ab".into()),
            Self::Entra(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Tls(error) => error.hint(),
            Self::Key(error) => error.hint(),
            Self::Host(error) => error.hint(),
            Self::Twice(_)
            | Self::Span { .. }
            | Self::FaultFile { .. }
            | Self::Faults { .. }
            | Self::Signals(_)
            | Self::Path { .. } => None,
        }
    }
}
