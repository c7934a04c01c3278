//! What a request says, taken out of it; what cannot be read is refused as a problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::control::api::ProblemCode;

use super::members::{from_object, from_query};
use super::problem::ApiError;

/// The largest body that is read.
pub(super) const LARGEST_BODY: usize = 16 * 1024;

/// The query of a request.
pub(super) struct ApiQuery<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let query = from_query(query).map_err(|e| ApiError::bad(e.to_string()))?;
        Ok(Self(query))
    }
}

/// The query of a request that takes none.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.uri.query() {
            None | Some("") => Ok(Self),
            Some(_) => Err(ApiError::bad("this path takes no query")),
        }
    }
}

/// The body of a request.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bad = |status, detail: String| ApiError::new(status, ProblemCode::BadRequest, detail);
        if !is_json(request.headers()) {
            let detail = "the body must be JSON, with `content-type: application/json`";
            return Err(bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail.into()));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|e| {
            let detail = if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
                format!("the body is larger than {} KiB", LARGEST_BODY / 1024)
            } else {
                "the body did not arrive whole".into()
            };
            bad(e.status(), detail)
        })?;
        let body: Value = serde_json::from_slice(&bytes).map_err(|e| {
            ApiError::bad(format!(
                "the body is not JSON: see line {}, column {}",
                e.line(),
                e.column()
            ))
        })?;
        let unreadable = |detail| bad(StatusCode::UNPROCESSABLE_ENTITY, detail);
        let object: Map<String, Value> = match body {
            Value::Object(object) => object,
            _ => return Err(unreadable("the body must be a JSON object".into())),
        };
        let body = from_object(object).map_err(|e| unreadable(e.to_string()))?;
        Ok(Self(body))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
