//! Why a service does not start.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::host::auth::key::KeyError;
use crate::host::http::tls::TlsError;
use crate::host::store::StateError;
use crate::report::Hint;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error("the session service cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The thread that writes the state cannot be started.
    #[error("cannot start the thread that writes the state")]
    Thread(#[source] std::io::Error),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Hint for HostError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("stop what listens there, or take any free port with port 0".into())
            }
            Self::Listen { .. } | Self::Thread(_) => None,
            Self::Key(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Tls(error) => error.hint(),
        }
    }
}
