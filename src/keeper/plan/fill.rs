//! Filling empty slots: which are wanted, and what is asked for.
//!
//! While its schedule is open a pool wants `min` sessions, lowest slots first, every slot that was
//! asked for, one more for each client that waits, and `spare` sessions that nobody uses, up to
//! `max`. For a reservation one more that nobody uses is wanted by the time that it begins, and one
//! more in `min` while it is in force.
//! A slot parked by the idle rule is not refilled for `min`; demand may use it. Nothing is created
//! while any session of the slot may be live, nor while the service does not answer a list. Where a
//! pool has several regions, all sizes are tried in the first, then in the next.

use crate::keeper::action::Action;
use crate::keeper::reason::{Reason, SlotEffect};
use crate::keeper::rollover::successor_due;
use crate::keeper::rules::lifetime::end_of_life;
use crate::keeper::state::{ManagedSession, Parked, ParkedBy, SlotState, Waiter};
use crate::units::{Size, SlotId, Span, Timestamp};

use super::decision::Decision;
use super::planner::{PlannedPool, Planner};

impl<'a> Planner<'a> {
    /// Steps 5 and 6: successors, repeated creates, then empty slots.
    pub(super) fn fill(&mut self) {
        for pool in 0..self.pools.len() {
            for place in 0..self.pools[pool].slots.len() {
                match self.pools[pool].slots[place].staying[..] {
                    [only] if !only.seen => self.repeat_create(pool, place, only, None),
                    [old, successor] if !successor.seen => {
                        self.repeat_create(pool, place, successor, Some(old));
                    }
                    [only] => self.succeed(pool, place, only),
                    _ => {}
                }
            }
        }
        for pool in 0..self.pools.len() {
            self.fill_pool(pool);
        }
    }

    /// A create that was not answered: ask again once the service has said that it knows no such
    /// session.
    fn repeat_create(
        &mut self,
        pool: usize,
        place: usize,
        managed: &'a ManagedSession,
        old: Option<&'a ManagedSession>,
    ) {
        let state = &self.pools[pool];
        let why = match old
            .and_then(|old| Some((old, end_of_life(state.pool, self.state.limits, old)?)))
        {
            Some((old, ends)) => Reason::Successor {
                of: old.id.clone(),
                ends,
            },
            None => Reason::CreateUnanswered {
                since: managed.created,
            },
        };
        // Beside a session that is to end, only its verified end makes room.
        let may = managed.absent.is_some()
            && self.state.can_reach(managed)
            && state.slots[place].ending.is_empty();
        if may && managed.retry.allows(self.now) {
            let (slot, id, size) = (
                managed.slot.clone(),
                managed.id.clone(),
                managed.size.clone(),
            );
            let region = managed.region.clone();
            self.creates.push(Action::Create {
                slot,
                id,
                region,
                size,
                lease: managed.reserved,
                why: why.clone(),
            });
            self.decide(pool, place, Decision::Create, why);
        } else {
            match managed.retry.not_before {
                Some(at) => self.wake_at(at),
                None => self.look_soon(),
            }
            if old.is_none() {
                self.decide(pool, place, Decision::Keep, why);
            }
        }
    }

    /// A session near the end of its life gets a successor.
    fn succeed(&mut self, pool: usize, place: usize, old: &'a ManagedSession) {
        let rules = self.pools[pool].pool;
        let limits = self.state.limits;
        let (Some(due), Some(ends)) = (
            successor_due(rules, limits, old),
            end_of_life(rules, limits, old),
        ) else {
            return;
        };
        if due > self.now {
            self.wake_at(due);
            return;
        }
        if self.pools[pool].slots[place].ending.is_empty() {
            // Whoever asked for a size goes on with it.
            let hold = old.hold.as_ref();
            let size = hold.and_then(|hold| hold.size.as_ref());
            let size = size.filter(|size| rules.sizes().any(|s| s == *size));
            self.create(
                pool,
                place,
                size,
                Reason::Successor {
                    of: old.id.clone(),
                    ends,
                },
            );
        }
    }

