//! The whole policy, and the settings that concern all of it.

use std::path::PathBuf;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::units::{Owner, Region, Span, TeamName};

use super::auth::Auth;
use super::budget::{Budget, Prices};
use super::service::{Location, ServiceConfig};
use super::team::Team;
use crate::policy::{Pool, SettingChange, Settings};

/// Everything that a policy file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Prefix of every session this daemon owns.
    pub owner: Owner,
    /// Where the session service is.
    pub service: ServiceConfig,
    /// How to get in.
    pub auth: Auth,
    /// How often to look, at the least.
    pub reconcile: Reconcile,
    /// What an hour costs.
    pub prices: Prices,
    /// Bounds on everything this daemon owns.
    pub budget: Budget,
    /// Time zone of days and months in every budget and report.
    pub time_zone: Tz,
    /// Shares of each budget at which to raise an alert, ascending.
    pub alert_at: Vec<Decimal>,
    /// What to do about sessions of the account that carry another owner's prefix, or none.
    pub unmanaged: Unmanaged,
    /// Where the control API listens.
    pub control: ControlSettings,
    /// Where the ledger is kept; `None` for the state directory.
    pub ledger: Option<PathBuf>,
    /// The pools, in the order of the file. At least one.
    pub pools: Vec<Pool>,
    /// The teams, in the order of the file.
    pub teams: Vec<Team>,
    /// What the file says, key by key.
    pub settings: Settings,
}

impl Policy {
    /// What a newer policy says otherwise. That a credential changed is told, and nothing of it.
    pub fn changes_to(&self, newer: &Self) -> Vec<SettingChange> {
        let mut changes = self.settings.changes_to(&newer.settings);
        if self.auth != newer.auth {
            let hidden = || Some("(not shown)".to_owned());
            changes.insert(
                0,
                SettingChange {
                    key: "auth".into(),
                    from: hidden(),
                    to: hidden(),
                },
            );
        }
        changes
    }

    /// A team of the policy.
    pub fn team(&self, name: &TeamName) -> Option<&Team> {
        self.teams.iter().find(|team| team.name == *name)
    }

    /// The team that a client is a member of.
    pub fn team_of(&self, client: &str) -> Option<&Team> {
        let is_member = |team: &&Team| team.members.iter().any(|member| member.as_str() == client);
        self.teams.iter().find(is_member)
    }

    /// Every region that the policy names, `service.region` first. Empty where there is only one
    /// place to ask, which then needs no name.
    pub fn regions(&self) -> Vec<Region> {
        let Location::Region(home) = &self.service.location else {
            return Vec::new();
        };
        let mut all = vec![home.clone()];
        for region in self.pools.iter().flat_map(|p| &p.regions) {
            if !all.contains(region) {
                all.push(region.clone());
            }
        }
        if all.len() > 1 { all } else { Vec::new() }
    }

    /// Where a pool's sessions are asked for, in order; `None` is the policy's only place.
    pub fn regions_of(&self, pool: &Pool) -> Vec<Option<Region>> {
        match (self.regions().first(), &pool.regions[..]) {
            (None, _) => vec![None],
            (Some(home), []) => vec![Some(home.clone())],
            (Some(_), named) => named.iter().cloned().map(Some).collect(),
        }
    }
}

/// How often to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// The longest time between two passes.
    pub interval: Span,
}

/// What to do about sessions that are not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmanaged {
    /// Say nothing.
    Ignore,
    /// Name each once in the log, and show them in `status`.
    Report,
}

/// Where the control API listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlSettings {
    /// The unix socket; `None` for the default place.
    pub socket: Option<PathBuf>,
    /// Where clients reach it, through a proxy before the socket; `None` where they do not. It does
    /// not end in a slash.
    pub public_url: Option<String>,
}
