//! The state of one planning. It lives for one call of `plan()`; each step of the plan is a file
//! beside this one.

use std::collections::BTreeMap;

use crate::keeper::action::Action;
use crate::keeper::budget::{Reservations, smallest_caps};
use crate::keeper::reason::Reason;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::{Counts, Policy, Pool};
use crate::units::{Cost, SessionId, SlotId, Span, Timestamp};

use super::decision::{Decision, Plan, Preparation, SlotPlan, Warning};

/// How soon to look again while something boots or is to stop.
const SOON: Span = Span::seconds(5);
/// How long before its lease is over a session is stopped whose hook has not ended.
const BEFORE_EXPIRY: Span = Span::seconds(30);
/// No two passes are planned closer together than this.
const SHORTEST_WAIT: Span = Span::millis(200);

/// One slot while it is planned.
#[derive(Default)]
pub(super) struct PlannedSlot<'a> {
    /// Its number in the pool.
    pub(super) ordinal: u32,
    /// Sessions in it that are not ending, the one drawn first before the other; two only during a
    /// rollover.
    pub(super) staying: Vec<&'a ManagedSession>,
    /// Sessions in it that end, or are to.
    pub(super) ending: Vec<&'a ManagedSession>,
    pub(super) decision: Option<(Option<&'a ManagedSession>, Decision, Reason)>,
}

pub(super) struct PlannedPool<'a> {
    pub(super) pool: &'a Pool,
    /// How many sessions it is to have now, and may.
    pub(super) counts: Counts,
    /// How long its servers take to boot as a rule.
    pub(super) boot: Span,
    /// The smallest cap on exposure that bounds its sessions.
    pub(super) cap: Option<Cost>,
    /// The pool's slots, then those beyond its `max` that still have a session.
    pub(super) slots: Vec<PlannedSlot<'a>>,
}

impl<'a> PlannedPool<'a> {
    /// Its sessions that are not ending, in slot order.
    pub(super) fn staying(&self) -> impl Iterator<Item = &'a ManagedSession> {
        self.slots
            .iter()
            .flat_map(|slot| slot.staying.iter().copied())
    }

    /// The place of a session's slot among the slots, which is made where there is none.
    pub(super) fn place_of(&mut self, ordinal: u32) -> usize {
        let max = self.pool.slots() as usize;
        if ordinal < self.pool.slots() {
            return ordinal as usize;
        }
        let beyond = self.slots[max..].iter().position(|s| s.ordinal == ordinal);
        beyond.map_or_else(
            || {
                self.slots.push(PlannedSlot {
                    ordinal,
                    ..PlannedSlot::default()
                });
                self.slots.len() - 1
            },
            |place| max + place,
        )
    }

    /// How many more slots may have a session.
    pub(super) fn room(&self) -> usize {
        let filled = |slot: &&PlannedSlot<'_>| {
            let asked_for = matches!(slot.decision, Some((_, Decision::Create, _)));
            asked_for || !(slot.staying.is_empty() && slot.ending.is_empty())
        };
        (self.counts.max as usize).saturating_sub(self.slots.iter().filter(filled).count())
    }
}