    fn fill_pool(&mut self, pool: usize) {
        let rules = self.pools[pool].pool;
        let (counts, boot) = (self.pools[pool].counts, self.pools[pool].boot);
        let closed = !rules.is_open_within(self.now, boot);
        let opens = rules.schedule.next_edge(self.now).map(|e| e.at);
        for edge in [opens, rules.next_counts(self.now)].into_iter().flatten() {
            self.wake_at(edge);
            if rules.prewarm && edge - boot > self.now {
                self.wake_at(edge - boot);
            }
        }
        if let Some(begins) = rules.next_reservation(self.now + boot) {
            self.wake_at(begins - boot);
        }
        let mut filled = 0;
        let mut lacking = self.lacking(pool);
        for place in 0..self.pools[pool].slots.len() {
            if !self.pools[pool].slots[place].staying.is_empty() {
                filled += 1;
                continue;
            }
            if place >= rules.slots() as usize {
                continue;
            }
            let slot = self.slot_id(pool, place);
            let remembered = self.state.slots.get(&slot);
            let wish = remembered
                .and_then(|s| s.wish)
                .filter(|wish| wish.is_alive(self.now));
            if let Some(at) = wish.and_then(|wish| wish.lapses()) {
                self.wake_at(at);
            }
            let asked = wish.is_some();
            let below_min = slot.ordinal < counts.min;
            let wanted = below_min || asked;
            let parked = remembered.and_then(|s| self.parked(pool, s));
            if let Some(parked) = parked.filter(|p| wanted || p.by == ParkedBy::Person) {
                self.park(pool, place, self.parked_reason(pool, parked));
            } else if wanted && closed {
                self.park(pool, place, Reason::ScheduleClosed { opens });
            } else if asked || (below_min && lacking > 0) {
                lacking = lacking.saturating_sub(1);
                let why = if asked {
                    Reason::Requested
                } else {
                    Reason::Wanted { min: counts.min }
                };
                filled += usize::from(self.create_in_empty(pool, place, None, why));
            }
        }
        if !closed {
            self.fill_for_demand(pool, filled);
        }
    }

    /// How many sessions a pool lacks for its `min`. Any slot's session counts, and so does a slot
    /// below `min` that the idle rule or a person keeps empty: it is not made up for by another.
    fn lacking(&self, pool: usize) -> u32 {
        let state = &self.pools[pool];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let filled = state.slots.iter().filter(|s| !s.staying.is_empty()).count();
        let parked = (0..state.counts.min).filter(|ordinal| {
            let slot = SlotId {
                pool: state.pool.name.clone(),
                ordinal: *ordinal,
            };
            let empty = state
                .slots
                .get(*ordinal as usize)
                .is_some_and(|s| s.staying.is_empty());
            empty
                && self
                    .state
                    .slots
                    .get(&slot)
                    .is_some_and(|s| self.parked(pool, s).is_some())
        });
        state
            .counts
            .min
            .saturating_sub(count(filled))
            .saturating_sub(count(parked.count()))
    }

