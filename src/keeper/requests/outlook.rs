//! What a client that waits can hope for, as far as the plan knows.

use std::fmt;

use crate::keeper::action::Action;
use crate::keeper::plan::plan;
use crate::keeper::reason::Reason;
use crate::keeper::state::{KeeperState, ManagedSession, ParkedBy};
use crate::policy::{Policy, Pool};
use crate::units::{Size, SlotId, Timestamp};

use super::target::Refusal;

/// What a client in the queue waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// A session that is on its way, or is asked for with the next pass.
    OnItsWay {
        /// When it is Ready as a rule, by how long servers of the pool took lately. `None` where
        /// none has booted yet, or this one takes longer.
        by: Option<Timestamp>,
    },
    /// That somebody gives a session back: the pool has no more slots.
    Full {
        /// The pool's `max`.
        max: u32,
    },
    /// That the session which the client holds already can be connected to.
    OutOfReach,
    /// That what keeps the pool from another session ends.
    Kept(Reason),
}

impl Outlook {
    /// When that is, or is as a rule, where it is known.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Kept(Reason::Backoff { until, .. }) => Some(*until),
            Self::OnItsWay { by } => *by,
            _ => None,
        }
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnItsWay { by: None } => write!(f, "a session is on its way"),
            Self::OnItsWay { by: Some(at) } => {
                write!(f, "a session is on its way, as a rule Ready by {at}")
            }
            Self::Full { max: 1 } => write!(f, "its only slot is taken"),
            Self::Full { max } => write!(f, "all {max} slots are taken"),
            Self::OutOfReach => write!(f, "its session cannot be connected to now"),
            Self::Kept(why) => why.fmt(f),
        }
    }
}

impl KeeperState {
    /// Why a pool gives no session now, whoever waits for one; `None` where it may.
    pub(super) fn never_now(&self, now: Timestamp, pool: &Pool) -> Option<Refusal> {
        if pool.slots() == 0 {
            return Some(Refusal::NoSlots {
                pool: pool.name.clone(),
            });
        }
        if !pool.schedule.is_open(now) {
            let opens = pool.schedule.next_edge(now).map(|edge| edge.at);
            let why = Reason::ScheduleClosed { opens };
            return Some(Refusal::unavailable(&pool.name, why));
        }
        if pool.counts_at(now).max == 0 {
            let opens = pool.next_counts(now);
            let why = Reason::ScheduleClosed { opens };
            return Some(Refusal::unavailable(&pool.name, why));
        }
        let slots = (0..pool.slots()).map(|ordinal| SlotId {
            pool: pool.name.clone(),
            ordinal,
        });
        let parked = slots.map(|slot| {
            let parked = self.slots.get(&slot)?.parked.as_ref()?;
            (parked.by == ParkedBy::Person).then_some(parked.since)
        });
        // The whole pool is parked since its last slot is.
        let since = parked.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let why = Reason::ParkedByPerson { since };
        Some(Refusal::unavailable(&pool.name, why))
    }

    /// What a client waits for that has a place in the queue.
    pub(super) fn outlook(
        &self,
        now: Timestamp,
        policy: &Policy,
        pool: &Pool,
        place: u32,
        size: Option<&Size>,
    ) -> Outlook {
        let fits = |found: &Size| size.is_none_or(|wanted| wanted == found);
        let planned = plan(now, policy, self);
        let asked_for = planned.actions.iter().filter(|action| {
            matches!(action, Action::Create { slot, id, size, why, .. }
                if slot.pool == pool.name
                    && fits(size)
                    && !self.sessions.contains_key(id)
                    && !matches!(why, Reason::Successor { .. }))
        });
        let in_use = |k: &ManagedSession| k.in_use(now, pool.idle_timeout);
        let coming = self.sessions.values().filter(|k| {
            let mut older = self
                .in_slot(&k.slot)
                .filter(|other| other.id.drawn() < k.id.drawn());
            k.slot.pool == pool.name
                && fits(&k.size)
                && k.stop.is_none()
                && !in_use(k)
                && !older.any(in_use)
        });
        let mut begun: Vec<Timestamp> = coming.map(|k| k.created).collect();
        begun.extend(asked_for.map(|_| now));
        begun.sort_unstable();
        if let Some(begun) = begun.get(place.saturating_sub(1) as usize) {
            let by = self.boots.usual(&pool.name).map(|usual| *begun + usual);
            let by = by.filter(|by| now < *by);
            return Outlook::OnItsWay { by };
        }
        let by_person = |why: &Reason| matches!(why, Reason::ParkedByPerson { .. });
        let kept = planned
            .slots
            .into_iter()
            .find(|slot| slot.slot.pool == pool.name && slot.is_parked() && !by_person(&slot.why));
        let max = pool.counts_at(now).max;
        kept.map_or(Outlook::Full { max }, |slot| Outlook::Kept(slot.why))
    }
}
