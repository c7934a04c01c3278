//! Promise 8: what people ask for is done, or refused without changing anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::connect::limits;
use crate::daemon::{PolicyError, Shared, reload_text};
use crate::keeper::{HeldStop, HoldRef, Target};
use crate::sim::scenarios::fault::Edit;
use crate::sim::scenarios::policy::ScenarioPolicy;
use crate::sim::scenarios::promises::{BrokenPromise, broken};
use crate::sim::world::at_once;
use crate::units::{PoolName, SessionId, SlotId};

use super::state::Trial;

impl<F: FnMut(&str)> Trial<'_, F> {
    pub(super) fn park_or_wake(&mut self, pool: usize, parks: bool) {
        let Some(shared) = self.shared() else { return };
        let target = Target::Pool(self.policy.name(pool));
        // A pool that an edit has removed is refused, as it should be.
        let _ = at_once(shared.grant(|keeper, now, policy| match parks {
            true => keeper.park(now, policy, &target).map(|()| ((), Vec::new())),
            false => keeper.wake(now, policy, &target).map(|events| ((), events)),
        }));
        self.world.wake(0);
    }

    /// Promise 8: what cannot be granted is refused, and changes nothing.
    pub(super) fn bad_request(&mut self) -> Result<(), BrokenPromise> {
        let Some(shared) = self.shared() else {
            return Ok(());
        };
        let believed = |shared: &Shared| {
            let state = shared.lock();
            (state.keeper.sessions.clone(), state.keeper.slots.clone())
        };
        let before = believed(&shared);
        let nowhere: PoolName = "nowhere".parse().expect("a name");
        let nobody = SessionId::new("st-p0-0-nobody").expect("an id");
        let granted = [
            at_once(shared.grant(|keeper, now, policy| keeper.acquire(now, policy, &nowhere, "c")))
                .is_ok(),
            at_once(shared.grant(|keeper, now, policy| {
                let session = Target::Session(nobody.clone());
                keeper.touch(now, policy, &session).map(|e| ((), e))
            }))
            .is_ok(),
            at_once(shared.grant(|keeper, now, _| {
                keeper
                    .release(now, &HoldRef::Session(nobody.clone()), "c")
                    .map(|e| ((), vec![e]))
            }))
            .is_ok(),
            at_once(shared.grant(|keeper, now, policy| {
                let pool = Target::Pool(nowhere.clone());
                keeper.wake(now, policy, &pool).map(|e| ((), e))
            }))
            .is_ok(),
        ];
        if granted.contains(&true) || believed(&shared) != before {
            return Err(broken(
                8,
                self.world.now(),
                format!("a request that cannot be granted was: {granted:?}"),
            ));
        }
        Ok(())
    }

    /// Promise 1: a policy that names another service is taken only once nothing that the daemon
    /// knows lives on the old one.
    fn move_service(&mut self) -> Result<(), BrokenPromise> {
        let moved = self.policy.edited(Edit::OtherService);
        let policy = moved.load();
        let shared = self.shared();
        let daemon = &self.world.daemons[0];
        let now = daemon.reads();
        let mut known = match &shared {
            Some(shared) => shared.lock().keeper.clone(),
            None => daemon
                .with_ledger(|l| l.load(&policy.owner, policy.time_zone, limits(&policy), now))
                .expect("it can be read"),
        };
        let mut live = BTreeMap::new();
        self.world.outsider(|sites, now| {
            live.extend(sites.live(now).map(|s| (s.id.clone(), s.lease)));
            None
        });
        // What an outsider has added to a lease is not ours to know.
        let lost: Vec<SessionId> = known
            .sessions
            .values()
            .filter(|k| live.get(&k.id).is_some_and(|lease| *lease <= k.reserved))
            .map(|k| k.id.clone())
            .collect();
        let had_some = !known.sessions.is_empty();
        let taken = match &shared {
            Some(shared) => {
                at_once(reload_text(shared, "policy.toml", &moved.text(), true)).is_ok()
            }
            None => known
                .move_to(self.world.daemons[0].reads(), &policy)
                .is_ok(),
        };
        if taken && !lost.is_empty() {
            let what = format!("a policy that moves away from {lost:?} was taken");
            return Err(broken(1, self.world.now(), what));
        }
        if !taken && !had_some {
            let what = "a policy that moves away from nothing was refused".into();
            return Err(broken(8, self.world.now(), what));
        }
        if taken {
            self.policy = moved;
            self.promises.widen(&self.policy);
            self.world.daemons[0].policy = Arc::new(policy);
            self.world.wake(0);
        }
        Ok(())
    }

    /// Promise 8: a policy that cannot be used is refused, and the old one stays.
    pub(super) fn edit(&mut self, edit: Edit) -> Result<(), BrokenPromise> {
        let refused = match edit {
            Edit::Nonsense => Some("owner = \"st\"\n[[pool]\nname = 7".to_owned()),
            Edit::OtherOwner => Some(self.policy.text().replacen("\"st\"", "\"ts\"", 1)),
            _ => None,
        };
        if edit == Edit::OtherService {
            return self.move_service();
        }
        let shared = self.shared();
        if let Some(text) = refused {
            let Some(shared) = shared else { return Ok(()) };
            let before = shared.lock().policy.clone();
            let taken = at_once(reload_text(&shared, "policy.toml", &text, true));
            if taken.is_ok() || !Arc::ptr_eq(&before, &shared.lock().policy) {
                return Err(broken(
                    8,
                    self.world.now(),
                    format!("a policy that cannot be used was taken: {edit:?}"),
                ));
            }
            return Ok(());
        }
        if edit == Edit::RenamePools {
            if self.second.is_some() {
                // One that goes by the former names would stop what has the new ones.
                return Ok(());
            }
            self.rename_visits();
        }
        self.policy = self.policy.edited(edit);
        self.promises.widen(&self.policy);
        self.world.daemons[0].policy = Arc::new(self.policy.load());
        if let Some(shared) = shared {
            self.reload(&shared)?;
            self.world.wake(0);
        }
        Ok(())
    }

    /// Whoever wants a session of a pool learns its new name.
    fn rename_visits(&mut self) {
        let renamed = self.policy.edited(Edit::RenamePools);
        let names: BTreeMap<PoolName, PoolName> = (0..self.policy.pools.len())
            .map(|pool| (self.policy.name(pool), renamed.name(pool)))
            .collect();
        for visit in &mut self.world.clients.visits {
            if let Some(name) = names.get(&visit.pool) {
                visit.pool = name.clone();
            }
        }
    }

    /// Promise 8: what clients hold is not stopped by a policy unless that was accepted; nothing
    /// else keeps a good policy from being taken.
    fn reload(&self, shared: &Shared) -> Result<(), BrokenPromise> {
        let (text, new) = (self.policy.text(), self.policy.load());
        let max = |name: &PoolName| {
            let first = ScenarioPolicy::first_name;
            let pool = new.pools.iter().find(|p| first(&p.name) == first(name));
            pool.map_or(0, |pool| pool.max as usize)
        };
        let (held, homeless) = {
            let state = shared.lock();
            let sessions = state.keeper.sessions.values();
            let held: Vec<_> = sessions
                .filter(|k| k.hold.is_some() && k.stop.is_none())
                .map(|k| (k.id.clone(), k.slot.clone()))
                .collect();
            // Old and successor are in one slot.
            let slots: BTreeSet<&SlotId> = held.iter().map(|(_, slot)| slot).collect();
            let held_in = |pool: &PoolName| slots.iter().filter(|slot| slot.pool == *pool).count();
            let homeless = slots
                .iter()
                .any(|slot| held_in(&slot.pool) > max(&slot.pool));
            (held, homeless)
        };
        let broken = |what| Err(broken(8, self.world.now(), what));
        let attempt = at_once(reload_text(shared, "policy.toml", &text, false));
        match attempt {
            Ok(()) if homeless => {
                broken("a policy was taken that stops what clients hold".to_owned())
            }
            Ok(()) => Ok(()),
            Err(PolicyError::StopsHeld(stops)) => {
                let is_held = |stop: &HeldStop| held.iter().any(|(id, _)| *id == stop.session);
                if stops.is_empty() || !stops.iter().all(is_held) {
                    return broken(format!(
                        "a policy was refused for no held session: {stops:?}"
                    ));
                }
                match at_once(reload_text(shared, "policy.toml", &text, true)) {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        broken(format!("a policy that was accepted was refused: {error}"))
                    }
                }
            }
            Err(error) => broken(format!("a good policy was refused: {error}")),
        }
    }
}
