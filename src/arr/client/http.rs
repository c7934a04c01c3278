//! One exchange with the service: sending, and understanding how it failed. No retries here.

use reqwest::header;
use url::Url;

use crate::arr::protocol::convert::words_of;
use crate::arr::protocol::decode::sanitize;
use crate::arr::protocol::wire::ErrorBody;
use crate::keeper::FailureKind;
use crate::service::{Operation, ServiceError};
use crate::units::{SessionId, Span, Timestamp};

/// The largest body that is read.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

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
#[derive(Debug)]
pub(in crate::arr) enum NoReply {
    /// None came, or not all of it.
    Broken(String),
    /// It is larger than it can be meant to be, and would be again.
    BodyTooLarge(String),
}

/// Sends one request and reads its answer, within `limit`.
pub(in crate::arr) async fn exchange(
    request: reqwest::RequestBuilder,
    clock: &dyn crate::clock::Clock,
    limit: Span,
) -> Result<Reply, NoReply> {
    let sent = clock.now();
    let work = async {
        let mut response = request.send().await.map_err(|e| NoReply::Broken(why(&e)))?;
        let text = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(sanitize)
        };
        let (request_id, retry_after) = (text("ms-cv"), text("retry-after"));
        let (location, date) = (text("location"), text("date"));
        let status = response.status().as_u16();
        let body = body_of(&mut response).await?;
        Ok(Reply {
            sent,
            received: clock.now(),
            status,
            request_id,
            retry_after,
            location,
            date,
            body,
        })
    };
    tokio::time::timeout(limit.to_std(), work)
        .await
        .unwrap_or_else(|_| Err(NoReply::Broken(format!("no answer within {limit}"))))
}

/// The body of an answer, up to a bound.
pub(super) async fn body_of(response: &mut reqwest::Response) -> Result<Vec<u8>, NoReply> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| NoReply::Broken(why(&e)))?
    {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(NoReply::BodyTooLarge(
                "the answer is larger than 8 MiB".into(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The cause of a failed sending, without the URL, which the sentence around it names.
pub(in crate::arr) fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The headers that every request carries.
pub(in crate::arr) fn with_auth_headers(
    request: reqwest::RequestBuilder,
    bearer: &str,
) -> reqwest::RequestBuilder {
    let id = format!("{:032x}", fastrand::u128(..));
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &id[..8],
        &id[8..12],
        &id[12..16],
        &id[16..20],
        &id[20..]
    );
    let cv = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        fastrand::u128(..).to_be_bytes(),
    );
    let mut value = header::HeaderValue::from_str(&format!("Bearer {bearer}"))
        .unwrap_or_else(|_| header::HeaderValue::from_static("Bearer unreadable"));
    value.set_sensitive(true);
    request
        .header(header::AUTHORIZATION, value)
        .header("x-ms-client-request-id", uuid)
        .header("MS-CV", format!("{cv}.0"))
}

/// What a reply that is not a success means.
pub(in crate::arr) fn failure(
    operation: Operation,
    session: Option<&SessionId>,
    endpoint: &Url,
    reply: &Reply,
    until: Timestamp,
) -> ServiceError {
    let host = endpoint.host_str().unwrap_or("the service");
    let said = serde_json::from_slice::<ErrorBody>(&reply.body)
        .ok()
        .map(|b| words_of(&b.error))
        .filter(|w| !w.is_empty());
    let with = |sentence: &str| match &said {
        Some(words) => format!("{sentence}: {words}"),
        None => sentence.to_owned(),
    };
    let status = reply.status;
    let (kind, detail) = match status {
        401 | 403 => (
            FailureKind::Unauthorized,
            with(&format!(
                "the access token was refused by {host} ({status})"
            )),
        ),
        404 => (
            FailureKind::NotFound,
            with(&format!("{host} knows no such session (404)")),
        ),
        409 => (
            FailureKind::Conflict,
            with("the id exists with other settings (409)"),
        ),
        429 => (
            FailureKind::Throttled { until },
            with(&format!(
                "{host} asks the account to wait until {until} (429)"
            )),
        ),
        300..=399 => {
            let to = sanitize(reply.location.as_deref().unwrap_or("nowhere"));
            (
                FailureKind::Refused,
                format!(
                    "{host} answered with a redirect to {to} ({status}), which is not followed, because the token goes to no other host; set the endpoint to the service itself"
                ),
            )
        }
        400..=499 => (
            FailureKind::Refused,
            with(&format!("{host} refused the request ({status})")),
        ),
        _ => (
            FailureKind::Unavailable,
            with(&format!("{host} failed ({status})")),
        ),
    };
    ServiceError {
        operation,
        session: session.cloned(),
        kind,
        detail,
        request_id: reply.request_id.clone(),
    }
}

/// What a missing reply means.
pub(in crate::arr) fn unreachable(
    operation: Operation,
    session: Option<&SessionId>,
    endpoint: &Url,
    why: &NoReply,
) -> ServiceError {
    let base = format!("{}://{}", endpoint.scheme(), endpoint.authority());
    let (kind, detail) = match why {
        NoReply::Broken(why) => {
            let ask = "is the service running, and is `service.endpoint` right?";
            (
                FailureKind::Unavailable,
                format!("cannot reach {base}: {why}; {ask}"),
            )
        }
        NoReply::BodyTooLarge(why) => (
            FailureKind::Garbled,
            format!("{base} does not speak the protocol: {why}"),
        ),
    };
    ServiceError {
        operation,
        session: session.cloned(),
        kind,
        detail,
        request_id: None,
    }
}

/// What a body that is not what the protocol says means.
pub(in crate::arr) fn garbled(
    operation: Operation,
    session: Option<&SessionId>,
    reply: &Reply,
    why: &str,
) -> ServiceError {
    // An answer of the token service may hold a token, whatever else is wrong with it.
    let began = if operation == Operation::Token {
        String::new()
    } else {
        format!(
            "; it began: {}",
            sanitize(&String::from_utf8_lossy(&reply.body))
        )
    };
    let detail = format!(
        "the answer ({}) is not what the protocol says: {why}{began}",
        reply.status
    );
    ServiceError {
        operation,
        session: session.cloned(),
        kind: FailureKind::Garbled,
        detail,
        request_id: reply.request_id.clone(),
    }
}
