//! A team's part of a session: what of it the team pays for.

use crate::keeper::scope::scope_of_team;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::Timestamp;

/// A team's part of a session.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct TeamShare {
    /// The team's account, as an index into `BudgetScope::all`.
    pub(in crate::keeper) account: usize,
    /// Since when its people hold the session.
    pub(in crate::keeper) from: Timestamp,
}

impl TeamShare {
    /// That of the team that a session's present hold counts to, if the policy has it.
    pub(in crate::keeper) fn of(policy: &Policy, managed: &ManagedSession) -> Option<Self> {
        let hold = managed.hold.as_ref()?;
        Some(Self {
            account: scope_of_team(policy, hold.team.as_ref()?)?,
            from: hold.on_session_since(),
        })
    }

    /// That of the team which pays for a session, or is to: a successor is paid from now on by
    /// whoever holds the session before it.
    pub(in crate::keeper) fn of_heir(
        now: Timestamp,
        policy: &Policy,
        state: &KeeperState,
        managed: &ManagedSession,
    ) -> Option<Self> {
        if policy.teams.is_empty() || managed.hold.is_some() || managed.stop.is_some() {
            return Self::of(policy, managed);
        }
        // Ids of a slot stand together, in the order in which they were drawn.
        let (_, before) = state.sessions.range(..&managed.id).next_back()?;
        let held = Some(before).filter(|before| before.slot == managed.slot)?;
        Self::of(policy, held).map(|share| Self { from: now, ..share })
    }
}
