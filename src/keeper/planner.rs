//! The state of one planning, and the steps that act on sessions that are there.
//!
//! The steps that fill empty slots are in `fill`. A planner lives for one call of `plan()`.

use std::collections::BTreeMap;

use crate::policy::{OverBudget, Policy, Pool};
use crate::units::{Minutes, PoolName, SessionId, SlotId, Span, Timestamp};

use super::action::Action;
use super::budget::{Books, Fit, Stretch};
use super::idle::{idle_deadline, idle_since, stock};
use super::lease::{LeaseClock, alarm_at, renew_at, renewable_at, renewed_total};
use super::memory::{Known, Memory};
use super::plan::{Decision, Plan, SlotPlan};
use super::reason::Reason;
use super::rollover::{end_of_life, lifetime, may_have_successor};

/// How soon to look again while something boots or is to stop.
const SOON: Span = Span::seconds(5);
/// A renewal that is due within this part of its lease is due shortly.
const SHORTLY: i64 = 16;
/// No two passes are planned closer together than this.
const SHORTEST_WAIT: Span = Span::millis(200);

/// One slot while it is planned.
#[derive(Default)]
pub(super) struct SlotState<'a> {
    /// Sessions in it that are not ending, smallest id first; two only during a rollover.
    pub(super) staying: Vec<&'a Known>,
    /// Sessions in it that end, or are to.
    pub(super) ending: Vec<&'a Known>,
    pub(super) decision: Option<(Option<&'a Known>, Decision, Reason)>,
}

pub(super) struct PoolState<'a> {
    pub(super) pool: &'a Pool,
    pub(super) slots: Vec<SlotState<'a>>,
}

