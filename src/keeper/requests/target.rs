//! What a request is about, and why it is refused.

use std::borrow::Cow;
use std::str::FromStr;

use crate::keeper::mutation::{self, Mutation};
use crate::keeper::reason::Reason;
use crate::keeper::state::KeeperState;
use crate::policy::{Policy, Pool};
use crate::report::Hint;
use crate::units::{
    BadId, HoldId, HoldKey, PoolName, SessionId, Size, SlotId, TeamName, Timestamp,
};

use super::hold_ref::HoldRef;

/// What a person names on the command line: a pool, a slot of one, or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every slot of a pool.
    Pool(PoolName),
    /// One slot.
    Slot(SlotId),
    /// One session.
    Session(SessionId),
}

/// Why a wish cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The policy has no such pool.
    #[error("the policy has no pool {name}; it has {managed}")]
    NoPool {
        /// The name that was asked for.
        name: String,
        /// The pools there are.
        managed: String,
    },
    /// The pool has no such slot.
    #[error("pool {pool} has no slot {ordinal}; its slots are 0 to {last}")]
    NoSlot {
        /// The pool.
        pool: PoolName,
        /// The place that was asked for.
        ordinal: u32,
        /// The last one there is.
        last: u32,
    },
    /// No live session of ours has that id.
    #[error("no live session of ours has the id {id}")]
    NoSession {
        /// The id that was asked for.
        id: SessionId,
    },
    /// The pool's policy does not count heartbeats.
    #[error("pool {pool} does not count heartbeats")]
    NoHeartbeat {
        /// The pool.
        pool: PoolName,
    },
    /// Somebody else holds it, or waits for it.
    #[error("{hold} is held by {by}")]
    HeldByAnother {
        /// What was named.
        hold: HoldRef,
        /// The client whose hold it is.
        by: String,
    },
    /// Nobody holds it.
    #[error("nobody holds {hold}")]
    NotHeld {
        /// What was named.
        hold: HoldRef,
    },
    /// The policy has no such team.
    #[error("the policy has no team {name}{}", known(.teams))]
    NoTeam {
        /// The name that was asked for.
        name: TeamName,
        /// The teams there are.
        teams: String,
    },
    /// The client is not one of the team's members.
    #[error("{client} is not a member of team {team}")]
    NotAMember {
        /// The client.
        client: String,
        /// The team that it named.
        team: TeamName,
    },
    /// The client holds a session of the pool, or waits for one, that counts to another team.
    #[error("{hold} counts to {}", counted(.team.as_ref()))]
    OtherTeam {
        /// What it has.
        hold: HoldId,
        /// The team that it counts to.
        team: Option<TeamName>,
    },
    /// The team holds, or waits for, as many sessions as it may.
    #[error("team {team} has all its {max} sessions")]
    TeamFull {
        /// The team.
        team: TeamName,
        /// Its `max`.
        max: u32,
    },
    /// The key came with another request before.
    #[error("the key {:?} was used for another request", .key.as_str())]
    KeyReused {
        /// The key.
        key: HoldKey,
    },
    /// What the same request with the same key got is over.
    #[error("{hold}, which this key stands for, is over")]
    HoldOver {
        /// The hold.
        hold: HoldId,
    },
    /// The schedule of its pool closes before.
    #[error("{hold} cannot go on beyond {at}: the schedule of its pool closes then")]
    Closes {
        /// The hold.
        hold: HoldId,
        /// When it closes for whoever is there.
        at: Timestamp,
    },
    /// A budget has no room for it.
    #[error("{hold} cannot go on for so long: {why}")]
    CannotStay {
        /// The hold.
        hold: HoldId,
        /// The budget, with its figures.
        why: Box<Reason>,
    },
    /// The pool has no sessions of that size.
    #[error("pool {pool} has no {size} sessions; its sizes are {sizes}")]
    NoSize {
        /// The pool.
        pool: PoolName,
        /// The size that was asked for.
        size: Size,
        /// Those that it has.
        sizes: String,
    },
    /// The pool has no slots.
    #[error("pool {pool} has no slots")]
    NoSlots {
        /// The pool.
        pool: PoolName,
    },
    /// A rule keeps the pool from giving a session.
    #[error("pool {pool} gives no session now: {why}")]
    Unavailable {
        /// The pool.
        pool: PoolName,
        /// The rule, and until when.
        why: Box<Reason>,
    },
}

impl Refusal {
    /// A rule keeps the pool from giving a session.
    pub(super) fn unavailable(pool: &PoolName, why: Reason) -> Self {
        Self::Unavailable {
            pool: pool.clone(),
            why: Box::new(why),
        }
    }
}

impl Refusal {
    /// The pool has no sessions of that size.
    pub(super) fn no_size(pool: &Pool, size: &Size) -> Self {
        let sizes: Vec<String> = pool.sizes().map(ToString::to_string).collect();
        Self::NoSize {
            pool: pool.name.clone(),
            size: size.clone(),
            sizes: sizes.join(", "),
        }
    }
}

