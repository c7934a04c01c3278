//! What a plan says besides its actions: creates to be given up, and what has to be reported once.

use rust_decimal::Decimal;

use crate::policy::Policy;
use crate::units::{Minutes, Span};

use super::event::{Event, EventKind};
use super::hold::HoldEnd;
use super::plan::{Plan, Preparation};
use super::state::{KeeperState, ToldAlert};

impl KeeperState {
    /// Takes note of what a plan says besides its actions: creates to be given up, and what has to
    /// be told once.
    pub fn apply_plan(&mut self, policy: &Policy, plan: &Plan) -> Vec<Event> {
        let mut events = Vec::new();
        for id in &plan.abandon {
            let slot = self.sessions.get(id).map(|k| k.slot.clone());
            self.forget(id);
            events.push(Event {
                at: plan.now,
                slot,
                session: Some(id.clone()),
                what: EventKind::NeverCreated,
            });
        }
        for Preparation {
            slot,
            session,
            why,
            by,
        } in &plan.preparations
        {
            events.extend(self.ask_to_stop(plan.now, policy, (slot, session), why, Some(*by)));
        }
        for id in &plan.alarms {
            let Some(managed) = self.sessions.get_mut(id).filter(|k| !k.alarmed) else {
                continue;
            };
            managed.alarmed = true;
            let ends = managed
                .clock
                .map_or(plan.now, |c| c.earliest_expiry(managed.granted));
            let what = EventKind::LeaseAlarm { ends };
            events.push(Event {
                at: plan.now,
                slot: Some(managed.slot.clone()),
                session: Some(id.clone()),
                what,
            });
        }
        self.report_warnings(policy, plan, &mut events);
        self.report_parked(plan, &mut events);
        self.report_alerts(policy, plan, &mut events);
        events
    }

    /// Marks holds that are about to end, and tells of each once for each end.
    fn report_warnings(&mut self, policy: &Policy, plan: &Plan, events: &mut Vec<Event>) {
        let held = self
            .sessions
            .values()
            .filter_map(|k| Some((k, k.hold.as_ref()?)));
        let mut changed = Vec::new();
        for (managed, hold) in held {
            let mut warnings = plan.warnings.iter();
            let end = warnings.find(|w| w.session == managed.id).map(|w| w.end);
            // Bounds that close move an end by seconds; that is the same end.
            let same = |old: HoldEnd, new: HoldEnd| {
                old.by == new.by && (new.at - old.at).max(old.at - new.at) <= Span::minutes(1)
            };
            match (hold.warned, end) {
                (None, None) => {}
                (Some(old), Some(new)) if same(old, new) => {}
                _ => changed.push((managed.id.clone(), end)),
            }
        }
        for (id, end) in changed {
            let Some(managed) = self.session_mut(&id) else {
                continue;
            };
            let Some(hold) = managed.hold.as_mut() else {
                continue;
            };
            hold.warned = end;
            let Some(HoldEnd { at, by }) = end else {
                continue;
            };
            let client = hold.client.clone();
            let hour = policy.prices.of(&managed.size).cost(Minutes::new(60));
            let what = EventKind::Warned {
                client,
                ends: at,
                by,
                hour: policy.prices.money(hour),
                currency: policy.prices.known_currency(),
            };
            events.push(Event::about(plan.now, &managed.slot, &id, what));
        }
    }

    /// Tells of slots that a rule has begun to keep empty, once for each reason.
    fn report_parked(&mut self, plan: &Plan, events: &mut Vec<Event>) {
        for slot in &plan.slots {
            let kind = slot.is_parked().then(|| slot.why.kind());
            let before = self.slots.get(&slot.slot).and_then(|slot| slot.told);
            if kind == before {
                continue;
            }
            self.slot_mut(&slot.slot).told = kind;
            if kind.is_some() {
                let what = EventKind::Parked {
                    why: slot.why.clone(),
                };
                events.push(Event {
                    at: plan.now,
                    slot: Some(slot.slot.clone()),
                    session: None,
                    what,
                });
            }
        }
    }

    /// Tells of budgets that have crossed an alert line, once for each line and period.
    fn report_alerts(&mut self, policy: &Policy, plan: &Plan, events: &mut Vec<Event>) {
        let before = self.alerts.clone();
        self.alerts
            .retain(|told| plan.budgets.iter().any(|b| b.start == told.start));
        for line in &plan.budgets {
            let limit = line.limit.as_cost();
            let told = |share: &Decimal| ToldAlert {
                budget: line.budget.to_string(),
                start: line.start,
                share: *share,
                limit: line.limit,
            };
            let reached = |share: &&Decimal| line.committed >= limit.part(**share);
            let reached = policy.alert_at.iter().filter(reached);
            // The highest line reached speaks for those below it.
            let Some(highest) = reached.clone().next_back() else {
                continue;
            };
            if !self.alerts.contains(&told(highest)) {
                let what = EventKind::BudgetAlert {
                    budget: line.budget.clone(),
                    percent: line.committed.percent_of(limit),
                    committed: policy.prices.rounded(line.committed),
                    limit: line.limit,
                    currency: policy.prices.currency.clone(),
                };
                events.push(Event {
                    at: plan.now,
                    slot: None,
                    session: None,
                    what,
                });
            }
            self.alerts.extend(reached.map(told));
        }
        self.changes.alerts |= self.alerts != before;
    }
}
