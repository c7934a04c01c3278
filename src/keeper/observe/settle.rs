//! Closing the account of a session that has ended.

use crate::keeper::budget::cannot_wait;
use crate::keeper::event::{Event, EventKind};
use crate::keeper::hold::Hold;
use crate::keeper::mutation::{self, Mutation};
use crate::keeper::reason::SlotEffect;
use crate::keeper::session::Status;
use crate::keeper::settled::Settled;
use crate::keeper::state::{KeeperState, ManagedSession, SlotState, StopAsked, Waiter};
use crate::policy::Policy;
use crate::units::{Minutes, SessionId, Timestamp};

impl KeeperState {
    /// Whoever asked for a session and used it to its end is taken to ask for another then.
    fn wished_until(&mut self, policy: &Policy, managed: &ManagedSession, at: Timestamp) {
        let timeout = policy
            .pools
            .iter()
            .find(|p| p.name == managed.slot.pool)
            .and_then(|p| p.idle_timeout);
        let asked = self
            .slots
            .get(&managed.slot)
            .is_some_and(|s| s.wish.is_some());
        if asked
            && managed.in_use(at, timeout)
            && let Some(wish) = &mut self.slot_mut(&managed.slot).wish
        {
            wish.at = at;
        }
    }

    /// A client whose session was lost under it waits for another one, in the place that it had.
    /// Not one that a rule ended for good, nor one of whom there was no sign for long.
    fn waits_again(policy: &Policy, managed: &ManagedSession, at: Timestamp) -> Option<Waiter> {
        let (hold, sign) = (managed.hold.clone()?, managed.last_sign()?);
        let pool = policy.pools.iter().find(|p| p.name == managed.slot.pool)?;
        let silent = pool
            .idle_timeout
            .is_some_and(|timeout| sign + timeout <= at);
        (!silent && !managed.hold_is_over()).then(|| Waiter {
            hold: hold.moved_from(managed.id.clone()),
            pool: pool.name.clone(),
            asked: at,
        })
    }

    /// Puts it into the queue, unless its team cannot pay for another session.
    fn wait_if_paid(&mut self, policy: &Policy, waiter: Waiter, at: Timestamp) {
        let Hold {
            client, team, size, ..
        } = &waiter.hold;
        let (team, size) = (team.as_ref(), size.as_ref());
        let pool = policy.pools.iter().find(|p| p.name == waiter.pool);
        let unpaid = |pool| cannot_wait(at, policy, self, team, pool, client, size).is_some();
        if !pool.is_some_and(unpaid) {
            self.enqueue(waiter);
        }
    }

    /// Closes the account of a session that has ended.
    #[expect(
        clippy::too_many_arguments,
        reason = "the final account has that many facts, and two callers"
    )]
    pub(in crate::keeper) fn settle(
        &mut self,
        policy: &Policy,
        id: &SessionId,
        at: Timestamp,
        status: Status,
        minutes: Minutes,
        certain: bool,
        error: Option<String>,
        events: &mut Vec<Event>,
    ) {
        events.extend(self.hand_over(at, policy, id));
        let Some(mut managed) = self.sessions.remove(id) else {
            return;
        };
        self.wished_until(policy, &managed, at);
        let waiter = Self::waits_again(policy, &managed, at);
        managed.end_hold(at);
        let ready_by = managed.known_ready_by();
        let minutes = if mutation::on(Mutation::CountOneMore) {
            minutes.plus(Minutes::new(1))
        } else {
            minutes
        };
        let price = policy.prices.of(&managed.size);
        let cost = policy.prices.money(price.cost(minutes));
        let currency = policy.prices.known_currency();
        let gave_up = |s: &StopAsked| s.reason.slot_effect() == SlotEffect::BackOff;
        let failed = status == Status::Error || managed.stop.as_ref().is_some_and(gave_up);
        let why = managed
            .stop
            .map(|s| s.reason.to_string())
            .or_else(|| error.clone());
        let what = EventKind::Ended {
            status: status.clone(),
            minutes,
            cost,
            currency,
            certain,
            error,
        };
        events.push(Event::about(at, &managed.slot, id, what));
        let mut settled = Settled {
            id: id.clone(),
            slot: managed.slot.clone(),
            region: managed.region,
            size: managed.size,
            status,
            ready: managed.clock,
            minutes,
            certain,
            price,
            ended: at,
            why: why.clone(),
            uses: managed.uses,
        };
        settled.cut_uses(ready_by);
        self.spent.add(&settled);
        if let Some(waiter) = waiter {
            self.wait_if_paid(policy, waiter, at);
        }
        self.changes.sessions.remove(id);
        self.changes.settled.push(settled);
        self.ended.insert(id.clone(), at);
        let before = self.slots.get(&managed.slot);
        if before.is_some_and(SlotState::has_failed) {
            self.slot_mut(&managed.slot).ended(minutes, !failed);
        }
        if failed {
            let why = why.unwrap_or_else(|| "the session ended in Error".into());
            events.extend(self.slot_failed(at, &managed.slot, why));
        }
    }
}
