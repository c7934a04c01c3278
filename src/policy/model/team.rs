//! `[[team]]`: who shares a budget, whichever pools its people use.

use std::collections::BTreeSet;

use crate::units::{ClientName, TeamName};

use super::budget::Budget;

/// People who share a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its name, unique in the policy.
    pub name: TeamName,
    /// The clients whose holds are the team's unless they say otherwise; each is in one team only.
    pub members: BTreeSet<ClientName>,
    /// Bounds on what its holds may cost.
    pub budget: Budget,
    /// How many sessions it may hold or wait for at once; `None` for any number.
    pub max: Option<u32>,
}
