//! The routes: five operations and the token exchange, with the headers, bodies and errors of the real service.

#![expect(clippy::result_large_err, reason = "a refusal is an answer, built once and moved out")]

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde::Deserialize;
use serde_json::Value;

use crate::arr::wire::{ErrorBody, ErrorDetail, ListBody, TokenBody};
use crate::clock::Clock;
use crate::units::{Minutes, SessionId, Size, Timestamp};

use super::auth::{Account, Signer, same};
use super::book::{Book, Refused, Rented};
use super::engine::Engine;

/// The versions that are spoken.
const VERSIONS: [&str; 2] = ["2021-01-01", "2021-01-01-preview"];
/// The largest body that is read: many times the largest that means anything.
pub(super) const LARGEST_BODY: usize = 64 * 1024;

pub(super) struct Service {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) accounts: Vec<Account>,
    pub(super) signer: Signer,
    pub(super) page_size: usize,
    pub(super) books: Mutex<Books>,
}

pub(super) struct Books {
    pub(super) engine: Box<dyn Engine>,
    pub(super) by_account: std::collections::BTreeMap<String, Book>,
}

type Shared = State<Arc<Service>>;

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        // The protocol's stop really has a colon in its path.
        .without_v07_checks()
        .route("/accounts/{account}/sessions", get(list))
        .route("/accounts/{account}/sessions/{id}", any(one))
        .route("/accounts/{account}/sessions/{id}/:stop", any(stop))
        .fallback(other)
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST_BODY))
        .layer(axum::middleware::from_fn(dress))
        .with_state(service)
}

/// The headers that every answer carries.
async fn dress(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let reading = request.method() == Method::GET;
    let echo = request
        .headers()
        .get("x-ms-return-client-request-id")
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"true"));
    let id = request.headers().get("x-ms-client-request-id").cloned().filter(|_| echo);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let cv =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, fastrand::u128(..).to_be_bytes());
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("ms-cv", &format!("{cv}.0"));
    put("x-content-type-options", "nosniff");
    put("api-supported-versions", "2021-01-01-preview, 2021-01-01");
    if reading {
        put("cache-control", "no-store,no-cache");
        put("pragma", "no-cache");
    }
    if let Some(id) = id {
        headers.insert(HeaderName::from_static("x-ms-client-request-id"), id);
    }
    response
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], bytes).into_response()
}

fn error(status: StatusCode, code: &str, message: impl Into<String>) -> Response {
    let error = ErrorDetail { code: code.into(), message: message.into(), ..ErrorDetail::default() };
    json(status, &ErrorBody { error })
}

