//! Which bound on money a decision speaks of: whose it is, and what it bounds.
//!
//! [`scopes_of`] is the only place that says which scopes bound a session. Nothing else knows how
//! many kinds there are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::{Budget, Policy};
use crate::units::{Money, PoolName, TeamName};

use super::period::PeriodKind;

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetScope {
    /// Everything that the policy's owner owns.
    Policy,
    /// One pool.
    Pool(PoolName),
    /// One team: what its holds cost.
    Team(TeamName),
}

/// What a budget bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BudgetKind {
    /// What is spent and reserved in a calendar day of the budget's time zone.
    Day,
    /// The same in a calendar month.
    Month,
    /// What could still be billed if the daemon died now.
    Exposure,
}

/// One bound: whose, and on what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub struct BudgetName {
    /// Whose it is.
    pub scope: BudgetScope,
    /// What it bounds.
    pub kind: BudgetKind,
}

/// A bound as the ledger and JSON have it. A scope that is not named is the whole policy.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    pool: Option<PoolName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<TeamName>,
    period: BudgetKind,
}

impl From<BudgetName> for Written {
    fn from(name: BudgetName) -> Self {
        let period = name.kind;
        let (pool, team) = match name.scope {
            BudgetScope::Policy => (None, None),
            BudgetScope::Pool(pool) => (Some(pool), None),
            BudgetScope::Team(team) => (None, Some(team)),
        };
        Self { pool, team, period }
    }
}

impl From<Written> for BudgetName {
    fn from(written: Written) -> Self {
        Self {
            scope: match (written.pool, written.team) {
                (Some(pool), _) => BudgetScope::Pool(pool),
                (None, Some(team)) => BudgetScope::Team(team),
                (None, None) => BudgetScope::Policy,
            },
            kind: written.period,
        }
    }
}

impl BudgetScope {
    /// Every scope that a policy can bound, in the order in which bounds are tried: pools in the
    /// order of the file, then the whole policy, then teams.
    pub fn all(policy: &Policy) -> Vec<Self> {
        let pools = policy
            .pools
            .iter()
            .map(|pool| Self::Pool(pool.name.clone()));
        let teams = policy
            .teams
            .iter()
            .map(|team| Self::Team(team.name.clone()));
        pools
            .chain(std::iter::once(Self::Policy))
            .chain(teams)
            .collect()
    }

    /// Whether it bounds every session of a pool. A team's bounds only what its people hold.
    pub fn bounds(&self, pool: &PoolName) -> bool {
        match self {
            Self::Policy => true,
            Self::Pool(name) => name == pool,
            Self::Team(_) => false,
        }
    }

    /// Its bounds, as the policy states them.
    pub fn budget(&self, policy: &Policy) -> Budget {
        match self {
            Self::Policy => policy.budget,
            Self::Pool(name) => policy
                .pools
                .iter()
                .find(|pool| pool.name == *name)
                .map_or_else(Budget::default, |pool| pool.budget),
            Self::Team(name) => policy
                .team(name)
                .map_or_else(Budget::default, |team| team.budget),
        }
    }
}

/// The scope of a team, as an index into [`BudgetScope::all`]; `None` where the policy has no such
/// team, so that nothing bounds it.
pub(super) fn scope_of_team(policy: &Policy, team: &TeamName) -> Option<usize> {
    let place = policy.teams.iter().position(|t| t.name == *team)?;
    Some(policy.pools.len() + 1 + place)
}

/// A pool's place in the file; `None` where the policy has it no more.
pub(super) fn place_of_pool(policy: &Policy, pool: &PoolName) -> Option<usize> {
    policy.pools.iter().position(|p| p.name == *pool)
}

/// The scopes that bound every session of a pool, as indexes into [`BudgetScope::all`]. `pool` is
/// the pool's place in the file; `None` where the policy has it no more, so that only the whole
/// policy's bounds are left.
pub(super) fn scopes_of(pool: Option<usize>, pools: usize) -> impl Iterator<Item = usize> {
    pool.into_iter().chain(std::iter::once(pools))
}

impl BudgetKind {
    /// The kind of period that it counts in; `None` for a bound on the present.
    pub const fn period(self) -> Option<PeriodKind> {
        match self {
            Self::Day => Some(PeriodKind::Day),
            Self::Month => Some(PeriodKind::Month),
            Self::Exposure => None,
        }
    }

    /// What a policy allows of it.
    pub const fn limit(self, budget: &Budget) -> Option<Money> {
        match self {
            Self::Day => budget.daily,
            Self::Month => budget.monthly,
            Self::Exposure => budget.max_exposure,
        }
    }
}

impl From<PeriodKind> for BudgetKind {
    fn from(kind: PeriodKind) -> Self {
        match kind {
            PeriodKind::Day => Self::Day,
            PeriodKind::Month => Self::Month,
        }
    }
}

impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            BudgetKind::Day => "daily budget",
            BudgetKind::Month => "monthly budget",
            BudgetKind::Exposure => "exposure cap",
        })?;
        match &self.scope {
            BudgetScope::Policy => Ok(()),
            BudgetScope::Pool(pool) => write!(f, " of {pool}"),
            BudgetScope::Team(team) => write!(f, " of team {team}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_written_as_older_ledgers_have_it_and_read_back() {
        for (scope, kind, json) in [
            (
                BudgetScope::Policy,
                BudgetKind::Day,
                r#"{"pool":null,"period":"day"}"#,
            ),
            (
                BudgetScope::Pool("a".parse().expect("a name")),
                BudgetKind::Exposure,
                r#"{"pool":"a","period":"exposure"}"#,
            ),
            (
                BudgetScope::Team("t".parse().expect("a name")),
                BudgetKind::Month,
                r#"{"pool":null,"team":"t","period":"month"}"#,
            ),
        ] {
            let name = BudgetName { scope, kind };
            assert_eq!(serde_json::to_string(&name).expect("writes"), json);
            let read: BudgetName = serde_json::from_str(json).expect("reads");
            assert_eq!(read, name);
        }
    }
}
