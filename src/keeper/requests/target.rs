//! What a request is about, and why it is refused.

use std::borrow::Cow;
use std::str::FromStr;

use crate::keeper::mutation::{self, Mutation};
use crate::keeper::state::KeeperState;
use crate::policy::Policy;
use crate::report::Hint;
use crate::units::{BadId, PoolName, SessionId, SlotId};

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
    /// Somebody else holds it.
    #[error("session {id} is held by {by}")]
    HeldByAnother {
        /// The session.
        id: SessionId,
        /// The client that holds it.
        by: String,
    },
}

impl Hint for Refusal {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoPool { .. } => {
                Some("`leasekeeper status` lists the pools and their slots".into())
            }
            Self::NoSession { .. } => Some("`leasekeeper status` lists them".into()),
            Self::NoHeartbeat { .. } => Some("add { heartbeat = true } to its `activity`".into()),
            Self::NoSlot { .. } | Self::HeldByAnother { .. } => None,
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
    /// Whether there is what a name names.
    ///
    /// # Errors
    /// If neither the policy nor any session has that name.
    pub fn find(&self, policy: &Policy, target: &Target) -> Result<(), Refusal> {
        self.resolve(policy, target).map(drop)
    }

    /// Resolves a name to a target that exists: a pool of the policy before a session.
    pub(in crate::keeper) fn resolve(
        &self,
        policy: &Policy,
        target: &Target,
    ) -> Result<Vec<SlotId>, Refusal> {
        let no_pool = |name: &str| Refusal::NoPool {
            name: name.into(),
            managed: policy
                .pools
                .iter()
                .map(|p| p.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        };
        let pool = |name: &PoolName| policy.pools.iter().find(|p| p.name == *name);
        match target {
            _ if mutation::on(Mutation::TakeAnyTarget) => Ok(Vec::new()),
            Target::Pool(name) => match (pool(name), SessionId::new(name.as_str())) {
                (Some(pool), _) => Ok((0..pool.max)
                    .map(|ordinal| SlotId {
                        pool: name.clone(),
                        ordinal,
                    })
                    .collect()),
                (None, Ok(id)) => self
                    .sessions
                    .get(&id)
                    .map(|k| vec![k.slot.clone()])
                    .ok_or_else(|| no_pool(name.as_str())),
                (None, Err(_)) => Err(no_pool(name.as_str())),
            },
            Target::Slot(slot) => {
                let rules = pool(&slot.pool).ok_or_else(|| no_pool(slot.pool.as_str()))?;
                let last = rules.max.saturating_sub(1);
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
