//! Responses: bodies, and the headers that every one carries, as the real service sends them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};

/// An answer that is ready to be sent.
pub(super) type HttpResponse = Response<Full<Bytes>>;

const RETURN_ID: HeaderName = HeaderName::from_static("x-ms-return-client-request-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

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