impl Hint for Refusal {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoPool { .. } => {
                Some("`leasekeeper status` lists the pools and their slots".into())
            }
            Self::NoSession { .. } => Some("`leasekeeper status` lists them".into()),
            Self::NoHeartbeat { .. } => Some("add { heartbeat = true } to its `activity`".into()),
            Self::NotHeld { .. } => Some(
                "it was given back or has ended; `leasekeeper status` lists who holds what".into(),
            ),
            Self::NoSlots { .. } => Some("raise its `max`".into()),
            Self::NoSize { .. } => Some("add it to its `fallback_sizes`".into()),
            Self::KeyReused { .. } | Self::HoldOver { .. } => {
                Some("a new request needs a new key".into())
            }
            Self::Closes { .. } | Self::CannotStay { .. } => Some("ask for less".into()),
            Self::NotAMember { .. } => Some("add it to the `members` of its [[team]]".into()),
            Self::OtherTeam { .. } => Some("release it before you ask for another team".into()),
            Self::TeamFull { .. } => Some(
                "one of its people can release a session; `leasekeeper status` lists who holds \
                 what"
                    .into(),
            ),
            Self::Unavailable { why, .. } => match **why {
                Reason::ParkedByPerson { .. } => {
                    Some("`leasekeeper wake` lets it be filled again".into())
                }
                _ => None,
            },
            Self::NoSlot { .. } | Self::HeldByAnother { .. } | Self::NoTeam { .. } => None,
        }
    }
}

impl FromStr for Target {
    type Err = BadId;
    /// `pool`, `pool/0`, or a session id. A name that could be a pool's is one.
    fn from_str(s: &str) -> Result<Self, BadId> {
        if s.contains('/') {
            return s.parse().map(Self::Slot);
        }
        PoolName::new(s)
            .map(Self::Pool)
            .or_else(|_| SessionId::new(s).map(Self::Session))
    }
}

impl KeeperState {
    /// A pool of the policy.
    pub(super) fn pool_of<'p>(policy: &'p Policy, name: &PoolName) -> Result<&'p Pool, Refusal> {
        let pool = policy.pools.iter().find(|p| p.name == *name);
        pool.ok_or_else(|| no_pool(policy, name.as_str()))
    }

    /// The slots that a name names, in order: those of a pool of the policy before that of a
    /// session.
    ///
    /// # Errors
    /// If neither the policy nor any live session has that name.
    pub fn slots_of(&self, policy: &Policy, target: &Target) -> Result<Vec<SlotId>, Refusal> {
        let no_pool = |name: &str| no_pool(policy, name);
        let pool = |name: &PoolName| policy.pools.iter().find(|p| p.name == *name);
        match target {
            _ if mutation::on(Mutation::TakeAnyTarget) => Ok(Vec::new()),
            Target::Pool(name) => match (pool(name), SessionId::new(name.as_str())) {
                (Some(pool), _) => Ok((0..pool.slots())
                    .map(|ordinal| SlotId {
                        pool: name.clone(),
                        ordinal,
                    })
                    .collect()),
                (None, Ok(id)) => self
                    .sessions
                    .get(&id)
                    .map(|k| vec![k.slot.clone()])
                    .ok_or_else(|| match self.slot_of(&id) {
                        Some(_) => Refusal::NoSession { id: id.clone() },
                        None => no_pool(name.as_str()),
                    }),
                (None, Err(_)) => Err(no_pool(name.as_str())),
            },
            Target::Slot(slot) => {
                let rules = pool(&slot.pool).ok_or_else(|| no_pool(slot.pool.as_str()))?;
                let last = rules.slots().saturating_sub(1);
                if slot.ordinal > last {
                    return Err(Refusal::NoSlot {
                        pool: slot.pool.clone(),
                        ordinal: slot.ordinal,
                        last,
                    });
                }
                Ok(vec![slot.clone()])
            }
            Target::Session(id) => {
                let managed = self
                    .sessions
                    .get(id)
                    .ok_or_else(|| Refusal::NoSession { id: id.clone() })?;
                Ok(vec![managed.slot.clone()])
            }
        }
    }
}

pub(super) fn no_team(policy: &Policy, name: &TeamName) -> Refusal {
    let teams = policy.teams.iter().map(|team| team.name.as_str());
    Refusal::NoTeam {
        name: name.clone(),
        teams: teams.collect::<Vec<_>>().join(", "),
    }
}

fn known(teams: &str) -> String {
    match teams {
        "" => "; it has no [[team]]".into(),
        teams => format!("; it has {teams}"),
    }
}

fn counted(team: Option<&TeamName>) -> String {
    team.map_or_else(|| "no team".into(), |team| format!("team {team}"))
}

fn no_pool(policy: &Policy, name: &str) -> Refusal {
    let pools = policy.pools.iter().map(|p| p.name.as_str());
    Refusal::NoPool {
        name: name.into(),
        managed: pools.collect::<Vec<_>>().join(", "),
    }
}
