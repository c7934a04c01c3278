//! Answers: bodies, errors and the headers that every one carries, as the real service sends them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::arr::wire::{ErrorBody, ErrorDetail};
use crate::host::faults::Effect;
use crate::host::sessions::registry::RegistryError;
use crate::units::{SessionId, Span};

/// An answer that is ready to be sent.
pub(super) type HttpResponse = Response<Full<Bytes>>;

const RETURN_ID: HeaderName = HeaderName::from_static("x-ms-return-client-request-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

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
            | Effect::BootFails => None,
        }
    }

    /// What a book's refusal is called on the wire.
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

    pub(in crate::host) fn answer(self) -> HttpResponse {
        let mut answer = if self.message.is_empty() {
            empty(self.status)
        } else {
            let error = ErrorDetail {
                code: self.code.into(),
                message: self.message,
                ..ErrorDetail::default()
            };
            json(self.status, &ErrorBody { error })
        };
        answer.headers_mut().extend(self.header);
        answer
    }
}

/// Seconds as `Retry-After` tells them, rounded up.
const fn whole_seconds(span: Span) -> i64 {
    span.as_millis().saturating_add(999).div_euclid(1_000)
}

/// An answer with a body.
pub(in crate::host) fn json(status: StatusCode, body: &impl serde::Serialize) -> HttpResponse {
    // The wire types have no map with keys that are not text, the one thing that cannot be written.
    let mut answer = Response::new(Full::new(
        serde_json::to_vec(body).unwrap_or_default().into(),
    ));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// An answer without a body.
pub(in crate::host) fn empty(status: StatusCode) -> HttpResponse {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// The id by which the client wants to know the answer again.
pub(super) fn echo(request: &HeaderMap) -> Option<HeaderValue> {
    let wanted = request
        .get(RETURN_ID)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"true"));
    request.get(REQUEST_ID).filter(|_| wanted).cloned()
}

/// Adds the headers that every answer carries.
pub(super) fn with_standard_headers(
    mut answer: HttpResponse,
    method: &Method,
    echo: Option<HeaderValue>,
) -> HttpResponse {
    let headers = answer.headers_mut();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut vector = base64::Engine::encode(&base64, fastrand::u128(..).to_be_bytes());
    vector.push_str(".0");
    if let Ok(vector) = HeaderValue::try_from(vector) {
        headers.insert(HeaderName::from_static("ms-cv"), vector);
    }
    let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(
        HeaderName::from_static("api-supported-versions"),
        "2021-01-01-preview, 2021-01-01",
    );
    if method == Method::GET {
        put(header::CACHE_CONTROL, "no-store,no-cache");
        put(header::PRAGMA, "no-cache");
    }
    headers.extend(echo.map(|id| (REQUEST_ID, id)));
    answer
}