    /// Sessions in use, for those who wait, and spares, up to `max`: the lowest empty slots are
    /// filled.
    fn fill_for_demand(&mut self, pool: usize, mut filled: usize) {
        let (rules, counts) = (self.pools[pool].pool, self.pools[pool].counts);
        // Until whoever uses a session goes on to its successor, the slot is in use by the old one.
        let in_use = |k: &&ManagedSession| k.in_use(self.now, rules.idle_timeout);
        let slots = self.pools[pool].slots.iter();
        let in_use = slots.filter(|slot| slot.staying.iter().any(in_use)).count();
        let waited_for = in_use + self.waiting(pool);
        let coming = rules.coming(self.now, self.pools[pool].boot);
        let spare = counts.spare.saturating_sub(self.untaken(pool));
        let spare = spare.saturating_add(coming);
        let mut lacking = self.sizes_lacking(pool);
        let target = (waited_for + spare as usize).max(filled + lacking.len());
        let target = target.min(counts.max as usize);
        if let Some(lapses) = self.next_to_lapse(pool) {
            self.wake_at(lapses);
        }
        for place in 0..rules.slots() as usize {
            if filled >= target {
                return;
            }
            let state = &self.pools[pool].slots[place];
            let open = match &state.decision {
                None => true,
                Some((_, Decision::Park, why)) => why.slot_effect() == SlotEffect::Park,
                Some(_) => false,
            };
            if state.staying.is_empty() && open {
                let size = (!lacking.is_empty()).then(|| lacking.remove(0));
                let why = if filled < waited_for || size.is_some() {
                    Reason::Requested
                } else {
                    Reason::Demand {
                        in_use: u32::try_from(in_use).unwrap_or(u32::MAX),
                        spare,
                    }
                };
                filled += usize::from(self.create_in_empty(pool, place, size.as_ref(), why));
            }
        }
    }

    /// The sizes that clients wait for and no session that nobody uses has, in the order in which
    /// they came. Who takes any size is served by what is started for as many as wait.
    fn sizes_lacking(&self, pool: usize) -> Vec<Size> {
        let rules = self.pools[pool].pool;
        let staying = self.pools[pool].staying();
        let unused = staying.filter(|k| !k.in_use(self.now, rules.idle_timeout));
        let mut unused: Vec<&Size> = unused.map(|k| &k.size).collect();
        let mut lacking = Vec::new();
        for waiter in self.state.waiting(&rules.name, self.now) {
            let found = unused.iter().position(|size| waiter.hold.fits(size));
            match (found, &waiter.hold.size) {
                (Some(place), _) => drop(unused.remove(place)),
                (None, Some(size)) if rules.sizes().any(|s| s == size) => {
                    lacking.push(size.clone());
                }
                (None, _) => {}
            }
        }
        lacking
    }

    /// How many slots are kept empty because nobody took the stock in them.
    fn untaken(&self, pool: usize) -> u32 {
        let name = &self.pools[pool].pool.name;
        let slots = self.state.slots.iter().filter(|(id, _)| id.pool == *name);
        let parked = slots.filter_map(|(_, slot)| self.parked(pool, slot)?.why);
        let untaken = parked.filter(|why| matches!(why, Reason::NotTaken { .. }));
        u32::try_from(untaken.count()).unwrap_or(u32::MAX)
    }

    /// When the first of those who wait is taken to have left.
    fn next_to_lapse(&self, pool: usize) -> Option<Timestamp> {
        let waiting = self.state.waiting(&self.pools[pool].pool.name, self.now);
        waiting.map(Waiter::lapses).min()
    }

    /// Why a slot is parked, unless the schedule has opened since the idle rule did it.
    fn parked(&self, pool: usize, slot: &SlotState) -> Option<Parked> {
        let PlannedPool { pool, boot, .. } = &self.pools[pool];
        let ahead = if pool.prewarm { *boot } else { Span::ZERO };
        // Where it is warmed up, it opens that much earlier for what is kept empty.
        let opened = pool.last_opening(self.now + ahead).map(|at| at - ahead);
        let reserved = pool.last_reservation(self.now + *boot).map(|at| at - *boot);
        let reopened = |p: &Parked| {
            let at = opened.max(reserved);
            p.by == ParkedBy::Rule && at.is_some_and(|at| at > p.since)
        };
        slot.parked.clone().filter(|p| !reopened(p))
    }

    fn parked_reason(&self, pool: usize, parked: Parked) -> Reason {
        match (parked.by, parked.why) {
            (ParkedBy::Person, _) => Reason::ParkedByPerson {
                since: parked.since,
            },
            (ParkedBy::Rule, Some(why)) => why,
            (ParkedBy::Rule, None) => {
                let timeout = self.pools[pool].pool.idle_timeout.unwrap_or_default();
                Reason::Idle {
                    since: parked.since - timeout,
                    timeout,
                }
            }
        }
    }
}
