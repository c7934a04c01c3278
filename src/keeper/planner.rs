//! The state of one planning, and the steps that act on sessions that are there.
//!
//! The steps that fill empty slots are in `fill`. A planner lives for one call of `plan()`.

use std::collections::BTreeMap;

use crate::policy::{OverBudget, Policy, Pool};
use crate::units::{Minutes, PoolName, SessionId, SlotId, Span, Timestamp};

use super::action::Action;
use super::budget::{CostWindow, Fit, Reservations};
use super::idle::{idle_deadline, idle_since, stock};
use super::lease::{LeaseClock, alarm_at, renew_at, renewable_at, renewed_total};
use super::plan::{Decision, Plan, SlotPlan};
use super::reason::Reason;
use super::rollover::{end_of_life, lifetime, may_have_successor};
use super::state::{KeeperState, ManagedSession};

/// How soon to look again while something boots or is to stop.
const SOON: Span = Span::seconds(5);
/// A renewal that is due within this part of its lease is due shortly.
const SHORTLY: i64 = 16;
/// No two passes are planned closer together than this.
const SHORTEST_WAIT: Span = Span::millis(200);

/// One slot while it is planned.
#[derive(Default)]
pub(super) struct PlannedSlot<'a> {
    /// Sessions in it that are not ending, smallest id first; two only during a rollover.
    pub(super) staying: Vec<&'a ManagedSession>,
    /// Sessions in it that end, or are to.
    pub(super) ending: Vec<&'a ManagedSession>,
    pub(super) decision: Option<(Option<&'a ManagedSession>, Decision, Reason)>,
}

pub(super) struct PlannedPool<'a> {
    pub(super) pool: &'a Pool,
    pub(super) slots: Vec<PlannedSlot<'a>>,
}

