//! Who asks for a session, and whether the team that it counts to may have one more.

use crate::keeper::budget::cannot_hold;
use crate::keeper::reason::Reason;
use crate::keeper::state::KeeperState;
use crate::policy::Policy;
use crate::units::{PoolName, SessionId, Size, TeamName, Timestamp};

use super::target::{Refusal, no_team};

/// Who asks for a session. A name alone is a client that counts to the team whose member it is.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// The client's name for itself.
    pub client: &'a str,
    /// The team that it names.
    pub team: Option<&'a TeamName>,
    /// The size that it asks for; `None` for any of the pool's.
    pub size: Option<&'a Size>,
}

impl<'a> From<&'a str> for Claimant<'a> {
    fn from(client: &'a str) -> Self {
        Self {
            client,
            team: None,
            size: None,
        }
    }
}

impl KeeperState {
    /// The team that a hold of a claimant counts to: the one that it names, or else the one whose
    /// member it is.
    pub(super) fn team_for(
        &self,
        policy: &Policy,
        pool: &PoolName,
        claimant: Claimant<'_>,
    ) -> Result<Option<TeamName>, Refusal> {
        let Claimant {
            client,
            team: named,
            ..
        } = claimant;
        let held = self.sessions.values().filter(|k| k.slot.pool == *pool);
        let held = held.filter_map(|k| k.hold.as_ref());
        let waits = self.queue.values().filter(|w| w.pool == *pool);
        let mut holds = held.chain(waits.map(|w| &w.hold));
        let has = holds.find(|hold| hold.client == client);
        let Some(name) = named else {
            return Ok(match has {
                Some(hold) => hold.team.clone(),
                None => policy.team_of(client).map(|team| team.name.clone()),
            });
        };
        let team = policy.team(name).ok_or_else(|| no_team(policy, name))?;
        let is_open = team.members.is_empty();
        if !is_open && !team.members.iter().any(|member| member.as_str() == client) {
            return Err(Refusal::NotAMember {
                client: client.into(),
                team: name.clone(),
            });
        }
        match has {
            Some(hold) if hold.team.as_ref() != named => Err(Refusal::OtherTeam {
                hold: hold.id,
                team: hold.team.clone(),
            }),
            _ => Ok(Some(name.clone())),
        }
    }

    /// Whether a team may have one more hold.
    pub(super) fn team_may_hold_another(
        &self,
        now: Timestamp,
        policy: &Policy,
        team: Option<&TeamName>,
    ) -> Result<(), Refusal> {
        let rules = team.and_then(|name| policy.team(name));
        let Some((rules, max)) = rules.and_then(|team| Some((team, team.max?))) else {
            return Ok(());
        };
        let held = self.sessions.values().filter_map(|k| k.hold.as_ref());
        let waiting = self.queue.values().filter(|w| w.waits(now));
        let all = held.chain(waiting.map(|w| &w.hold));
        let its = all.filter(|hold| hold.team.as_ref() == Some(&rules.name));
        if its.count() < max as usize {
            return Ok(());
        }
        Err(Refusal::TeamFull {
            team: rules.name.clone(),
            max,
        })
    }

    pub(super) fn team_cannot_hold(
        &self,
        now: Timestamp,
        policy: &Policy,
        team: Option<&TeamName>,
        id: &SessionId,
    ) -> Option<Reason> {
        cannot_hold(now, policy, self, team, self.sessions.get(id)?)
    }
}
