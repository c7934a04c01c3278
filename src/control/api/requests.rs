//! What is asked of the control API: bodies and queries.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ledger::By;
use crate::units::{ClientName, HoldId, PoolName, SessionId, Size, Span, TeamName};

/// How many events an answer tells unless the query says otherwise.
pub const DEFAULT_EVENTS: usize = 20;
/// The most events that one answer tells.
pub const MOST_EVENTS: usize = 1_000;

/// The body of `touch`, `park` and `wake`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetRequest {
    /// A pool, a slot (`pool/0`) or a session id.
    #[schema(pattern = "^([A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,64}/[0-9]{1,9})$")]
    pub target: String,
}

/// The body of `acquire`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcquireRequest {
    /// The pool to take a session of.
    pub pool: PoolName,
    /// The client's name for itself.
    pub client: ClientName,
    /// The team that the hold counts to, where it is not the one whose member the client is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The size of the session, one of the pool's; any of them if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
}

/// The body of a request for a hold, whose pool is in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldRequest {
    /// The client's name for itself.
    pub client: ClientName,
    /// The team that the hold counts to, where it is not the one whose member the client is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The size of the session, one of the pool's; any of them if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
}

/// The body of a request that lets a hold go on, whose hold is in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnoozeRequest {
    /// The client's name for itself.
    pub client: ClientName,
    /// For how long from now, at most [`LONGEST_SNOOZE`].
    #[serde(rename = "for", default = "default_snooze")]
    pub length: Span,
}

/// How long a hold goes on unless its client says otherwise.
pub const DEFAULT_SNOOZE: Span = Span::hours(1);
/// The longest that a hold goes on for one request.
pub const LONGEST_SNOOZE: Span = Span::hours(24);

const fn default_snooze() -> Span {
    DEFAULT_SNOOZE
}

/// The header with a client's own key for a request.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The body of `release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRequest {
    /// The hold to give back, or the place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// The session to give back, instead of its hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The client's name for itself.
    pub client: ClientName,
}

/// The body of `reload`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadRequest {
    /// Whether sessions that clients hold may be stopped.
    #[serde(default)]
    pub accept: bool,
}

/// The query of `why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct WhyQuery {
    /// A slot (`pool/0`) or a pool.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}(/[0-9]{1,9})?$")]
    pub slot: String,
    /// How many events at the most; more than [`MOST_EVENTS`] are never told.
    #[serde(default = "default_events")]
    pub limit: usize,
}

const fn default_events() -> usize {
    DEFAULT_EVENTS
}

/// The query of `spend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct SpendQuery {
    /// What the rows stand for.
    #[serde(default = "by_pool")]
    pub by: By,
    /// The first day; the first of the month if left out.
    #[serde(
        default,
        deserialize_with = "date",
        skip_serializing_if = "Option::is_none"
    )]
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The last day; the last of the month if left out.
    #[serde(
        default,
        deserialize_with = "date",
        skip_serializing_if = "Option::is_none"
    )]
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
}

/// The query of `charges`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct ChargesQuery {
    /// The first day; the first of the month if left out.
    #[serde(
        default,
        deserialize_with = "date",
        skip_serializing_if = "Option::is_none"
    )]
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The last day; the last of the month if left out.
    #[serde(
        default,
        deserialize_with = "date",
        skip_serializing_if = "Option::is_none"
    )]
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
}

const fn by_pool() -> By {
    By::Pool
}

fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(from)?;
    let date = text.parse().map_err(|_| {
        serde::de::Error::custom(format!("{text:?} is not a date, such as 2026-03-01"))
    })?;
    Ok(Some(date))
}