fn bad(message: impl Into<String>) -> Response {
    error(StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn refused(why: Refused, id: &SessionId) -> Response {
    let unprocessable = |message: String| error(StatusCode::UNPROCESSABLE_ENTITY, "UnprocessableEntity", message);
    match why {
        Refused::NotFound => error(StatusCode::NOT_FOUND, "NotFound", format!("The session '{id}' was not found.")),
        Refused::Conflict => error(
            StatusCode::CONFLICT,
            "Conflict",
            format!("The session '{id}' already exists with different settings."),
        ),
        Refused::NotLarger => {
            unprocessable("The maxLeaseTimeMinutes value must be larger than the current value.".into())
        }
        Refused::AboveMaximum => unprocessable("The maxLeaseTimeMinutes value must be less than 1440.".into()),
        Refused::Ended => unprocessable(format!("The session '{id}' has ended.")),
    }
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer"), (header::CONTENT_LENGTH, "0")]).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "api-version")]
    version: Option<String>,
    #[serde(rename = "after")]
    after: Option<String>,
}

impl Service {
    /// Whether a request may go on: its token, then its version.
    fn admit(&self, account: &str, headers: &HeaderMap, asked: &Asked, now: Timestamp) -> Result<(), Response> {
        if !bearer(headers).is_some_and(|token| self.signer.accepts(token, account, now)) {
            return Err(unauthorized());
        }
        match &asked.version {
            Some(v) if VERSIONS.contains(&v.as_str()) => Ok(()),
            Some(v) => Err(error(
                StatusCode::BAD_REQUEST,
                "UnsupportedApiVersion",
                format!("The api-version '{v}' is not supported."),
            )),
            None => Err(error(
                StatusCode::BAD_REQUEST,
                "ApiVersionUnspecified",
                "An API version is required, but was not specified.",
            )),
        }
    }

    fn with_book<T>(&self, account: &str, act: impl FnOnce(&mut Book, &mut dyn Engine) -> T) -> T {
        // A panic ends the process in release; in tests a poisoned book is still whole.
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let Books { engine, by_account } = &mut *books;
        act(by_account.entry(account.to_ascii_lowercase()).or_default(), engine.as_mut())
    }
}

async fn list(
    State(service): Shared,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let now = service.clock.now();
    if let Err(response) = service.admit(&account, &headers, &asked, now) {
        return response;
    }
    let after = asked.after.as_deref().and_then(|id| SessionId::new(id).ok());
    service.with_book(&account, |book, _| {
        let mut live = book.live(now, after.as_ref()).peekable();
        let sessions: Vec<_> = live.by_ref().take(service.page_size).map(|s| s.body(now)).collect();
        let last = sessions.last().map(|s| s.id.clone()).filter(|_| live.peek().is_some());
        let version = asked.version.unwrap_or_default();
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let next_link = last.map(|id| format!("http://{host}{}?api-version={version}&after={id}", uri.path()));
        json(StatusCode::OK, &ListBody { sessions, next_link })
    })
}

/// The session's id, and the lease of a body, each checked.
fn session_id(id: &str) -> Result<SessionId, Response> {
    SessionId::new(id).map_err(|_| bad("The session ID must be 1 to 256 characters of A-Z, a-z, 0-9, '-' and '_'."))
}

fn object(body: &[u8], allowed: &[&str]) -> Result<serde_json::Map<String, Value>, Response> {
    let value: Value =
        serde_json::from_slice(body).map_err(|e| bad(format!("The request body is not valid JSON: {e}.")))?;
    let Value::Object(object) = value else { return Err(bad("The request body must be a JSON object.")) };
    match object.keys().find(|k| !allowed.contains(&k.as_str())) {
        Some(key) => Err(bad(format!("The request body has an unknown property '{key}'."))),
        None => Ok(object),
    }
}

fn lease(object: &serde_json::Map<String, Value>) -> Result<Minutes, Response> {
    let Some(value) = object.get("maxLeaseTimeMinutes") else {
        return Err(bad("The maxLeaseTimeMinutes value is required."));
    };
    let Some(minutes) = value.as_i64() else { return Err(bad("The maxLeaseTimeMinutes value must be an integer.")) };
    if minutes < 0 {
        return Err(bad("The maxLeaseTimeMinutes value cannot be negative."));
    }
    Ok(Minutes::new(u32::try_from(minutes).unwrap_or(u32::MAX)))
}

fn settings(body: &[u8]) -> Result<(Size, Minutes), Response> {
    let object = object(body, &["maxLeaseTimeMinutes", "size"])?;
    let lease = lease(&object)?;
    if lease > Minutes::SERVICE_CAP {
        return Err(bad("The maxLeaseTimeMinutes value cannot be larger than 1440."));
    }
    match object.get("size").and_then(Value::as_str).map(|s| Size::from(s.to_owned())) {
        Some(size @ (Size::Standard | Size::Premium)) => Ok((size, lease)),
        _ => Err(bad("The size value must be 'Standard' or 'Premium'.")),
    }
}

fn shown(status: StatusCode, rented: &Rented, now: Timestamp) -> Response {
    json(status, &rented.body(now))
}

async fn one(
    State(service): Shared,
    Path((account, id)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = service.clock.now();
    let act = || -> Result<Response, Response> {
        service.admit(&account, &headers, &asked, now)?;
        let id = session_id(&id)?;
        service.with_book(&account, |book, engine| {
            let refuse = |why| refused(why, &id);
            match method {
                Method::GET => book.get(&id).map(|s| shown(StatusCode::OK, s, now)).map_err(refuse),
                Method::PUT => {
                    let (size, lease) = settings(&body)?;
                    let (new, rented) = book.create(engine, &id, &size, lease, now).map_err(refuse)?;
                    Ok(shown(if new { StatusCode::CREATED } else { StatusCode::OK }, rented, now))
                }
                Method::PATCH => {
                    let lease = lease(&object(&body, &["maxLeaseTimeMinutes"])?)?;
                    book.extend(engine, &id, lease, now).map(|s| shown(StatusCode::OK, s, now)).map_err(refuse)
                }
                _ => Err(not_allowed("GET, PUT, PATCH")),
            }
        })
    };
    act().unwrap_or_else(|response| response)
}

fn not_allowed(allowed: &'static str) -> Response {
    let message = format!("The method is not allowed here; these are: {allowed}.");
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn stop(
    State(service): Shared,
    Path((account, id)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let now = service.clock.now();
    let act = || -> Result<Response, Response> {
        service.admit(&account, &headers, &asked, now)?;
        let id = session_id(&id)?;
        if method != Method::POST {
            return Err(not_allowed("POST"));
        }
        let stopped = service.with_book(&account, |book, engine| book.stop(engine, &id, now));
        stopped.map(|()| StatusCode::NO_CONTENT.into_response()).map_err(|why| refused(why, &id))
    };
    act().unwrap_or_else(|response| response)
}

/// The token exchange, whose path may be written in any case; everything else is not there.
async fn other(State(service): Shared, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().to_ascii_lowercase();
    let account = path.strip_prefix("/accounts/").and_then(|rest| rest.strip_suffix("/token"));
    let Some(account) = account.filter(|a| method == Method::GET && !a.contains('/')) else {
        return error(StatusCode::NOT_FOUND, "NotFound", "There is nothing here.");
    };
    let known = service.accounts.iter().find(|a| a.id.eq_ignore_ascii_case(account));
    let given = bearer(&headers).and_then(|b| b.split_once(':'));
    let matches = known
        .zip(given)
        .is_some_and(|(known, (id, key))| id.eq_ignore_ascii_case(&known.id) && same(key, known.key.expose()));
    let token = matches.then(|| service.signer.issue(account, service.clock.now())).flatten();
    token.map_or_else(unauthorized, |access_token| json(StatusCode::OK, &TokenBody { access_token }))
}
