//! Snooze: a client that holds a session asks to stay for a while, whatever would end its hold.
//!
//! It puts off what can be put off: that nobody uses the session, that its client gives no sign,
//! and that one client may not hold it longer. It does not open a closed schedule, and it is
//! granted only where every budget has room for it now.

use crate::keeper::budget::cannot_stay;
use crate::keeper::event::{Event, EventKind};
use crate::keeper::hold_end::closes;
use crate::keeper::state::KeeperState;
use crate::policy::Policy;
use crate::units::{HoldId, Span, Timestamp};

use super::hold_ref::HoldRef;
use super::target::Refusal;

impl KeeperState {
    /// Lets a hold go on for at least a while from now. Returns until when it does. `client` is who
    /// asks; `None` for whoever has the link that its warning came with.
    ///
    /// # Errors If there is no such hold on a session, it is another client's, the schedule closes
    /// before, or a budget has no room for it.
    pub fn snooze(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        id: HoldId,
        client: Option<&str>,
        length: Span,
    ) -> Result<(Timestamp, Vec<Event>), Refusal> {
        let not_held = || Refusal::NotHeld {
            hold: HoldRef::Hold(id),
        };
        let on_session = |k: &&crate::keeper::state::ManagedSession| {
            k.hold.as_ref().is_some_and(|hold| hold.id == id) && k.stop.is_none()
        };
        let managed = self
            .sessions
            .values()
            .find(on_session)
            .ok_or_else(not_held)?;
        let hold = managed.hold.as_ref().ok_or_else(not_held)?;
        if client.is_some_and(|client| client != hold.client) {
            return Err(Refusal::HeldByAnother {
                hold: HoldRef::Hold(id),
                by: hold.client.clone(),
            });
        }
        let until = (now + length).max(hold.snoozed.unwrap_or(now));
        let pool = policy.pools.iter().find(|p| p.name == managed.slot.pool);
        let closes = pool.and_then(|pool| closes(now, pool));
        if let Some(at) = closes.filter(|at| *at < until) {
            return Err(Refusal::Closes { hold: id, at });
        }
        if let Some(why) = cannot_stay(now, policy, self, managed, until) {
            let why = Box::new(why);
            return Err(Refusal::CannotStay { hold: id, why });
        }
        let session = managed.id.clone();
        let managed = self.session_mut(&session).ok_or_else(not_held)?;
        let slot = managed.slot.clone();
        let hold = managed.hold.as_mut().ok_or_else(not_held)?;
        hold.snoozed = Some(until);
        hold.warned = None;
        let client = hold.client.clone();
        let what = EventKind::Snoozed { client, until };
        Ok((until, vec![Event::about(now, &slot, &session, what)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::hold::Hold;
    use crate::keeper::reason::Reason;
    use crate::keeper::state::{ManagedSession, StopAsked};
    use crate::keeper::tests::fixtures::{ago, knowing, now, policy, pool, ready};
    use crate::policy::Schedule;

    fn held(ordinal: u32, client: &str, minutes: i64) -> ManagedSession {
        ManagedSession {
            hold: Some(Hold::of(client, ago(minutes))),
            ..ready(ordinal, 0)
        }
    }

    #[test]
    fn only_the_hold_that_is_named_goes_on_and_none_on_a_session_that_stops() {
        let stop = StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        };
        let stopping = ManagedSession {
            stop: Some(stop),
            ..held(1, "ann", 4)
        };
        let mut state = knowing([ready(0, 0), stopping, held(2, "bob", 3), held(3, "carl", 2)]);
        let mut asks = |client: &str, minutes| {
            let id = Hold::of(client, ago(minutes)).id;
            let asked = state.snooze(now(), &policy(), id, Some(client), Span::hours(1));
            let snoozed = |k: &ManagedSession| k.hold.as_ref().and_then(|hold| hold.snoozed);
            let stays: Vec<_> = state.sessions.values().map(snoozed).collect();
            (asked.map(|(until, _)| until), stays)
        };
        let hold = HoldRef::Hold(Hold::of("ann", ago(4)).id);
        let (refused, stays) = asks("ann", 4);
        assert_eq!(refused, Err(Refusal::NotHeld { hold }));
        assert_eq!(stays, [None; 4]);
        let until = now() + Span::hours(1);
        assert_eq!(
            asks("carl", 2),
            (Ok(until), vec![None, None, None, Some(until)])
        );
    }

    #[test]
    fn a_hold_may_go_on_until_the_very_instant_at_which_its_own_pool_closes() {
        let mut policy = policy();
        let open = |window: &str| Schedule::new(vec![window.parse().expect("a window")]);
        policy.pools[0].schedule = open("Mon 08:00-12:00 UTC");
        policy.pools.insert(0, pool("b"));
        policy.pools[0].schedule = open("Mon 08:00-09:00 UTC");
        let mut state = knowing([held(0, "ann", 4)]);
        let hold = Hold::of("ann", ago(4)).id;
        let mut asks = |length| {
            let asked = state.snooze(now(), &policy, hold, None, length);
            asked.map(|(until, _)| until)
        };
        let at = now() + Span::hours(4);
        let beyond = Span::hours(4) + Span::millis(1);
        assert_eq!(asks(beyond), Err(Refusal::Closes { hold, at }));
        assert_eq!(asks(Span::hours(4)), Ok(at));
        assert_eq!(asks(Span::hours(1)), Ok(at), "it has what it was granted");
    }
}
