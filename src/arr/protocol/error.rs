//! What each way to fail means to whoever asked: the kind of failure, what happened in words, and
//! what to do about it.

use std::sync::Arc;

use url::Url;

use crate::arr::protocol::convert::words_of;
use crate::arr::protocol::reply::{NoReply, Reply};
use crate::arr::protocol::text::sanitize;
use crate::arr::protocol::wire::ErrorBody;
use crate::keeper::FailureKind;
use crate::report::Hint;
use crate::service::{Operation, ServiceError};
use crate::units::{SessionId, Timestamp};

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
    let mut hint = None;
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
            hint = Some("set the endpoint to the service itself".into());
            (
                FailureKind::Refused,
                format!(
                    "{host} answered with a redirect to {to} ({status}), which is not followed, \
                     because the token goes to no other host"
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
        hint,
        source: None,
        request_id: reply.request_id.clone(),
    }
}

/// What a missing reply means.
pub(in crate::arr) fn unreachable(
    operation: Operation,
    session: Option<&SessionId>,
    endpoint: &Url,
    why: NoReply,
) -> ServiceError {
    let base = format!("{}://{}", endpoint.scheme(), endpoint.authority());
    let (kind, detail) = match why {
        NoReply::BodyTooLarge(_) => (
            FailureKind::Garbled,
            format!("{base} does not speak the protocol"),
        ),
        _ => (FailureKind::Unavailable, format!("cannot reach {base}")),
    };
    ServiceError {
        operation,
        session: session.cloned(),
        kind,
        detail,
        hint: why.hint().map(Into::into),
        source: Some(Arc::new(why)),
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
        hint: None,
        source: None,
        request_id: reply.request_id.clone(),
    }
}

/// Nothing is sent, because the service asked for that.
pub(in crate::arr) fn throttled(
    operation: Operation,
    session: Option<&SessionId>,
    until: Timestamp,
) -> ServiceError {
    ServiceError {
        operation,
        session: session.cloned(),
        kind: FailureKind::Throttled { until },
        detail: format!("the service asked this account to send nothing until {until} (429)"),
        hint: None,
        source: None,
        request_id: None,
    }
}

/// A credential with which nothing can be begun.
pub(in crate::arr) fn unusable_credential(why: impl Hint + Send + Sync + 'static) -> ServiceError {
    let error = ServiceError {
        hint: why.hint().map(Into::into),
        ..unauthorized(why.to_string())
    };
    ServiceError {
        // Its text is the detail already, and is not shown twice; its own source is what counts.
        source: Some(Arc::new(why)),
        ..error
    }
}

/// A credential that was turned away, in words.
pub(in crate::arr) fn unauthorized(detail: String) -> ServiceError {
    ServiceError {
        operation: Operation::Token,
        session: None,
        kind: FailureKind::Unauthorized,
        detail,
        hint: None,
        source: None,
        request_id: None,
    }
}
