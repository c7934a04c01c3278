//! Keeping slots empty, and letting them be filled again.

use crate::keeper::event::{Event, EventKind};
use crate::keeper::state::{KeeperState, Parked, ParkedBy, REPEATED, Retry, Wish, WishedBy};
use crate::policy::Policy;
use crate::units::{SlotId, Timestamp};

use super::target::{Refusal, Target};

impl KeeperState {
    /// Keeps the target's slots empty until a person wakes them.
    ///
    /// # Errors
    /// If the target does not exist.
    pub fn park(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<(), Refusal> {
        for slot in self.slots_of(policy, target)? {
            let slot = self.slot_mut(&slot);
            slot.wish = None;
            slot.parked = Some(Parked {
                by: ParkedBy::Person,
                since: now,
                why: None,
            });
        }
        Ok(())
    }

    /// Lets the target's slots be filled again. Of a pool, every parked slot that the policy keeps
    /// filled is; if there is none of those, its lowest slot.
    ///
    /// # Errors
    /// If the target does not exist.
    pub fn wake(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        target: &Target,
    ) -> Result<Vec<Event>, Refusal> {
        let slots = self.slots_of(policy, target)?;
        let min = slots
            .first()
            .and_then(|s| policy.pools.iter().find(|p| p.name == s.pool))
            .map_or(0, |p| p.counts_at(now).min);
        let single = slots.len() == 1;
        let mut events = Vec::new();
        for slot in slots {
            let parked = self.slots.get(&slot).is_some_and(|s| s.parked.is_some());
            if single || slot.ordinal < min.max(1) {
                events.extend(self.wake_slot(now, &slot, WishedBy::Person, "a person"));
            } else if parked {
                self.slot_mut(&slot).parked = None;
            }
        }
        Ok(events)
    }

    pub(in crate::keeper) fn parked_by_person(&self, slot: &SlotId) -> bool {
        self.slots
            .get(slot)
            .and_then(|s| s.parked.as_ref())
            .is_some_and(|p| p.by == ParkedBy::Person)
    }

    /// Notes a wish for a slot. What a client says again and again is told once, and does not hurry
    /// what has failed.
    pub(in crate::keeper) fn wake_slot(
        &mut self,
        now: Timestamp,
        slot: &SlotId,
        by: WishedBy,
        who: &str,
    ) -> Option<Event> {
        let before = self
            .slots
            .get(slot)
            .filter(|s| s.parked.is_none())
            .and_then(|s| s.wish);
        let managed = before.filter(|wish| by == WishedBy::Client && wish.is_alive(now));
        if managed.is_some_and(|wish| now < wish.at + REPEATED) {
            return None;
        }
        let remembered = self.slot_mut(slot);
        remembered.wish = Some(Wish {
            by: managed.map_or(by, |wish| wish.by),
            at: now,
        });
        if managed.is_some() {
            return None;
        }
        remembered.parked = None;
        remembered.retry = Retry::default();
        Some(Event {
            at: now,
            slot: Some(slot.clone()),
            session: None,
            what: EventKind::Woken { by: who.into() },
        })
    }
}
