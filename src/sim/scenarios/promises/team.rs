//! Promise 2 for teams: what a team's holds cost, and would if nobody did anything any more, fits
//! its budget.
//!
//! Who held what is the daemon's to say; how long a session bills is the service's.

use crate::keeper::{BudgetScope, PeriodKind};
use crate::sim::scenarios::policy::TEAM;
use crate::sim::world::World;
use crate::units::{Money, TeamName, Timestamp};

use super::broken::{BrokenPromise, broken};
use super::state::Promises;

impl Promises {
    /// Promise 2, of the team in every day, as far as its daemon knows who held what. Not where it
    /// has lost that, where a clock was set, or where sessions are longer than anybody asked for.
    pub(super) fn team(&self, now: Timestamp, world: &World) -> Result<(), BrokenPromise> {
        let (Some(limit), false) = (self.present.team, self.exempt.stepped) else {
            return Ok(());
        };
        let limit: Money = limit.to_string().parse().expect("an amount");
        let shared = world.daemons[0].shared();
        let Some(shared) = shared.filter(|_| !self.exempt.doubles && !self.exempt.forgot) else {
            return Ok(());
        };
        let team: TeamName = TEAM.parse().expect("a name");
        let scope = BudgetScope::Team(team.clone());
        let state = shared.lock();
        for day in self.days.iter().filter(|day| day.end > now) {
            let spent = state
                .keeper
                .spent
                .in_scope(PeriodKind::Day, day.start, &scope);
            let mut total = spent;
            for session in self.live.values().filter(|session| session.regular) {
                let managed = state.keeper.sessions.get(&session.id);
                let uses = managed.into_iter().flat_map(|k| k.uses_until(session.end));
                for used in uses.filter(|used| used.team.as_ref() == Some(&team)) {
                    let held = day.overlap(used.from, used.to.min(session.end));
                    let price = state.policy.prices.of(&session.size);
                    total += price.cost(held.floor_minutes());
                }
            }
            if total > limit.as_cost() {
                let total = total.to_money(2);
                let what = format!("{total} of {limit} of the team from {}", day.start);
                return Err(broken(2, now, what));
            }
        }
        Ok(())
    }
}
