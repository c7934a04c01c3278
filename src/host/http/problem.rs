//! Why a request is not done, in the words of the real service.

use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};

use crate::arr::wire::ErrorDetail;
use crate::host::faults::Effect;
use crate::host::sessions::registry::RegistryError;
use crate::units::{SessionId, Span};

use super::format::WireFormat;
use super::response::{HttpResponse, empty};

/// Why a request is not done, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(in crate::host) status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(in crate::host) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// A setting, body or id that cannot be used.
    pub(in crate::host) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// No valid token or key. The real service sends no body with it.
    pub(super) fn unauthorized() -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "", "");
        problem.header = Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        problem
    }

    /// No valid token or key, as the token service says it: with nothing but the status.
    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "", "")
    }

    /// An account that has as many sessions as it can.
    pub(super) fn full_account() -> Self {
        let message = "The account has too many sessions; those that ended are forgotten after \
                       30 days.";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        problem.retry_after(FULL_ACCOUNT_RETRY)
    }

    /// What the service itself could not do.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            message,
        )
    }

    pub(super) fn not_allowed(allowed: &'static str) -> Self {
        let message = format!("The method is not allowed here; these are: {allowed}.");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        problem.header = Some((header::ALLOW, HeaderValue::from_static(allowed)));
        problem
    }

    /// The same, telling the client when to come back.
    pub(super) fn retry_after(mut self, seconds: i64) -> Self {
        self.header = Some((header::RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// The same, and the connection ends with it: what the client still sends is not read.
    pub(in crate::host) fn closing(mut self) -> Self {
        self.header = Some((header::CONNECTION, HeaderValue::from_static("close")));
        self
    }

    /// What a fault rule answers instead of the service, where it answers at all.
    pub(in crate::host) fn fault(effect: &Effect) -> Option<Self> {
        let unavailable = || {
            let message = "The service is temporarily unavailable.";
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                message,
            )
        };
        match effect {
            Effect::Throttle(wait) => {
                let message = "Too many requests were sent; try again later.";
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
                Some(problem.retry_after(whole_seconds(*wait)))
            }
            Effect::Unavailable(None) => Some(unavailable()),
            Effect::Unavailable(Some(wait)) => {
                Some(unavailable().retry_after(whole_seconds(*wait)))
            }
            Effect::Broken => Some(Self::internal("An internal error occurred.")),
            Effect::Delay(_)
            | Effect::ResetBefore
            | Effect::ResetAfter
            | Effect::Stale(_)
            | Effect::OutOfServers(_)
            | Effect::Slow(_)
            | Effect::BootFails
            | Effect::Alter(_)
            | Effect::ShortenTo(_)
            | Effect::ShortenBy(_)
            | Effect::Garbled(_)
            | Effect::Omitted(_)
            | Effect::Circle
            | Effect::Html => None,
        }
    }

    /// What a registry's refusal is called on the wire.
    pub(in crate::host) fn refused(why: RegistryError, id: &SessionId) -> Self {
        let unprocessable = |message| {
            Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "UnprocessableEntity",
                message,
            )
        };
        match why {
            RegistryError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "NotFound",
                format!("The session '{id}' was not found."),
            ),
            RegistryError::Conflict => Self::new(
                StatusCode::CONFLICT,
                "Conflict",
                format!("The session '{id}' already exists with different settings."),
            ),
            RegistryError::NotLarger => unprocessable(
                "The maxLeaseTimeMinutes value must be larger than the current value.".into(),
            ),
            RegistryError::AboveMaximum => {
                unprocessable("The maxLeaseTimeMinutes value must be less than 1440.".into())
            }
            RegistryError::Ended => unprocessable(format!("The session '{id}' has ended.")),
        }
    }

    pub(in crate::host) fn answer(self, format: WireFormat) -> HttpResponse {
        let mut answer = if self.message.is_empty() {
            empty(self.status)
        } else {
            let error = ErrorDetail {
                code: self.code.into(),
                message: self.message,
                ..ErrorDetail::default()
            };
            format.error(self.status, error)
        };
        answer.headers_mut().extend(self.header);
        answer
    }
}

/// When a client of an account with too many sessions may try again, in seconds.
const FULL_ACCOUNT_RETRY: i64 = 60;

/// Seconds as `Retry-After` tells them, rounded up.
const fn whole_seconds(span: Span) -> i64 {
    span.as_millis().saturating_add(999).div_euclid(1_000)
}
