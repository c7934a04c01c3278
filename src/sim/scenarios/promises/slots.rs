//! Promise 1: no slot has two live sessions, except old and successor.

use std::collections::BTreeMap;

use crate::units::{SlotId, Span, Timestamp};

use super::bounds::{ANSWER_TIME, RETRY_TIME};
use super::broken::{BrokenPromise, broken};
use super::session::OwnSession;
use super::state::Promises;

impl Promises {
    /// Promise 1: no slot has two live sessions, except old and successor.
    pub(super) fn doubles(&mut self, now: Timestamp) -> Result<(), BrokenPromise> {
        let mut slots: BTreeMap<&SlotId, Vec<&OwnSession>> = BTreeMap::new();
        for session in self.live.values() {
            slots.entry(&session.slot).or_default().push(session);
        }
        slots.retain(|_, sessions| sessions.len() > 1);
        let younger = slots.values().flat_map(|s| {
            let oldest = s.iter().map(|s| s.created).min();
            s.iter().filter(move |s| Some(s.created) > oldest)
        });
        let successors = younger.map(|s| s.id.clone()).collect();
        let mut doubles = BTreeMap::new();
        for (slot, sessions) in slots {
            if sessions.len() == 2 && self.is_rollover(now, &sessions) {
                continue;
            }
            if !self.exempt.doubles {
                let ids: Vec<&str> = sessions.iter().map(|s| s.id.as_str()).collect();
                return Err(broken(1, now, format!("{slot} has {}", ids.join(" and "))));
            }
            doubles.insert(
                slot.clone(),
                self.double_since.get(slot).copied().unwrap_or(now),
            );
        }
        (self.successors, self.double_since) = (successors, doubles);
        Ok(())
    }

    fn is_rollover(&self, now: Timestamp, sessions: &[&OwnSession]) -> bool {
        let old = sessions.iter().min_by_key(|s| s.created);
        let bounds = old.and_then(|old| self.pools.get(&old.slot.pool));
        let ready = old.and_then(|old| old.ready);
        let Some((bounds, ready)) = bounds.zip(ready) else {
            return false;
        };
        // The keeper reckons from the earliest possible ready time, which is up to a minute or an
        // interval before.
        let early = self.interval.max(Span::minutes(1)) + ANSWER_TIME;
        ready + bounds.life - bounds.lead - early <= now
    }

    /// Where somebody else filled a slot twice, the rest is stopped once the service answers again.
    pub(super) fn lasting_doubles(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        let grace = self.interval + self.interval + RETRY_TIME + Span::minutes(1);
        for (slot, since) in &self.double_since {
            if (*since).max(self.calm_since) + grace < now {
                return Err(broken(
                    1,
                    now,
                    format!("{slot} has had two live sessions since {since}"),
                ));
            }
        }
        Ok(())
    }
}
