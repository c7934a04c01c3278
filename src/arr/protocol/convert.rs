//! From a body of the wire to a session, in either shape that the real service has sent.

use crate::keeper::{Address, Ports, Session, Status};
use crate::report::is_printable;
use crate::units::{Minutes, SessionId, Size, Timestamp};

use super::text::sanitize;
use super::wire::{ErrorDetail, SessionBody};

/// Why a body is not a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the service described a session that cannot be: {0}")]
pub(super) struct NotASession(String);

/// Reads a body: absent fields and the `null`, `0` and `0.0` of 2021 mean the same; unknown words
/// are kept.
pub(super) fn session_of(body: SessionBody) -> Result<Session, NotASession> {
    let id = SessionId::new(&body.id).map_err(|e| NotASession(e.to_string()))?;
    let minutes = |name: &str, value: Option<i64>| {
        let value = value.unwrap_or(0);
        let minutes =
            u32::try_from(value).map_err(|_| NotASession(format!("{name} is {value}")))?;
        Ok(Minutes::new(minutes))
    };
    let port = |value: Option<i64>| value.and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0);
    let zero = |n: &serde_json::Number| n.as_f64() == Some(0.0);
    let status = word("status", &body.status)?;
    let size = word("size", body.size.as_deref().unwrap_or_default())?;
    let hostname = word("hostname", body.hostname.as_deref().unwrap_or_default())?;
    Ok(Session {
        id,
        region: None,
        size: Size::from(size.to_owned()),
        status: Status::from(status.to_owned()),
        max_lease: minutes("maxLeaseTimeMinutes", body.max_lease_time_minutes)?,
        elapsed: minutes("elapsedTimeMinutes", body.elapsed_time_minutes)?,
        created: body.creation_time.and_then(|t| t.parse::<Timestamp>().ok()),
        address: (!hostname.is_empty()).then(|| Address {
            hostname: hostname.to_owned(),
            ports: Ports::new([
                ("handshake", port(body.handshake_port)),
                ("inspector", port(body.arr_inspector_port)),
            ]),
        }),
        teraflops: body
            .teraflops
            .filter(|n| !zero(n))
            .map(|n| sanitize(&n.to_string())),
        error: body.error.as_ref().map(words_of),
    })
}

/// An error in words: `code: message`, with the one behind it.
pub(in crate::arr) fn words_of(error: &ErrorDetail) -> String {
    let mut words = match (error.code.as_str(), error.message.as_str()) {
        ("", message) => message.to_owned(),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    if let Some(inner) = &error.inner_error {
        words += &format!(" ({})", words_of(inner));
    }
    sanitize(&words)
}

/// A word of the service as it may be kept: host names are the longest, at 253 characters (RFC
/// 1035, section 2.3.4).
fn word<'a>(name: &str, word: &'a str) -> Result<&'a str, NotASession> {
    if word.len() <= 253 && word.chars().all(|c| is_printable(c) && !c.is_whitespace()) {
        return Ok(word);
    }
    Err(NotASession(format!("{name} is {:?}", sanitize(word))))
}
