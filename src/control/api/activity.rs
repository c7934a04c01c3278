//! What the activity sources of a session's pool said of it, in the answer to `status`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keeper::Evidence;
use crate::units::Timestamp;

/// One activity source of a session's pool, and what it last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityView {
    /// The source, as the policy names it.
    pub source: String,
    /// What it last said.
    pub said: Said,
    /// When it said so; of a source that cannot say, since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it saw then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saw: Option<Evidence>,
    /// The same in words; of a source that cannot say, what is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The last use that it saw, whatever it has said since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<UsageView>,
    /// Of a source that cannot say: until when that counts as use; left out where nobody is ever
    /// idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_until: Option<Timestamp>,
    /// Until when the session is not idle for what this source said; left out where it keeps
    /// nothing, and where nobody is ever idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_until: Option<Timestamp>,
    /// What makes the session idle as far as this source can see, in words; left out where nobody
    /// is ever idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_after: Option<String>,
}

/// What a source last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Nothing yet, or nothing yet that it could compare with.
    NotYet,
    /// That the session is used.
    Used,
    /// That nothing shows that it is used.
    Unused,
    /// That it cannot say.
    CannotSay,
}

/// A time for which a source saw a session used, without a gap as long as `idle_timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// The first sign of it.
    pub since: Timestamp,
    /// The last sign of it.
    pub last: Timestamp,
    /// By whom or what, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
