//! What a change of the policy takes from people: sessions that clients hold, and that the new
//! policy stops at once.
//!
//! Promises: a session that the old policy would stop as well is not among them, nor one that is
//! stopped for money or for want of use; those bounds end a hold under every policy.

use std::collections::BTreeSet;

use crate::policy::Policy;
use crate::units::{SessionId, SlotId, Timestamp};

use super::action::Action;
use super::plan::{Plan, plan};
use super::reason::Reason;
use super::state::KeeperState;

/// A session that a client holds, and that a policy stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldStop {
    /// The session.
    pub session: SessionId,
    /// Its slot.
    pub slot: SlotId,
    /// Who holds it.
    pub client: String,
    /// Why it is stopped.
    pub why: Reason,
}

impl Reason {
    /// Whether a stop for it follows from what the policy says should exist and when, and not from
    /// what was spent or who was active.
    const fn is_structural(&self) -> bool {
        !matches!(
            self,
            Self::OverBudget { .. } | Self::Idle { .. } | Self::NeverUsed { .. }
        )
    }
}

/// The sessions that clients hold and a plan stops, because the policy says so.
pub fn held_stops(plan: &Plan, keeper: &KeeperState) -> Vec<HeldStop> {
    let stops = plan.actions.iter().filter_map(|action| match action {
        Action::Stop { slot, id, why } if why.is_structural() => Some((slot, id, why)),
        _ => None,
    });
    let held = stops.filter_map(|(slot, id, why)| {
        let managed = keeper.sessions.get(id)?;
        let hold = managed.hold.as_ref()?;
        managed.stop.is_none().then(|| HeldStop {
            session: id.clone(),
            slot: slot.clone(),
            client: hold.client.clone(),
            why: why.clone(),
        })
    });
    held.collect()
}

/// The sessions that clients hold and a change of the policy stops. Each policy comes with the
/// keeper's state as it is under it.
pub fn held_stops_of_change(
    now: Timestamp,
    (old, before): (&Policy, &KeeperState),
    (new, after): (&Policy, &KeeperState),
) -> Vec<HeldStop> {
    let mut stops = held_stops(&plan(now, new, after), after);
    if !stops.is_empty() {
        let planned = plan(now, old, before);
        let anyway: BTreeSet<&SessionId> = planned
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Stop { .. }))
            .map(Action::session)
            .collect();
        stops.retain(|stop| !anyway.contains(&stop.session));
    }
    stops
}