pub(super) struct Planner<'a> {
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
    pub(super) state: &'a KeeperState,
    pub(super) pools: Vec<PlannedPool<'a>>,
    /// Sessions whose pool the policy does not have.
    pub(super) orphans: Vec<&'a ManagedSession>,
    pub(super) reservations: Reservations<'a>,
    stops: Vec<Action>,
    pub(super) extends: Vec<Action>,
    pub(super) creates: Vec<Action>,
    pub(super) abandon: Vec<SessionId>,
    pub(super) alarms: Vec<SessionId>,
    /// When the leases end at the earliest that a budget keeps from being renewed as they should.
    pub(super) unrenewed: BTreeMap<SessionId, Timestamp>,
    pub(super) warnings: Vec<Warning>,
    preparations: Vec<Preparation>,
    wake: Timestamp,
    due: Option<Timestamp>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(now: Timestamp, policy: &'a Policy, state: &'a KeeperState) -> Self {
        let pools = policy
            .pools
            .iter()
            .zip(smallest_caps(policy))
            .map(|(pool, cap)| {
                let slot = |ordinal| PlannedSlot {
                    ordinal,
                    ..PlannedSlot::default()
                };
                let boot = state.boots.usual(&pool.name);
                let boot = boot.map_or(pool.boot_timeout, |boot| boot.min(pool.boot_timeout));
                PlannedPool {
                    pool,
                    counts: pool.counts_ahead(now, boot),
                    boot,
                    cap,
                    slots: (0..pool.slots()).map(slot).collect(),
                }
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
            unrenewed: BTreeMap::new(),
            warnings: Vec::new(),
            preparations: Vec::new(),
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

    /// How many clients wait for a session of a pool.
    pub(super) fn waiting(&self, pool: usize) -> usize {
        self.state
            .waiting(&self.pools[pool].pool.name, self.now)
            .count()
    }

    pub(super) fn policy_pool(&self, pool: usize) -> &'a Pool {
        self.pools[pool].pool
    }

    /// Plans the stop of a session that its slot counted on.
    pub(super) fn end(&mut self, pool: usize, managed: &'a ManagedSession, why: Reason) {
        let place = self.pools[pool].place_of(managed.slot.ordinal);
        let state = &mut self.pools[pool].slots[place];
        state.staying.retain(|k| k.id != managed.id);
        state.ending.push(managed);
        self.stop(managed, why);
    }

    /// Plans a stop, or its repetition, or what comes before it.
    pub(super) fn stop(&mut self, managed: &'a ManagedSession, why: Reason) {
        if let Some(by) = self.hook_runs_until(managed) {
            self.wake_at(by);
            if managed.stop.is_none() {
                let (slot, session) = (managed.slot.clone(), managed.id.clone());
                self.preparations.push(Preparation {
                    slot,
                    session,
                    why,
                    by,
                });
            }
            return;
        }
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

    /// Until when the hook of a session's pool may run before the session is stopped; `None` where
    /// there is none, or no time for it.
    fn hook_runs_until(&self, managed: &ManagedSession) -> Option<Timestamp> {
        if let Some(stop) = &managed.stop {
            return stop.after.filter(|by| *by > self.now);
        }
        let mut pools = self.policy.pools.iter();
        let pool = pools.find(|pool| pool.name == managed.slot.pool)?;
        let hook = pool
            .before_stop
            .as_ref()
            .filter(|_| self.state.runs_hooks)?;
        let paid = managed.clock?.earliest_expiry(managed.granted) - BEFORE_EXPIRY;
        let by = (self.now + hook.timeout).min(paid);
        Some(by).filter(|by| managed.is_ready() && *by > self.now)
    }

    pub(super) fn slot_id(&self, pool: usize, place: usize) -> SlotId {
        let pool = &self.pools[pool];
        SlotId {
            pool: pool.pool.name.clone(),
            ordinal: pool.slots[place].ordinal,
        }
    }

    pub(super) fn decide(&mut self, pool: usize, place: usize, decision: Decision, why: Reason) {
        let slot = &mut self.pools[pool].slots[place];
        slot.decision = Some((slot.staying.first().copied(), decision, why));
    }

    pub(super) fn park(&mut self, pool: usize, place: usize, why: Reason) {
        self.decide(pool, place, Decision::Park, why);
    }

    /// A slot whose session still lives is not parked for want of a successor.
    pub(super) fn park_unless_filled(&mut self, pool: usize, place: usize, why: Reason) {
        if self.pools[pool].slots[place].staying.is_empty() {
            self.park(pool, place, why);
        }
    }

    /// Puts the parts together.
    pub(super) fn finish(mut self) -> Plan {
        let mut slots = Vec::new();
        for state in &mut self.pools {
            for slot in &mut state.slots {
                let id = SlotId {
                    pool: state.pool.name.clone(),
                    ordinal: slot.ordinal,
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
        let stops = self
            .stops
            .iter()
            .map(|a| (a.slot(), (a.session(), a.why())));
        let prepared = self.preparations.iter();
        let prepared = prepared.map(|p| (&p.slot, (&p.session, &p.why)));
        let stopped: BTreeMap<&SlotId, (&SessionId, &Reason)> = stops.chain(prepared).collect();
        for slot in &mut slots {
            if slot.decision == Decision::Create {
                slot.session = created.get(&slot.slot).map(|id| (*id).clone());
            } else if slot.session.is_none()
                && let Some((session, why)) = stopped.get(&slot.slot)
            {
                slot.decision = Decision::Stop;
                slot.session = Some((*session).clone());
                slot.why = (*why).clone();
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
            preparations: self.preparations,
            warnings: self.warnings,
            budgets: self.reservations.lines(),
            next_wake: self.wake,
            next_due: self.due,
        }
    }
}
