//! Why a service does not start.

use std::net::SocketAddr;

use crate::host::auth::KeyError;
use crate::host::http::tls::TlsError;
use crate::host::store::StateError;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error(
        "the session service cannot listen on {address}: {source}; is the port taken? port 0 takes any free one"
    )]
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
    #[error("cannot start the thread that writes the state: {0}")]
    Thread(std::io::Error),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl crate::report::Hint for HostError {}
