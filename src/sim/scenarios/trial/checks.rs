//! What a trial looks at after every event: what the daemons reported, what they planned, and
//! the promises.

use crate::keeper::EventKind;
use crate::sim::scenarios::promises::{BrokenPromise, broken};
use crate::units::Span;

use super::state::Trial;

impl<F: FnMut(&str)> Trial<'_, F> {
    /// Looks at what the last event brought.
    pub(super) fn check_events(&mut self) -> Result<(), BrokenPromise> {
        let now = self.world.now();
        for daemon in std::mem::take(&mut self.world.ended) {
            match self.restart_after.take() {
                Some(back) if daemon == 0 && !self.stays_down => self.world.start_at(0, now + back),
                _ => self.stays_down |= daemon == 0,
            }
        }
        if let Some(error) = self.world.ledger_error.take() {
            return Err(broken(0, now, format!("a daemon could not start: {error}")));
        }
        self.note_disturbances();
        for event in self.world.take_events() {
            self.coverage.count_event(&event);
            let place = event
                .slot
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let id = event
                .session
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            (self.report)(&format!(
                "{now} {place} …{} {}",
                &id[id.len().saturating_sub(4)..],
                event.what
            ));
            match (&event.what, &event.session) {
                (EventKind::AuditFailed { message }, _) => {
                    return Err(broken(0, now, message.clone()));
                }
                (EventKind::ClockReset, _)
                    if !self.promises.exempt.stepped && !self.promises.exempt.slept =>
                {
                    return Err(broken(
                        0,
                        now,
                        format!("{:?} {}", event.session, event.what),
                    ));
                }
                (EventKind::Stopping { why }, Some(id)) => {
                    self.stop_reasons.insert(id.clone(), why.kind());
                }
                _ => {}
            }
        }
        self.count_plan();
        for (visit, id) in std::mem::take(&mut self.world.clients.losses) {
            let stopped_for = self.stop_reasons.get(&id).copied();
            if self.world.clients.visits[visit].heartbeats {
                self.promises.lost(&self.world, &id, stopped_for)?;
            } else {
                self.promises.unseen(&self.world, &id, stopped_for)?;
            }
        }
        // Promise 12: who waits is served in order. A daemon that was away knows who asked since.
        for turn in std::mem::take(&mut self.world.clients.out_of_turn) {
            if turn.asked >= self.promises.calm_since {
                let what = format!("{} was served before {}", turn.served, turn.waits);
                return Err(broken(12, now, what));
            }
        }
        self.promises.check(&self.world)
    }

    fn count_plan(&mut self) {
        let Some(shared) = self.world.daemons[0].shared() else {
            return;
        };
        let state = shared.lock();
        if let Some(plan) = state
            .plan
            .as_ref()
            .filter(|p| self.counted_plan != Some(p.now))
        {
            self.coverage.count_plan(plan);
            let wait = plan.next_wake - plan.now;
            if wait < Span::seconds(20) {
                (self.report)(&format!("{} looks again in {wait}", plan.now));
            }
            self.counted_plan = Some(plan.now);
        }
    }

    /// Notes whether anything is wrong just now.
    fn note_disturbances(&mut self) {
        let now = self.world.now();
        let daemon = &self.world.daemons[0];
        let wrong =
            !daemon.is_alive() || daemon.is_ending() || self.disk_full || self.second.is_some();
        // What was wrong until now was wrong all the time since the last event.
        let was_wrong = std::mem::replace(&mut self.wrong, wrong);
        let since = if wrong || was_wrong {
            now
        } else {
            self.faults_until.min(now)
        };
        self.promises.calm_since = self.promises.calm_since.max(since);
    }
}
