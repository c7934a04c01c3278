//! The answer to `reload`, and its part in a refusal.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::views::PlanView;

/// What a new policy says otherwise, and what it brings about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadReply {
    /// Whether it is in force.
    pub in_force: bool,
    /// What it says otherwise.
    pub changes: Vec<ChangeView>,
    /// The next pass under it.
    pub plan: PlanView,
}

/// One setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// The setting: `budget.daily`, or `pool.NAME.max`; `pool.NAME` for a pool that comes or goes.
    pub key: String,
    /// What it was, as the file had it; `None` where it was not there.
    pub from: Option<String>,
    /// What it is; `None` where it is there no more.
    pub to: Option<String>,
}
