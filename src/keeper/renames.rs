//! Pools that have got another name.
//!
//! Promises: sessions, holds, places in the queue, what is remembered of slots and what was spent
//! go over to the new name, and nothing begins again. Ids keep the name under which they were
//! drawn; an id that names a former pool is the new pool's.

use crate::policy::Policy;
use crate::units::{PoolName, SessionId, SlotId, Timestamp};

use super::event::{Event, EventKind};
use super::state::KeeperState;

impl KeeperState {
    /// Follows the pools that a policy calls otherwise than before.
    pub(super) fn follow_renames(&mut self, now: Timestamp, policy: &Policy) -> Vec<Event> {
        let renamed = |pool: &crate::policy::Pool| {
            let former = pool.renamed_from.clone()?;
            Some((former, pool.name.clone()))
        };
        self.renamed = policy.pools.iter().filter_map(renamed).collect();
        let mut events = Vec::new();
        for (from, to) in self.renamed.clone() {
            if self.carry_over(&from, &to) {
                self.changes.renamed.push((from.clone(), to.clone()));
                events.push(Event {
                    at: now,
                    slot: None,
                    session: None,
                    what: EventKind::Renamed { from, to },
                });
            }
        }
        events
    }

    /// Gives a pool what another one had. Whether there was anything.
    fn carry_over(&mut self, from: &PoolName, to: &PoolName) -> bool {
        let mut carried = self.spent.rename(from, to);
        self.boots.rename(from, to);
        let sessions = self.sessions.values();
        let sessions = sessions.filter(|k| k.slot.pool == *from);
        for id in sessions.map(|k| k.id.clone()).collect::<Vec<SessionId>>() {
            carried = true;
            if let Some(managed) = self.session_mut(&id) {
                managed.slot.pool = to.clone();
            }
        }
        let slots = self.slots.keys().filter(|slot| slot.pool == *from);
        for former in slots.cloned().collect::<Vec<SlotId>>() {
            let slot = SlotId {
                pool: to.clone(),
                ordinal: former.ordinal,
            };
            let Some(remembered) = self.slots.remove(&former) else {
                continue;
            };
            carried |= remembered != super::state::SlotState::default();
            self.changes.slots.extend([former, slot.clone()]);
            self.slots.entry(slot).or_insert(remembered);
        }
        for waiter in self.queue.values_mut().filter(|w| w.pool == *from) {
            carried = true;
            waiter.pool = to.clone();
            self.changes.queue.insert(waiter.hold.id);
        }
        carried
    }
}

#[cfg(test)]
mod tests {
    use crate::keeper::Acquired;
    use crate::keeper::state::{KeeperState, SlotState};
    use crate::keeper::tests::fixtures::LIMITS;
    use crate::keeper::tests::world::{TestWorld, policy, pool};
    use crate::policy::Policy;
    use crate::units::{Minutes, SlotId, Span};

    fn renamed() -> Policy {
        let mut policy = policy();
        policy.pools = vec![pool("b")];
        policy.pools[0].renamed_from = Some("a".parse().expect("a name"));
        policy
    }

    /// A day in which ann has used one session and holds another, and bob waits.
    fn used(mut rules: Policy) -> TestWorld {
        rules.pools[0].max = 1;
        rules.pools[0].idle_timeout = None;
        let mut world = TestWorld::new(rules);
        world.run(Span::minutes(5));
        world.ask("ann").expect("hers");
        world.ask("bob").expect("his place");
        world
    }

    #[test]
    fn a_pool_with_another_name_keeps_its_sessions_holds_and_places() {
        let mut world = used(policy());
        let before = world.state.sessions.values().next().expect("one").clone();
        world.policy = renamed();
        world.policy.pools[0].max = 1;
        world.policy.pools[0].idle_timeout = None;
        let events = world.state.move_to(world.now, &world.policy.clone());
        world.tell(&events.expect("it is reached"));
        let waits = world.state.queue.values().next().expect("bob");
        assert_eq!(waits.pool.as_str(), "b");
        world.run(Span::minutes(30));
        let managed = &world.state.sessions[&before.id];
        assert_eq!(managed.slot.to_string(), "b/0");
        assert_eq!(managed.hold, before.hold);
        let told = world.told();
        assert!(told.contains("the pool a is called b now"), "{told}");
        assert!(told.contains("b/0 lease renewed"), "{told}");
        assert!(!told.contains("stopping"), "{told}");
        let again = world.state.move_to(world.now, &world.policy.clone());
        assert_eq!(again, Ok(Vec::new()), "there is nothing more to carry over");
    }

