//! The warning that a hold carries which is about to end.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keeper::HoldRule;
use crate::units::{Currency, Money, Timestamp};

/// That a hold is about to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarningView {
    /// When.
    pub at: Timestamp,
    /// By which rule.
    pub by: HoldRule,
    /// What one more hour costs; left out where the policy names no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour: Option<Money>,
    /// The currency of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A page that lets the hold go on for an hour, for whoever has the link; where the policy says
    /// under which address clients reach the control API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}