pub(super) struct Planner<'a> {
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
    pub(super) memory: &'a Memory,
    pub(super) pools: Vec<PoolState<'a>>,
    /// Sessions whose pool or slot the policy does not have.
    orphans: Vec<(&'a Known, Option<usize>, Reason)>,
    pub(super) books: Books<'a>,
    stops: Vec<Action>,
    extends: Vec<Action>,
    pub(super) creates: Vec<Action>,
    pub(super) abandon: Vec<SessionId>,
    alarms: Vec<SessionId>,
    wake: Timestamp,
    due: Option<Timestamp>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(now: Timestamp, policy: &'a Policy, memory: &'a Memory) -> Self {
        let pools = policy.pools.iter().map(|pool| {
            let slots = (0..pool.max).map(|_| SlotState::default()).collect();
            PoolState { pool, slots }
        });
        Self {
            now,
            policy,
            memory,
            pools: pools.collect(),
            orphans: Vec::new(),
            books: Books::open(policy, memory, now),
            stops: Vec::new(),
            extends: Vec::new(),
            creates: Vec::new(),
            abandon: Vec::new(),
            alarms: Vec::new(),
            wake: now + policy.reconcile.interval,
            due: None,
        }
    }

    /// Something is due at an instant, whatever the service says: look again then.
    pub(super) fn wake_at(&mut self, at: Timestamp) {
        let at = at.max(self.now + SHORTEST_WAIT);
        self.wake = self.wake.min(at);
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The service is expected to have news soon: look again.
    pub(super) fn look_soon(&mut self) {
        self.wake = self.wake.min(self.now + SOON);
    }

    /// Step 1: who fills which slot.
    pub(super) fn sort_out(&mut self) {
        let index: BTreeMap<&PoolName, usize> = self
            .policy
            .pools
            .iter()
            .enumerate()
            .map(|(i, p)| (&p.name, i))
            .collect();
        // Ids are sorted, so a pool's sessions come one after the other.
        let mut last: (Option<&PoolName>, Option<usize>) = (None, None);
        for known in self.memory.sessions.values() {
            if last.0 != Some(&known.slot.pool) {
                last = (Some(&known.slot.pool), index.get(&known.slot.pool).copied());
            }
            let pool = last.1;
            let slot = pool.and_then(|i| self.pools[i].slots.get_mut(known.slot.ordinal as usize));
            match (slot, pool) {
                (Some(slot), _) if known.stop.is_some() => slot.ending.push(known),
                (Some(slot), _) => slot.staying.push(known),
                (None, Some(i)) => {
                    let max = self.pools[i].pool.max;
                    self.orphans.push((known, pool, Reason::BeyondMax { max }));
                }
                (None, None) => self.orphans.push((known, None, Reason::PoolRemoved)),
            }
        }
        for (known, _, reason) in std::mem::take(&mut self.orphans) {
            self.orphans
                .push((known, index.get(&known.slot.pool).copied(), reason.clone()));
            self.stop(known, reason);
        }
        for i in 0..self.pools.len() {
            for ordinal in 0..self.pools[i].slots.len() {
                self.part_duplicates(i, ordinal);
                for k in 0..self.pools[i].slots[ordinal].ending.len() {
                    let known = self.pools[i].slots[ordinal].ending[k];
                    if let Some(asked) = &known.stop {
                        self.stop(known, asked.reason.clone());
                    }
                }
            }
        }
    }

    /// Two live sessions of one slot: old and successor during a rollover stay; else the smaller id
    /// does, unless only the other is held. Everyone who sees the same list chooses the same.
    fn part_duplicates(&mut self, pool: usize, ordinal: usize) {
        let state = &mut self.pools[pool].slots[ordinal];
        if state.staying.len() < 2 {
            return;
        }
        let first = state.staying[0];
        let keep = if may_have_successor(self.policy_pool(pool), first, self.now) {
            2
        } else {
            1
        };
        let state = &mut self.pools[pool].slots[ordinal];
        if keep == 1 && first.hold.is_none() {
            let held: Vec<usize> = (0..state.staying.len())
                .filter(|i| state.staying[*i].hold.is_some())
                .collect();
            if let [only] = held[..] {
                state.staying.swap(0, only);
            }
        }
        let extras = state.staying.split_off(keep);
        let of = state.staying[keep - 1].id.clone();
        for known in extras {
            self.end(pool, ordinal, known, Reason::Duplicate { of: of.clone() });
        }
    }

    fn policy_pool(&self, pool: usize) -> &'a Pool {
        self.pools[pool].pool
    }

    /// Plans the stop of a session that its slot counted on.
    fn end(&mut self, pool: usize, ordinal: usize, known: &'a Known, why: Reason) {
        let state = &mut self.pools[pool].slots[ordinal];
        state.staying.retain(|k| k.id != known.id);
        state.ending.push(known);
        self.stop(known, why);
    }

    /// Plans a stop, or its repetition.
    fn stop(&mut self, known: &'a Known, why: Reason) {
        if !known.seen {
            // It may never have come to be. Once the service says so there is nothing to stop.
            if known.absent.is_some() {
                self.abandon.push(known.id.clone());
                return;
            }
        }
        if known.retry.allows(self.now) || known.stop.is_none() {
            let (slot, id) = (known.slot.clone(), known.id.clone());
            self.stops.push(Action::Stop { slot, id, why });
        } else if let Some(at) = known.retry.not_before {
            self.wake_at(at);
        }
        self.look_soon();
    }

    /// Step 2: endings.
    pub(super) fn end_what_must_end(&mut self) {
        for i in 0..self.pools.len() {
            let pool = self.policy_pool(i);
            let staying: Vec<&Known> = self.pools[i]
                .slots
                .iter()
                .flat_map(|s| s.staying.iter().copied())
                .collect();
            let stock = stock(pool, &staying, self.now);
            let surplus = self.surplus(pool, &staying);
            let closed = (!pool.schedule.is_open(self.now))
                .then(|| pool.schedule.next_edge(self.now).map(|e| e.at));
            if let Some(edge) = pool.schedule.next_edge(self.now) {
                self.wake_at(edge.at);
            }
            for (n, known) in staying.iter().enumerate() {
                // A successor waits for whoever uses the old one: it is no more idle than stock is.
                let succeeds = n > 0 && staying[n - 1].slot == known.slot;
                let is_stock = succeeds || stock.contains(&known.id);
                let ordinal = known.slot.ordinal as usize;
                let why = self.must_end(pool, known, closed, is_stock).or_else(|| {
                    (n >= surplus && !is_stock && !known.in_use(self.now, pool.idle_timeout))
                        .then_some(Reason::Surplus)
                });
                match why {
                    Some(why) => self.end(i, ordinal, known, why),
                    None => self.expect_changes(pool, known, is_stock),
                }
            }
            for ordinal in 0..self.pools[i].slots.len() {
                self.end_the_succeeded(i, ordinal);
            }
        }
    }

    /// From which session on, in slot order, a pool has more than it needs. Only pools without an
    /// idle timeout need this rule: elsewhere whatever nobody uses goes idle.
    fn surplus(&self, pool: &Pool, staying: &[&Known]) -> usize {
        if pool.idle_timeout.is_some() {
            return usize::MAX;
        }
        let used = staying.iter().filter(|k| k.in_use(self.now, None)).count();
        let asked = staying
            .iter()
            .filter(|k| {
                self.memory
                    .slots
                    .get(&k.slot)
                    .is_some_and(|s| s.wish.is_some())
            })
            .count();
        let rolling = staying
            .windows(2)
            .filter(|w| w[0].slot == w[1].slot)
            .count();
        (used + pool.spare as usize).max(pool.min as usize) + asked + rolling
    }

    fn must_end(
        &self,
        pool: &Pool,
        known: &Known,
        closed: Option<Option<Timestamp>>,
        is_stock: bool,
    ) -> Option<Reason> {
        let person = self.memory.slots.get(&known.slot).and_then(|s| s.parked);
        if let Some(parked) = person.filter(|p| p.by == super::memory::ParkedBy::Person) {
            return Some(Reason::ParkedByPerson {
                since: parked.since,
            });
        }
        if let Some(opens) = closed {
            return Some(Reason::ScheduleClosed { opens });
        }
        if !known.is_ready() && known.seen && known.created + pool.boot_timeout <= self.now {
            return Some(Reason::BootTimeout {
                timeout: pool.boot_timeout,
            });
        }
        if end_of_life(pool, known).is_some_and(|end| end <= self.now) {
            return Some(Reason::MaxLifetime {
                lifetime: pool.max_lifetime,
            });
        }
        let deadline = idle_deadline(pool, known).filter(|_| !is_stock)?;
        if deadline > self.now {
            return None;
        }
        Some(Reason::Idle {
            since: idle_since(known)?,
            timeout: pool.idle_timeout?,
        })
    }

    /// Looks again when one of the endings becomes due.
    fn expect_changes(&mut self, pool: &Pool, known: &Known, is_stock: bool) {
        if !known.is_ready() {
            self.look_soon();
            self.wake_at(known.created + pool.boot_timeout);
        }
        if let Some(end) = end_of_life(pool, known) {
            self.wake_at(end);
        }
        if let Some(deadline) = idle_deadline(pool, known).filter(|_| !is_stock) {
            self.wake_at(deadline);
        }
    }

    /// An old session is stopped once its successor is Ready and nobody uses the old one.
    fn end_the_succeeded(&mut self, pool: usize, ordinal: usize) {
        if let [old, successor] = self.pools[pool].slots[ordinal].staying[..]
            && successor.is_ready()
            && !old.in_use(self.now, self.policy_pool(pool).idle_timeout)
        {
            self.end(
                pool,
                ordinal,
                old,
                Reason::RolledOver {
                    to: successor.id.clone(),
                },
            );
        }
    }

    /// Every live session with the index of its pool.
    fn live(&self) -> Vec<(&'a Known, Option<usize>, bool)> {
        let mut live: Vec<_> = self
            .orphans
            .iter()
            .map(|(k, pool, _)| (*k, *pool, true))
            .collect();
        for (i, pool) in self.pools.iter().enumerate() {
            for slot in &pool.slots {
                live.extend(slot.staying.iter().map(|k| (*k, Some(i), false)));
                live.extend(slot.ending.iter().map(|k| (*k, Some(i), true)));
            }
        }
        live
    }

    /// What a live session may cost from beginning to end.
    fn stretch(&self, known: &Known, pool: Option<usize>) -> Stretch {
        let boot_timeout = pool.map_or(Span::minutes(10), |i| self.pools[i].pool.boot_timeout);
        Stretch::of(known, boot_timeout, self.now, known.reserved)
    }

    /// What a session has cost so far at the most, rounded up to the minute.
    fn so_far(&self, known: &Known) -> Minutes {
        let since = known.clock.map(LeaseClock::earliest);
        since
            .map_or(Minutes::ZERO, |at| (self.now - at).ceil_minutes())
            .max(known.elapsed)
            .min(known.reserved)
    }

    /// Step 3a: every live session is entered, ending or not: until the service reports its end it
    /// is paid for.
    pub(super) fn enter_the_books(&mut self) {
        for (known, pool, ending) in self.live() {
            let price = self.policy.prices.of(&known.size);
            let ends_after = ending.then(|| self.so_far(known));
            self.books
                .enter(pool, price, self.stretch(known, pool), ends_after);
        }
        if let Some(edge) = self.books.next_edge() {
            self.wake_at(edge);
        }
    }

    /// Step 3b: what no longer fits is stopped: spares, then unheld sessions, then held ones;
    /// within each, the pool that stands last in the file first, then the youngest session.
    pub(super) fn stop_what_is_over_budget(&mut self) {
        while let Some((exceeded, why)) = self.books.exceeded() {
            let mut relieved = false;
            for (known, pool) in self.victims() {
                if exceeded.pool.is_some_and(|p| p != pool) {
                    continue;
                }
                let price = self.policy.prices.of(&known.size);
                let left_alone = self.stretch(known, Some(pool));
                if self
                    .books
                    .relieve(exceeded, Some(pool), price, left_alone, self.so_far(known))
                {
                    self.end(pool, known.slot.ordinal as usize, known, why);
                    relieved = true;
                    break;
                }
            }
            if !relieved {
                self.books.accept(exceeded);
            }
        }
    }

    fn victims(&self) -> Vec<(&'a Known, usize)> {
        let mut victims = Vec::new();
        for (i, state) in self.pools.iter().enumerate() {
            if state.pool.over_budget == OverBudget::LetLeaseEnd {
                continue;
            }
            let staying: Vec<&Known> = state
                .slots
                .iter()
                .flat_map(|s| s.staying.iter().copied())
                .collect();
            let stock = stock(state.pool, &staying, self.now);
            for known in staying {
                let class = if stock.contains(&known.id) {
                    0
                } else {
                    1 + u8::from(known.hold.is_some())
                };
                victims.push((
                    class,
                    std::cmp::Reverse(i),
                    std::cmp::Reverse(known.created),
                    known,
                ));
            }
        }
        victims.sort_by(|a, b| {
            (a.0, a.1, a.2)
                .cmp(&(b.0, b.1, b.2))
                .then_with(|| b.3.id.cmp(&a.3.id))
        });
        victims
            .into_iter()
            .map(|(_, pool, _, known)| (known, pool.0))
            .collect()
    }

    /// Step 4: renewals, held sessions first, because a budget may not suffice for all.
    pub(super) fn renew(&mut self) {
        let mut staying = Vec::new();
        for (i, pool) in self.pools.iter().enumerate() {
            for slot in &pool.slots {
                staying.extend(slot.staying.iter().map(|k| (*k, i)));
            }
        }
        staying.sort_by_key(|(k, pool)| !k.in_use(self.now, self.policy_pool(*pool).idle_timeout));
        let due = |known: &Known, pool: usize| {
            let clock = known.clock.filter(|_| known.is_ready())?;
            Some(renew_at(clock, known.granted, self.policy_pool(pool).lease))
        };
        let any_due = staying
            .iter()
            .any(|(k, pool)| due(k, *pool).is_some_and(|at| at <= self.now));
        for (known, pool) in staying {
            let (decision, why) = self.renewal(pool, known, any_due);
            let slot = &mut self.pools[pool].slots[known.slot.ordinal as usize];
            if slot.decision.is_none() {
                slot.decision = Some((Some(known), decision, why));
            }
        }
    }

    /// Whether a lease is renewed now. `any_due` says that some lease is due for certain; those
    /// that would be due shortly are renewed with it, so that many sessions do not each need a pass
    /// of their own.
    fn renewal(&mut self, index: usize, known: &'a Known, any_due: bool) -> (Decision, Reason) {
        let pool = self.policy_pool(index);
        let Some(clock) = known.clock.filter(|_| known.is_ready()) else {
            return (
                Decision::Keep,
                Reason::Booting {
                    since: known.created,
                    until: known.created + pool.boot_timeout,
                },
            );
        };
        let due = renew_at(clock, known.granted, pool.lease);
        let shortly = any_due && due - pool.lease.span().div(SHORTLY) <= self.now;
        if due > self.now && !shortly {
            self.wake_at(due);
            return (Decision::Keep, Reason::Kept { renew_at: due });
        }
        let cap = lifetime(pool);
        let ends = clock.latest_expiry(known.granted);
        let over = ends < self.now;
        if over || renewable_at(clock, known.granted, pool.lease, cap).is_none() {
            if over {
                self.look_soon();
            } else {
                self.wake_at(ends + Span::seconds(1));
            }
            return (Decision::Keep, Reason::RunsOut { ends });
        }
        let alarm = alarm_at(clock, known.granted, pool.lease);
        let urgent = alarm <= self.now;
        self.wake_at(if urgent { self.now + SOON } else { alarm });
        if urgent && known.retry.failures > 0 {
            self.alarms.push(known.id.clone());
        }
        let Some(wanted) = renewed_total(self.now, clock, known.granted, pool.lease, cap) else {
            if let Some(at) = renewable_at(clock, known.granted, pool.lease, cap) {
                self.wake_at(at);
            }
            return (Decision::Keep, Reason::Kept { renew_at: due });
        };
        // In the last eighth every pass in which the service answers is a try: there is no time to
        // wait out a backoff.
        let may_try = known.retry.allows(self.now) || (urgent && self.memory.hears_of(known));
        if !may_try {
            let at = known.retry.not_before.unwrap_or(self.now);
            self.wake_at(at);
            return (Decision::Keep, Reason::Kept { renew_at: at });
        }
        let half_spent = Reason::LeaseHalfSpent {
            left: clock.earliest_expiry(known.granted) - self.now,
            lease: pool.lease,
        };
        let before = self.stretch(known, Some(index));
        let asked = Stretch {
            length: wanted.max(known.reserved),
            ..before
        };
        let price = self.policy.prices.of(&known.size);
        let least = known.granted.plus(Minutes::new(1));
        let (to, why) = match self.books.request(index, price, asked, Some(before), least) {
            Fit::Whole => (wanted, half_spent),
            Fit::Shortened(to, budget) => {
                (to.min(wanted), Reason::LeaseShortened { budget, wanted })
            }
            Fit::Refused(why) => {
                self.alarms.retain(|id| *id != known.id);
                return (Decision::Keep, self.refused(known, why));
            }
        };
        let (slot, id) = (known.slot.clone(), known.id.clone());
        self.extends.push(Action::Extend {
            slot,
            id,
            from: known.granted,
            to,
            why: why.clone(),
        });
        (Decision::Extend, why)
    }

    /// A budget refuses to renew a lease: it runs out, unless the budget's next period begins
    /// before.
    fn refused(&mut self, known: &Known, why: Reason) -> Reason {
        if let (Reason::Budget { until, .. }, Some(clock)) = (&why, known.clock) {
            self.wake_at(*until);
            self.wake_at(clock.latest_expiry(known.granted) + Span::seconds(1));
        }
        why
    }

    /// Puts the parts together.
    pub(super) fn finish(mut self) -> Plan {
        let mut slots = Vec::new();
        for state in &mut self.pools {
            for (ordinal, slot) in state.slots.iter_mut().enumerate() {
                let id = SlotId {
                    pool: state.pool.name.clone(),
                    ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                };
                let (session, decision, why) =
                    slot.decision
                        .take()
                        .unwrap_or((None, Decision::Empty, Reason::NotNeeded));
                slots.push(SlotPlan {
                    slot: id,
                    session: session.map(|k| k.id.clone()),
                    decision,
                    why,
                });
            }
        }
        let created: BTreeMap<&SlotId, &SessionId> = self
            .creates
            .iter()
            .map(|a| (a.slot(), a.session()))
            .collect();
        let stopped: BTreeMap<&SlotId, &Action> =
            self.stops.iter().map(|a| (a.slot(), a)).collect();
        for slot in &mut slots {
            if slot.decision == Decision::Create {
                slot.session = created.get(&slot.slot).map(|id| (*id).clone());
            } else if slot.session.is_none()
                && let Some(stop) = stopped.get(&slot.slot)
            {
                slot.decision = Decision::Stop;
                slot.session = Some(stop.session().clone());
                slot.why = stop.why().clone();
            }
        }
        let mut actions = self.stops;
        actions.append(&mut self.extends);
        actions.append(&mut self.creates);
        Plan {
            now: self.now,
            slots,
            actions,
            abandon: self.abandon,
            alarms: self.alarms,
            budgets: self.books.lines(),
            next_wake: self.wake,
            next_due: self.due,
        }
    }
}