pub(super) struct Planner<'a> {
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
    pub(super) state: &'a KeeperState,
    pub(super) pools: Vec<PlannedPool<'a>>,
    /// Sessions whose pool or slot the policy does not have.
    orphans: Vec<(&'a ManagedSession, Option<usize>, Reason)>,
    pub(super) reservations: Reservations<'a>,
    stops: Vec<Action>,
    extends: Vec<Action>,
    pub(super) creates: Vec<Action>,
    pub(super) abandon: Vec<SessionId>,
    alarms: Vec<SessionId>,
    wake: Timestamp,
    due: Option<Timestamp>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(now: Timestamp, policy: &'a Policy, state: &'a KeeperState) -> Self {
        let pools = policy.pools.iter().map(|pool| {
            let slots = (0..pool.max).map(|_| PlannedSlot::default()).collect();
            PlannedPool { pool, slots }
        });
        Self {
            now,
            policy,
            state,
            pools: pools.collect(),
            orphans: Vec::new(),
            reservations: Reservations::open(policy, state, now),
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
    pub(super) fn assign_slots(&mut self) {
        let index: BTreeMap<&PoolName, usize> = self
            .policy
            .pools
            .iter()
            .enumerate()
            .map(|(i, p)| (&p.name, i))
            .collect();
        // Ids are sorted, so a pool's sessions come one after the other.
        let mut last: (Option<&PoolName>, Option<usize>) = (None, None);
        for managed in self.state.sessions.values() {
            if last.0 != Some(&managed.slot.pool) {
                last = (
                    Some(&managed.slot.pool),
                    index.get(&managed.slot.pool).copied(),
                );
            }
            let pool = last.1;
            let slot =
                pool.and_then(|i| self.pools[i].slots.get_mut(managed.slot.ordinal as usize));
            match (slot, pool) {
                (Some(slot), _) if managed.stop.is_some() => slot.ending.push(managed),
                (Some(slot), _) => slot.staying.push(managed),
                (None, Some(i)) => {
                    let max = self.pools[i].pool.max;
                    self.orphans
                        .push((managed, pool, Reason::BeyondMax { max }));
                }
                (None, None) => self.orphans.push((managed, None, Reason::PoolRemoved)),
            }
        }
        for (managed, _, reason) in std::mem::take(&mut self.orphans) {
            self.orphans.push((
                managed,
                index.get(&managed.slot.pool).copied(),
                reason.clone(),
            ));
            self.stop(managed, reason);
        }
        for i in 0..self.pools.len() {
            for ordinal in 0..self.pools[i].slots.len() {
                self.stop_duplicates(i, ordinal);
                for k in 0..self.pools[i].slots[ordinal].ending.len() {
                    let managed = self.pools[i].slots[ordinal].ending[k];
                    if let Some(asked) = &managed.stop {
                        self.stop(managed, asked.reason.clone());
                    }
                }
            }
        }
    }

    /// Two live sessions of one slot: old and successor during a rollover stay; else the smaller id
    /// does, unless only the other is held. Everyone who sees the same list chooses the same.
    fn stop_duplicates(&mut self, pool: usize, ordinal: usize) {
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
        for managed in extras {
            self.end(pool, ordinal, managed, Reason::Duplicate { of: of.clone() });
        }
    }

    fn policy_pool(&self, pool: usize) -> &'a Pool {
        self.pools[pool].pool
    }

    /// Plans the stop of a session that its slot counted on.
    fn end(&mut self, pool: usize, ordinal: usize, managed: &'a ManagedSession, why: Reason) {
        let state = &mut self.pools[pool].slots[ordinal];
        state.staying.retain(|k| k.id != managed.id);
        state.ending.push(managed);
        self.stop(managed, why);
    }

    /// Plans a stop, or its repetition.
    fn stop(&mut self, managed: &'a ManagedSession, why: Reason) {
        if !managed.seen {
            // It may never have come to be. Once the service says so there is nothing to stop.
            if managed.absent.is_some() {
                self.abandon.push(managed.id.clone());
                return;
            }
        }
        if managed.retry.allows(self.now) || managed.stop.is_none() {
            let (slot, id) = (managed.slot.clone(), managed.id.clone());
            self.stops.push(Action::Stop { slot, id, why });
        } else if let Some(at) = managed.retry.not_before {
            self.wake_at(at);
        }
        self.look_soon();
    }

    /// Step 2: endings.
    pub(super) fn apply_stop_rules(&mut self) {
        for i in 0..self.pools.len() {
            let pool = self.policy_pool(i);
            let staying: Vec<&ManagedSession> = self.pools[i]
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
            for (n, managed) in staying.iter().enumerate() {
                // A successor waits for whoever uses the old one: it is no more idle than stock is.
                let succeeds = n > 0 && staying[n - 1].slot == managed.slot;
                let is_stock = succeeds || stock.contains(&managed.id);
                let ordinal = managed.slot.ordinal as usize;
                let why = self.must_end(pool, managed, closed, is_stock).or_else(|| {
                    (n >= surplus && !is_stock && !managed.in_use(self.now, pool.idle_timeout))
                        .then_some(Reason::Surplus)
                });
                match why {
                    Some(why) => self.end(i, ordinal, managed, why),
                    None => self.expect_changes(pool, managed, is_stock),
                }
            }
            for ordinal in 0..self.pools[i].slots.len() {
                self.stop_succeeded(i, ordinal);
            }
        }
    }

    /// From which session on, in slot order, a pool has more than it needs. Only pools without an
    /// idle timeout need this rule: elsewhere whatever nobody uses goes idle.
    fn surplus(&self, pool: &Pool, staying: &[&ManagedSession]) -> usize {
        if pool.idle_timeout.is_some() {
            return usize::MAX;
        }
        let used = staying.iter().filter(|k| k.in_use(self.now, None)).count();
        let asked = staying
            .iter()
            .filter(|k| {
                self.state
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
        managed: &ManagedSession,
        closed: Option<Option<Timestamp>>,
        is_stock: bool,
    ) -> Option<Reason> {
        let person = self.state.slots.get(&managed.slot).and_then(|s| s.parked);
        if let Some(parked) = person.filter(|p| p.by == super::state::ParkedBy::Person) {
            return Some(Reason::ParkedByPerson {
                since: parked.since,
            });
        }
        if let Some(opens) = closed {
            return Some(Reason::ScheduleClosed { opens });
        }
        if !managed.is_ready() && managed.seen && managed.created + pool.boot_timeout <= self.now {
            return Some(Reason::BootTimeout {
                timeout: pool.boot_timeout,
            });
        }
        if end_of_life(pool, managed).is_some_and(|end| end <= self.now) {
            return Some(Reason::MaxLifetime {
                lifetime: pool.max_lifetime,
            });
        }
        let deadline = idle_deadline(pool, managed).filter(|_| !is_stock)?;
        if deadline > self.now {
            return None;
        }
        Some(Reason::Idle {
            since: idle_since(managed)?,
            timeout: pool.idle_timeout?,
        })
    }

    /// Looks again when one of the endings becomes due.
    fn expect_changes(&mut self, pool: &Pool, managed: &ManagedSession, is_stock: bool) {
        if !managed.is_ready() {
            self.look_soon();
            self.wake_at(managed.created + pool.boot_timeout);
        }
        if let Some(end) = end_of_life(pool, managed) {
            self.wake_at(end);
        }
        if let Some(deadline) = idle_deadline(pool, managed).filter(|_| !is_stock) {
            self.wake_at(deadline);
        }
    }

    /// An old session is stopped once its successor is Ready and nobody uses the old one.
    fn stop_succeeded(&mut self, pool: usize, ordinal: usize) {
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
    fn live(&self) -> Vec<(&'a ManagedSession, Option<usize>, bool)> {
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
    fn cost_window(&self, managed: &ManagedSession, pool: Option<usize>) -> CostWindow {
        let boot_timeout = pool.map_or(Span::minutes(10), |i| self.pools[i].pool.boot_timeout);
        CostWindow::of(managed, boot_timeout, self.now, managed.reserved)
    }

    /// What a session has cost so far at the most, rounded up to the minute.
    fn so_far(&self, managed: &ManagedSession) -> Minutes {
        let since = managed.clock.map(LeaseClock::earliest);
        since
            .map_or(Minutes::ZERO, |at| (self.now - at).ceil_minutes())
            .max(managed.elapsed)
            .min(managed.reserved)
    }

    /// Step 3a: every live session is entered, ending or not: until the service reports its end it
    /// is paid for.
    pub(super) fn reserve_live_sessions(&mut self) {
        for (managed, pool, ending) in self.live() {
            let price = self.policy.prices.of(&managed.size);
            let ends_after = ending.then(|| self.so_far(managed));
            self.reservations
                .enter(pool, price, self.cost_window(managed, pool), ends_after);
        }
        if let Some(edge) = self.reservations.next_edge() {
            self.wake_at(edge);
        }
    }

    /// Step 3b: what no longer fits is stopped: spares, then unheld sessions, then held ones;
    /// within each, the pool that stands last in the file first, then the youngest session.
    pub(super) fn stop_over_budget(&mut self) {
        while let Some((exceeded, why)) = self.reservations.exceeded() {
            let mut relieved = false;
            for (managed, pool) in self.victims() {
                if exceeded.pool.is_some_and(|p| p != pool) {
                    continue;
                }
                let price = self.policy.prices.of(&managed.size);
                let left_alone = self.cost_window(managed, Some(pool));
                if self.reservations.relieve(
                    exceeded,
                    Some(pool),
                    price,
                    left_alone,
                    self.so_far(managed),
                ) {
                    self.end(pool, managed.slot.ordinal as usize, managed, why);
                    relieved = true;
                    break;
                }
            }
            if !relieved {
                self.reservations.accept(exceeded);
            }
        }
    }

    fn victims(&self) -> Vec<(&'a ManagedSession, usize)> {
        let mut victims = Vec::new();
        for (i, state) in self.pools.iter().enumerate() {
            if state.pool.over_budget == OverBudget::LetLeaseEnd {
                continue;
            }
            let staying: Vec<&ManagedSession> = state
                .slots
                .iter()
                .flat_map(|s| s.staying.iter().copied())
                .collect();
            let stock = stock(state.pool, &staying, self.now);
            for managed in staying {
                let class = if stock.contains(&managed.id) {
                    0
                } else {
                    1 + u8::from(managed.hold.is_some())
                };
                victims.push((
                    class,
                    std::cmp::Reverse(i),
                    std::cmp::Reverse(managed.created),
                    managed,
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
            .map(|(_, pool, _, managed)| (managed, pool.0))
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
        let due = |managed: &ManagedSession, pool: usize| {
            let clock = managed.clock.filter(|_| managed.is_ready())?;
            Some(renew_at(
                clock,
                managed.granted,
                self.policy_pool(pool).lease,
            ))
        };
        let any_due = staying
            .iter()
            .any(|(k, pool)| due(k, *pool).is_some_and(|at| at <= self.now));
        for (managed, pool) in staying {
            let (decision, why) = self.renewal(pool, managed, any_due);
            let slot = &mut self.pools[pool].slots[managed.slot.ordinal as usize];
            if slot.decision.is_none() {
                slot.decision = Some((Some(managed), decision, why));
            }
        }
    }

    /// Whether a lease is renewed now. `any_due` says that some lease is due for certain; those
    /// that would be due shortly are renewed with it, so that many sessions do not each need a pass
    /// of their own.
    fn renewal(
        &mut self,
        index: usize,
        managed: &'a ManagedSession,
        any_due: bool,
    ) -> (Decision, Reason) {
        let pool = self.policy_pool(index);
        let Some(clock) = managed.clock.filter(|_| managed.is_ready()) else {
            return (
                Decision::Keep,
                Reason::Booting {
                    since: managed.created,
                    until: managed.created + pool.boot_timeout,
                },
            );
        };
        let due = renew_at(clock, managed.granted, pool.lease);
        let shortly = any_due && due - pool.lease.span().div(SHORTLY) <= self.now;
        if due > self.now && !shortly {
            self.wake_at(due);
            return (Decision::Keep, Reason::NotDue { renew_at: due });
        }
        let cap = lifetime(pool);
        let ends = clock.latest_expiry(managed.granted);
        let over = ends < self.now;
        if over || renewable_at(clock, managed.granted, pool.lease, cap).is_none() {
            if over {
                self.look_soon();
            } else {
                self.wake_at(ends + Span::seconds(1));
            }
            return (Decision::Keep, Reason::RunsOut { ends });
        }
        let alarm = alarm_at(clock, managed.granted, pool.lease);
        let urgent = alarm <= self.now;
        self.wake_at(if urgent { self.now + SOON } else { alarm });
        if urgent && managed.retry.failures > 0 {
            self.alarms.push(managed.id.clone());
        }
        let Some(wanted) = renewed_total(self.now, clock, managed.granted, pool.lease, cap) else {
            if let Some(at) = renewable_at(clock, managed.granted, pool.lease, cap) {
                self.wake_at(at);
            }
            return (Decision::Keep, Reason::NotDue { renew_at: due });
        };
        // In the last eighth every pass in which the service answers is a try: there is no time to
        // wait out a backoff.
        let may_try = managed.retry.allows(self.now) || (urgent && self.state.can_reach(managed));
        if !may_try {
            let at = managed.retry.not_before.unwrap_or(self.now);
            self.wake_at(at);
            return (Decision::Keep, Reason::NotDue { renew_at: at });
        }
        let half_spent = Reason::LeaseHalfSpent {
            left: clock.earliest_expiry(managed.granted) - self.now,
            lease: pool.lease,
        };
        let before = self.cost_window(managed, Some(index));
        let asked = CostWindow {
            length: wanted.max(managed.reserved),
            ..before
        };
        let price = self.policy.prices.of(&managed.size);
        let least = managed.granted.plus(Minutes::new(1));
        let (to, why) = match self
            .reservations
            .request(index, price, asked, Some(before), least)
        {
            Fit::Whole => (wanted, half_spent),
            Fit::Shortened(to, budget) => {
                (to.min(wanted), Reason::LeaseShortened { budget, wanted })
            }
            Fit::Refused(why) => {
                self.alarms.retain(|id| *id != managed.id);
                return (Decision::Keep, self.refused(managed, why));
            }
        };
        let (slot, id) = (managed.slot.clone(), managed.id.clone());
        self.extends.push(Action::Extend {
            slot,
            id,
            from: managed.granted,
            to,
            why: why.clone(),
        });
        (Decision::Extend, why)
    }

    /// A budget refuses to renew a lease: it runs out, unless the budget's next period begins
    /// before.
    fn refused(&mut self, managed: &ManagedSession, why: Reason) -> Reason {
        if let (Reason::Budget { until, .. }, Some(clock)) = (&why, managed.clock) {
            self.wake_at(*until);
            self.wake_at(clock.latest_expiry(managed.granted) + Span::seconds(1));
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
            budgets: self.reservations.lines(),
            next_wake: self.wake,
            next_due: self.due,
        }
    }
}
