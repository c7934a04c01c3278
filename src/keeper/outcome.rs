//! Recording actions: the intent before the request is sent, the outcome after.
//!
//! The ledger writes the intent before the request leaves, so a daemon killed in between finds it
//! again and repeats it.

use crate::policy::Policy;
use crate::units::{SessionId, SlotId, Span, Timestamp};

use super::action::Action;
use super::budget::cannot_hold;
use super::event::{Event, EventKind};
use super::lease::LeaseClock;
use super::observation::{FailureKind, RequestFailure, SessionReading};
use super::reason::{Reason, SlotEffect};
use super::rules::renewal::longest_wait;
use super::session::Session;
use super::state::{KeeperState, ManagedSession, Parked, ParkedBy, Retry, StopAsked};

/// The first wait after a request about a session failed; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Span = Span::seconds(2);
/// The longest wait between two tries of a request about a session.
const LONGEST_WAIT: Span = Span::minutes(1);
/// How long an accepted stop may take before it is repeated.
pub(super) const STOP_REPEAT: Span = Span::seconds(10);

impl KeeperState {
    /// Notes that an action is about to be sent. Its reservation counts from now on, whatever
    /// becomes of it.
    pub fn start_action(&mut self, now: Timestamp, policy: &Policy, action: &Action) -> Vec<Event> {
        let what = match action {
            Action::Create {
                slot,
                id,
                region,
                size,
                lease,
                why,
            } => {
                let again = self.sessions.contains_key(id);
                let remembered = self.slot_mut(slot);
                remembered.parked = None;
                if again {
                    self.sessions
                        .get_mut(id)
                        .into_iter()
                        .for_each(|k| k.absent = None);
                } else {
                    remembered.drawn += 1;
                    let mut managed = ManagedSession::intended(
                        id.clone(),
                        slot.clone(),
                        region.clone(),
                        size.clone(),
                        *lease,
                        now,
                    );
                    managed.service = policy.service_of(region.as_ref());
                    self.changes.sessions.insert(id.clone());
                    self.sessions.insert(id.clone(), managed);
                }
                EventKind::Creating {
                    region: region.clone(),
                    size: size.clone(),
                    lease: *lease,
                    why: why.clone(),
                }
            }
            Action::Extend {
                id, from, to, why, ..
            } => {
                let Some(managed) = self.session_mut(id) else {
                    return Vec::new();
                };
                managed.reserved = managed.reserved.max(*to);
                if managed.retry.failures > 0 {
                    // Told when it was first tried; each failure tells of the next try.
                    return Vec::new();
                }
                EventKind::Extending {
                    from: *from,
                    to: *to,
                    why: why.clone(),
                }
            }
            Action::Stop { slot, id, why } => {
                return self.ask_to_stop(now, policy, (slot, id), why, None);
            }
        };
        vec![event_for(now, action, what)]
    }

    /// A session is to stop: nobody else gets it, and it is not renewed. `after` is until when its
    /// pool's hook may run.
    pub(super) fn ask_to_stop(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        (slot, id): (&SlotId, &SessionId),
        why: &Reason,
        after: Option<Timestamp>,
    ) -> Vec<Event> {
        let Some(managed) = self.session_mut(id).filter(|k| k.stop.is_none()) else {
            return Vec::new();
        };
        managed.stop = Some(StopAsked {
            since: now,
            reason: why.clone(),
            after,
        });
        self.after_stop(now, slot, why);
        let why = why.clone();
        let what = match after {
            None => EventKind::Stopping { why },
            Some(by) => EventKind::Preparing { why, by },
        };
        let stopping = Event::about(now, slot, id, what);
        std::iter::once(stopping)
            .chain(self.hand_over(now, policy, id))
            .collect()
    }

    /// The hook of a session that is to stop has ended: the service can be asked.
    pub fn hook_ended(&mut self, id: &SessionId) {
        let waits = |k: &ManagedSession| k.stop.as_ref().is_some_and(|s| s.after.is_some());
        if self.sessions.get(id).is_some_and(waits)
            && let Some(stop) = self.session_mut(id).and_then(|k| k.stop.as_mut())
        {
            stop.after = None;
        }
    }

    /// A session that ends hands its hold and its activity over to its successor, if that one is
    /// Ready. A hold that a rule has ended, or whose team cannot pay for the successor, stays and
    /// ends with its session.
    pub(super) fn hand_over(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        old: &SessionId,
    ) -> Option<Event> {
        let ending = self.sessions.get(old).filter(|k| !k.hold_is_over())?;
        let (slot, active, released) = (ending.slot.clone(), ending.active, ending.released);
        let usable = |k: &&ManagedSession| {
            k.id.drawn() > old.drawn() && k.is_available() && k.hold.is_none()
        };
        let usable = self.in_slot(&slot).find(usable)?;
        let id = usable.id.clone();
        let team = ending.hold.as_ref().and_then(|hold| hold.team.as_ref());
        if cannot_hold(now, policy, self, team, usable).is_some() {
            return None;
        }
        let hold = self.end_hold(old, now);
        let successor = self.session_mut(&id)?;
        successor.active = successor.active.max(active);
        // What was given back is as little in use on the successor.
        successor.released = successor.released.max(released);
        let hold = hold?;
        let (client, team) = (hold.client.clone(), hold.team.clone());
        // The hold goes on as the one it is; that it moves is a sign of use.
        successor.active = successor.active.max(Some(now));
        let mut hold = hold.moved_from(old.clone());
        hold.here = Some(now);
        successor.hold = Some(hold);
        Some(Event {
            at: now,
            slot: Some(slot),
            session: Some(id),
            what: EventKind::Held { client, team },
        })
    }

