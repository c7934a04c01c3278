//! What came back for a request: an answer whose body is not decoded yet, or none.

use crate::units::{Span, Timestamp};

/// An answer, before its body is understood.
#[derive(Debug)]
pub(in crate::arr) struct Reply {
    pub(in crate::arr) sent: Timestamp,
    pub(in crate::arr) received: Timestamp,
    pub(in crate::arr) status: u16,
    pub(in crate::arr) request_id: Option<String>,
    pub(in crate::arr) retry_after: Option<String>,
    pub(in crate::arr) location: Option<String>,
    /// The service's own clock, as it was when it answered.
    pub(in crate::arr) date: Option<String>,
    pub(in crate::arr) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::arr) enum NoReply {
    /// The connection failed, or broke.
    #[error("{0}")]
    Broken(String),
    /// None came in time.
    #[error("no answer within {0}")]
    TooLate(Span),
    /// The service's certificate is not one that is trusted.
    #[error("{0}")]
    Untrusted(String),
    /// Something else is wrong with its certificate, or with its TLS.
    #[error("{0}")]
    BadTls(String),
    /// What answers does not speak TLS.
    #[error("{0}")]
    NotTls(String),
    /// What answers does not speak HTTP.
    #[error("{0}")]
    NotHttp(String),
    /// It is larger than it can be meant to be, and would be again.
    #[error("{0}")]
    BodyTooLarge(String),
}

impl NoReply {
    /// Whether another try may bring an answer.
    pub(in crate::arr) const fn may_pass(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::TooLate(_))
    }

    /// What to do about it.
    pub(super) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Broken(_) | Self::TooLate(_) => {
                Some("is the service running, and is its endpoint right?")
            }
            Self::Untrusted(_) => {
                Some("name the authority that its certificate comes from in `service.ca_file`")
            }
            Self::BadTls(_) => {
                Some("is its certificate one for the endpoint's name, and valid now?")
            }
            Self::NotTls(_) => {
                Some("it does not speak TLS there; is its endpoint an `http://` one?")
            }
            Self::NotHttp(_) => Some("if it speaks TLS there, its endpoint is an `https://` one"),
            Self::BodyTooLarge(_) => None,
        }
    }
}
