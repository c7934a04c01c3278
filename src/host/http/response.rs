//! Responses: bodies, and the headers that every one carries, as the real service sends them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};

use super::format::WireFormat;
use super::operation::ApiOperation;

/// An answer that is ready to be sent.
pub(super) type HttpResponse = Response<Full<Bytes>>;

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

/// What a proxy says where it should let the service speak: a page for people.
pub(super) fn html(status: StatusCode) -> HttpResponse {
    let page = "<html><head><title>Gateway</title></head><body>Please try again.</body></html>\n";
    let mut answer = Response::new(Full::from(page));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// An answer without a body.
pub(in crate::host) fn empty(status: StatusCode) -> HttpResponse {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// Which of the standard headers an answer carries besides those that all do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerKind {
    /// It says which versions are spoken.
    versions: bool,
    /// It says that it is not to be cached.
    uncached: bool,
}

impl AnswerKind {
    /// The answer to a request that was understood.
    pub(super) fn of(
        operation: ApiOperation,
        method: &Method,
        status: StatusCode,
        format: WireFormat,
    ) -> Self {
        let reads = *method == Method::GET;
        match operation {
            // The token service is another one, and was recorded by itself.
            ApiOperation::Token => Self {
                versions: false,
                uncached: reads && status != StatusCode::UNAUTHORIZED,
            },
            ApiOperation::List => Self::other(reads),
            // In early 2021 only lists said so.
            _ => Self::other(reads && format == WireFormat::Modern),
        }
    }

    /// Any other answer.
    pub(super) const fn other(uncached: bool) -> Self {
        Self {
            versions: true,
            uncached,
        }
    }
}

/// Adds the headers that every answer carries, and those of its kind.
pub(super) fn with_standard_headers(mut answer: HttpResponse, kind: AnswerKind) -> HttpResponse {
    let headers = answer.headers_mut();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut vector = base64::Engine::encode(&base64, fastrand::u128(..).to_be_bytes());
    vector.push_str(".0");
    if let Ok(vector) = HeaderValue::try_from(vector) {
        headers.insert(HeaderName::from_static("ms-cv"), vector);
    }
    let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if kind.versions {
        put(
            HeaderName::from_static("api-supported-versions"),
            "2021-01-01-preview, 2021-01-01",
        );
    }
    if kind.uncached {
        put(header::CACHE_CONTROL, "no-store,no-cache");
        put(header::PRAGMA, "no-cache");
    }
    answer
}
