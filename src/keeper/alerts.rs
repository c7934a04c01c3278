//! What a plan says besides its actions: creates to be given up, and what has to be reported once.

use rust_decimal::Decimal;

use crate::policy::Policy;

use super::event::{Event, EventKind};
use super::plan::Plan;
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
        self.report_parked(plan, &mut events);
        self.report_alerts(policy, plan, &mut events);
        events
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