    #[test]
    fn what_was_drawn_under_a_former_name_is_older_whatever_the_names_are() {
        let mut rules = policy();
        rules.pools[0].name = "z".parse().expect("a name");
        rules.pools[0].max_lifetime = Minutes::new(40);
        let mut world = used(rules);
        let old = world.state.sessions.keys().next().expect("one").clone();
        world.policy.pools[0].renamed_from = Some("z".parse().expect("a name"));
        world.policy.pools[0].name = "a".parse().expect("a name");
        let _ = world.state.move_to(world.now, &world.policy.clone());
        world.run(Span::minutes(29));
        assert_eq!(world.state.sessions.len(), 2, "a successor is Ready");
        // bob has the place before it in the queue; it is ann's all the same.
        let waits = world.ask("bob");
        assert!(matches!(waits, Ok(Acquired::Waiting { .. })), "{waits:?}");
        world.run(Span::minutes(8));
        let left: Vec<_> = world.state.sessions.values().collect();
        assert_eq!(
            (left.len(), left[0].hold.as_ref().map(|h| &*h.client)),
            (1, Some("ann"))
        );
        assert_ne!(left[0].id, old);
        assert!(!world.told().contains("fills the slot already"));
    }

    #[test]
    fn a_budget_does_not_begin_again_with_another_name() {
        let mut rules = policy();
        rules.pools[0].budget.daily = TestWorld::money("3.00");
        let mut world = TestWorld::new(rules);
        world.run(Span::hours(2));
        let spent = |world: &TestWorld, name: &str| {
            let day = crate::keeper::Period::containing(
                crate::keeper::PeriodKind::Day,
                world.now,
                chrono_tz::Tz::UTC,
            );
            let name = name.parse().expect("a name");
            let kind = crate::keeper::PeriodKind::Day;
            world.state.spent.of_pool(kind, day.start, &name)
        };
        let before = spent(&world, "a");
        assert!(before > crate::units::Cost::ZERO);
        let _ = world.state.move_to(world.now, &renamed());
        assert_eq!(spent(&world, "b"), before);
        assert_eq!(spent(&world, "a"), crate::units::Cost::ZERO);
    }

    #[test]
    fn a_session_found_under_the_former_name_is_the_new_pools() {
        let mut world = TestWorld::new(renamed());
        let _ = world.state.move_to(world.now, &renamed());
        world.outsider("st-a-2-01HF7YAT000000000000000007", Span::minutes(2), 60);
        world.run(Span::minutes(5));
        let managed = world.state.sessions.values().next().expect("adopted");
        assert_eq!(managed.slot.to_string(), "b/2");
        assert_eq!(managed.granted, Minutes::new(60));
    }
    #[test]
    fn what_is_remembered_of_slots_goes_over_and_other_pools_keep_theirs() {
        let now = "2026-03-02T08:00:00Z".parse().expect("an instant");
        let drawn = |drawn| SlotState {
            drawn,
            ..SlotState::default()
        };
        let slot = |text: &str| -> SlotId { text.parse().expect("a slot") };
        let mut state = KeeperState::new(policy().owner, 7, LIMITS);
        state.slots.insert(slot("a/1"), drawn(3));
        state.slots.insert(slot("c/0"), drawn(5));
        let told = state.follow_renames(now, &renamed());
        assert_eq!(told.len(), 1);
        let slots: Vec<_> = state.slots.clone().into_iter().collect();
        assert_eq!(slots, [(slot("b/1"), drawn(3)), (slot("c/0"), drawn(5))]);
        let changed: Vec<_> = state.take_changes().slots.into_iter().collect();
        // The former row is emptied, the new one written.
        assert_eq!(changed, [(slot("a/1"), drawn(0)), (slot("b/1"), drawn(3))]);

        // Where nothing was remembered there is nothing to tell.
        let mut state = KeeperState::new(policy().owner, 7, LIMITS);
        state.slots.insert(slot("a/1"), drawn(0));
        assert_eq!(state.follow_renames(now, &renamed()), []);
        // A slot without anything does not hide what was carried before it.
        state.slots.insert(slot("a/0"), drawn(3));
        state.slots.insert(slot("a/1"), drawn(0));
        assert_eq!(state.follow_renames(now, &renamed()).len(), 1);
    }
}