    /// What a stop means for the slot besides the session.
    fn after_stop(&mut self, now: Timestamp, slot: &SlotId, why: &Reason) {
        match why.slot_effect() {
            SlotEffect::Park => {
                // Whoever it was started for has not come for it.
                let ready = self
                    .in_slot(slot)
                    .filter_map(|k| k.clock)
                    .map(LeaseClock::latest);
                if let Some(ready) = ready.max() {
                    self.dequeue_silent(&slot.pool, ready);
                }
                let slot = self.slot_mut(slot);
                slot.wish = None;
                slot.parked = Some(Parked {
                    by: ParkedBy::Rule,
                    since: now,
                    why: Some(why.clone()),
                });
            }
            SlotEffect::ForgetWish => self.slot_mut(slot).wish = None,
            SlotEffect::Refill | SlotEffect::BackOff => {}
        }
    }

    /// Notes what became of an action. `Ok(None)` is a stop that was accepted.
    pub fn finish_action(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        action: &Action,
        result: &Result<Option<SessionReading>, RequestFailure>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        match result {
            Ok(Some(answer)) => {
                self.apply_reading(policy, answer, &mut events);
                self.succeeded(now, action, &answer.session, &mut events);
            }
            Ok(None) => {
                if let Some(managed) = self.sessions.get_mut(action.session()) {
                    managed.retry.not_before = Some(now + STOP_REPEAT);
                }
            }
            Err(failure) => self.failed(now, action, failure, &mut events),
        }
        events
    }

    fn succeeded(
        &mut self,
        now: Timestamp,
        action: &Action,
        answer: &Session,
        events: &mut Vec<Event>,
    ) {
        let Some(managed) = self.sessions.get_mut(action.session()) else {
            return;
        };
        let Action::Extend { from, to, .. } = action else {
            managed.retry = Retry::default();
            return;
        };
        let doubtful = answer.max_lease > self.limits.longest_lease();
        // Where what it says cannot be, it is taken by its word that it did what it was asked for.
        let granted = if doubtful { *to } else { answer.max_lease };
        managed.granted = managed.granted.max(granted);
        if granted <= *from {
            let failure = RequestFailure {
                kind: FailureKind::Refused,
                message: format!(
                    "the service took the extension to {to} and left the lease at {granted}"
                ),
            };
            return self.failed(now, action, &failure, events);
        }
        managed.retry = Retry::default();
        managed.alarmed = false;
        let ends = managed.clock.map_or(now, LeaseClock::latest) + granted.span();
        if granted < *to {
            // It gives no more at a time: asking again at once would gain a minute a minute.
            managed.retry.not_before = Some(now + (ends - now).div(2));
        }
        events.push(event_for(
            now,
            action,
            EventKind::Renewed { to: granted, ends },
        ));
    }

    fn failed(
        &mut self,
        now: Timestamp,
        action: &Action,
        failure: &RequestFailure,
        events: &mut Vec<Event>,
    ) {
        let mut alarm = None;
        let retry = match action {
            Action::Create { slot, id, .. }
                if failure.kind.had_no_effect() && failure.kind != FailureKind::Conflict =>
            {
                self.forget(id);
                alarm = self.slot_failed(now, slot, failure.message.clone());
                wait_for(&mut self.slot_mut(slot).retry, failure)
            }
            _ => self.sessions.get_mut(action.session()).and_then(|managed| {
                managed.retry.failed(now, FIRST_WAIT, LONGEST_WAIT);
                let at = wait_for(&mut managed.retry, failure)?;
                if matches!(action, Action::Extend { .. }) {
                    // Throttled or not, there must be another try before its lease ends.
                    let ends = managed.clock?.earliest_expiry(managed.granted);
                    managed.retry.not_before = Some(at.min(now + longest_wait(now, ends)));
                }
                managed.retry.not_before
            }),
        };
        let what = EventKind::Failed {
            operation: action.operation(),
            message: failure.message.clone(),
            retry,
        };
        events.push(event_for(now, action, what));
        events.extend(alarm);
    }

    /// One more session of a slot failed, or could not be had. An alarm where that goes on.
    pub(super) fn slot_failed(
        &mut self,
        now: Timestamp,
        slot: &SlotId,
        why: String,
    ) -> Option<Event> {
        let remembered = self.slot_mut(slot);
        let alarm = remembered.failed(now, why);
        let failures = remembered.retry.failures;
        alarm.then(|| Event {
            at: now,
            slot: Some(slot.clone()),
            session: None,
            what: EventKind::SlotAlarm { failures },
        })
    }

    pub(super) fn forget(&mut self, id: &SessionId) {
        if self.sessions.remove(id).is_some() {
            self.changes.sessions.remove(id);
            self.changes.dropped.insert(id.clone());
        }
    }
}

/// When the next try may be: where the service named an instant, not before that.
fn wait_for(retry: &mut Retry, failure: &RequestFailure) -> Option<Timestamp> {
    if let FailureKind::Throttled { until } = failure.kind {
        retry.not_before = retry.not_before.max(Some(until));
    }
    retry.not_before
}

fn event_for(at: Timestamp, action: &Action, what: EventKind) -> Event {
    Event {
        at,
        slot: Some(action.slot().clone()),
        session: Some(action.session().clone()),
        what,
    }
}
