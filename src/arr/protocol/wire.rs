//! The bodies of the session management REST API (api-version 2021-01-01), as both sides of the
//! wire see them.
//!
//! Reading accepts both shapes the real service has sent: absent fields, and the `null`, `0` and
//! `0.0` of 2021; unknown fields are passed over. Writing leaves empty fields out.

use serde::{Deserialize, Deserializer, Serialize};

/// In 2021 the service sent `null` for what it now leaves out.
fn null_is_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Body of a create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateBody {
    /// Minutes from Ready until the lease ends, 0 to 1440.
    pub max_lease_time_minutes: i64,
    /// `Standard` or `Premium`; lower case is accepted too.
    pub size: String,
}

/// Body of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateBody {
    /// The new total, larger than the present one and below 1440.
    pub max_lease_time_minutes: i64,
}

/// The properties of a session, in the order in which the service writes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionBody {
    /// The session's id.
    pub id: String,
    /// RFC 3339 with up to seven fractional digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<String>,
    /// Only while Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arr_inspector_port: Option<i64>,
    /// Only while Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake_port: Option<i64>,
    /// Whole minutes in Ready, rounded down.
    #[serde(default)]
    pub elapsed_time_minutes: Option<i64>,
    /// Only while Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The lease, from Ready.
    #[serde(default)]
    pub max_lease_time_minutes: Option<i64>,
    /// `Standard`, `Premium`, or a word from a newer service.
    #[serde(default)]
    pub size: Option<String>,
    /// `Starting`, `Ready`, `Stopped`, `Expired`, `Error`, or a word from a newer service.
    pub status: String,
    /// The server's speed, once Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teraflops: Option<serde_json::Number>,
    /// Only where the status is `Error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListBody {
    /// The sessions of this page.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub sessions: Vec<SessionBody>,
    /// Where the next page is; only when there is one.
    #[serde(rename = "@nextLink", default, skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}

/// Body of an error answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, by the service's word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// A word for programs, as in `BadRequest`.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub code: String,
    /// A sentence for people.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub message: String,
    /// Further errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Vec<Self>>,
    /// What the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The error behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_error: Option<Box<Self>>,
}

/// Answer of the STS.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TokenBody {
    /// A JWT. A secret: this type has no `Debug`.
    pub access_token: String,
}
