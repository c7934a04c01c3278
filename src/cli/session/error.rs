//! Why a `session` command failed.

use std::borrow::Cow;

use crate::cli::by_hand::NoService;
use crate::connect::ConnectError;
use crate::keeper::Status;
use crate::report::Hint;
use crate::service::ServiceError;
use crate::units::{BadId, SessionId, Span};

/// Why a `session` command failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SessionError {
    /// Which service is not known.
    #[error(transparent)]
    NoService(#[from] NoService),
    /// The service cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service refused.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// An id that cannot be one.
    #[error(transparent)]
    Id(#[from] BadId),
    /// A length of time that cannot be read.
    #[error("{text:?} is not a lease")]
    Lease {
        /// What was written.
        text: String,
    },
    /// No id was given, and nobody is there to be asked.
    #[error("no session id was given")]
    NoId,
    /// The id cannot be read from the terminal.
    #[error("cannot read the session id")]
    Read(#[source] std::io::Error),
    /// The session ended while it was waited for.
    #[error(
        "session {id} is {status}{}",
        error.as_ref().map(|e| format!(": {e}")).unwrap_or_default()
    )]
    Ended {
        /// The session.
        id: SessionId,
        /// How it ended.
        status: Status,
        /// The service's error.
        error: Option<String>,
    },
    /// It was waited for too long.
    #[error("session {id} is still {status} after {waited}")]
    TooLong {
        /// The session.
        id: SessionId,
        /// Where it is.
        status: Status,
        /// How long it was waited for.
        waited: Span,
    },
}

impl Hint for SessionError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoService(error) => error.hint(),
            Self::Connect(error) => error.hint(),
            Self::Service(error) => error.hint(),
            Self::Id(error) => error.hint(),
            Self::Lease { .. } => {
                Some("write it like 20m, 1h30m or 01:30:00, in whole minutes".into())
            }
            Self::NoId => Some("name one, as in `leasekeeper session show ID`".into()),
            Self::Read(_) | Self::Ended { .. } => None,
            Self::TooLong { id, .. } => {
                Some(format!("`leasekeeper session show {id}` tells how it goes on").into())
            }
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::NoService(error) if error.is_drawn())
    }
}
