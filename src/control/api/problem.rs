//! Error answers: problem documents of RFC 9457.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::units::Timestamp;

use super::reload::ReloadReply;

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, as a URI: `about:blank`, so the status says what kind it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, for people.
    pub detail: String,
    /// What is wrong, for programs.
    pub code: ProblemCode,
    /// Until when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Of a policy that was refused: what it would have changed, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<Box<ReloadReply>>,
}

/// What is wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The request cannot be read.
    BadRequest,
    /// There is no such path.
    NotFound,
    /// The request can be read, and cannot be granted.
    Refused,
    /// The pool's schedule is closed.
    Closed,
    /// A person has parked the pool.
    Parked,
    /// A budget allows no session.
    Budget,
    /// The pool has no slots.
    NoSlots,
    /// The team has as many sessions as it may.
    TeamFull,
    /// The request's own key came with another request before.
    KeyReused,
    /// The hold that the request's own key stands for is over.
    HoldOver,
    /// The ledger cannot be read or written.
    Ledger,
    /// The policy cannot be used. Where its text has problems, the detail draws them under their
    /// lines.
    InvalidPolicy,
    /// The policy would stop sessions that clients hold, and that was not accepted.
    StopsHeld,
    /// The daemon does not get to it: it ends, or its pass takes long.
    Unavailable,
    /// A kind that a newer daemon knows.
    #[serde(other)]
    Other,
}
