//! Asking for one session: where, which size, for how long, and under which id.

use crate::keeper::action::Action;
use crate::keeper::budget::{CostWindow, Fit, Request, TeamShare};
use crate::keeper::ids::draw;
use crate::keeper::mutation::{self, Mutation};
use crate::keeper::reason::Reason;
use crate::keeper::rules::lifetime::lifetime;
use crate::policy::Pool;
use crate::units::{Minutes, Region, SessionName, Size};

use super::decision::Decision;
use super::planner::Planner;

impl Planner<'_> {
    /// Asks for a session in a slot that has no staying one. Returns whether it is as good as
    /// filled: asked for, or kept from it by something that another slot would meet too. Not while
    /// sessions beyond the pool's `max` take its place.
    pub(super) fn create_in_empty(
        &mut self,
        pool: usize,
        place: usize,
        size: Option<&Size>,
        why: Reason,
    ) -> bool {
        let state = &self.pools[pool].slots[place];
        if let Some(ending) = state
            .ending
            .first()
            .filter(|_| !mutation::on(Mutation::FillBesideEnding))
        {
            // Only its verified end makes room. The stop itself is the slot's decision.
            let since = ending.stop.as_ref().map_or(self.now, |s| s.since);
            if ending.stop.is_some() {
                self.pools[pool].slots[place].decision =
                    Some((Some(ending), Decision::Keep, Reason::Stopping { since }));
            }
            return true;
        }
        if self.pools[pool].room() == 0 {
            return false;
        }
        self.create(pool, place, size, why);
        true
    }

    /// Asks for a session, if the service answers, the slot's last failure is long enough ago, and
    /// the budgets allow it.
    pub(super) fn create(&mut self, pool: usize, place: usize, size: Option<&Size>, why: Reason) {
        if !self.state.fresh {
            let said = self.state.unlisted.clone();
            return self.park_unless_filled(pool, place, Reason::ServiceUnreachable { said });
        }
        let slot = self.slot_id(pool, place);
        let remembered = self.state.slots.get(&slot).cloned().unwrap_or_default();
        let rules = self.pools[pool].pool;
        let offers = match self.offers(rules, size) {
            Ok(offers) => offers,
            Err(why) => return self.park_unless_filled(pool, place, why),
        };
        let turn = remembered.retry.failures as usize % offers.len();
        // Another size or region may be had at once; the same one again only after a while.
        if turn == 0 && !remembered.retry.allows(self.now) {
            let until = remembered.retry.not_before.unwrap_or(self.now);
            self.wake_at(until);
            let last = remembered.last_failure.unwrap_or_default();
            let why = Reason::Backoff {
                failures: remembered.retry.failures,
                until,
                last,
            };
            return self.park_unless_filled(pool, place, why);
        }
        let (region, size) = offers[turn].clone();
        let wanted = rules
            .lease
            .min(lifetime(rules, self.state.limits))
            .min(self.state.limits.largest_create);
        // A session that lives for a few minutes serves nobody: at least a quarter of the lease
        // must fit.
        let least = Minutes::new((wanted.get() / 4).max(1));
        let asked = CostWindow::asked_now(self.now, rules.boot_timeout, wanted);
        let request = Request {
            pool: Some(pool),
            team: self.heir_of(pool, place),
            price: self.policy.prices.of(&size),
            asked,
            before: None,
            least,
            least_exposed: least,
        };
        let lease = match self.reservations.request(request) {
            Fit::Whole => wanted,
            Fit::Shortened(lease, _) => lease,
            Fit::Refused(why) => {
                if let Reason::Budget {
                    until: Some(until), ..
                } = &why
                {
                    self.wake_at(*until);
                }
                return self.park_unless_filled(pool, place, why);
            }
        };
        let ulid = draw(self.state.seed, &slot, remembered.drawn, self.now);
        let id = SessionName {
            slot: slot.clone(),
            ulid,
        }
        .id(&self.state.owner);
        self.creates.push(Action::Create {
            slot,
            id,
            region,
            size,
            lease,
            why: why.clone(),
        });
        self.decide(pool, place, Decision::Create, why);
    }

    /// The team that is to pay for a successor, from when its people go on to it.
    fn heir_of(&self, pool: usize, place: usize) -> Option<TeamShare> {
        let held = self.pools[pool].slots[place].staying.first()?;
        let from = self.now;
        TeamShare::of(self.policy, held).map(|share| TeamShare { from, ..share })
    }

    /// What may be asked for, in order: every size, or the one that is wanted, in the first region,
    /// then in the next; regions
    /// that do not answer are passed over. Nothing before every region has answered once: what it
    /// holds may be a session of the slot.
    fn offers(
        &self,
        rules: &Pool,
        size: Option<&Size>,
    ) -> Result<Vec<(Option<Region>, Size)>, Reason> {
        if let Some(region) = self
            .policy
            .regions()
            .into_iter()
            .find(|r| !self.state.listed_regions.contains(r))
        {
            return Err(Reason::RegionNotListed { region });
        }
        let readings = |r: &Option<Region>| {
            r.as_ref()
                .is_none_or(|r| !self.state.unreachable_regions.contains(r))
        };
        let regions = self.policy.regions_of(rules).into_iter().filter(readings);
        let offers: Vec<_> = regions
            .flat_map(|r| rules.sizes().map(move |s| (r.clone(), s.clone())))
            .filter(|(_, offered)| size.is_none_or(|wanted| wanted == offered))
            .collect();
        if offers.is_empty() {
            Err(Reason::ServiceUnreachable { said: None })
        } else {
            Ok(offers)
        }
    }
}
