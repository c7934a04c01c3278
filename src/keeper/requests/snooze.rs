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
