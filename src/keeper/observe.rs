//! Absorbing an observation: how answers, lists and silence become knowledge.
//!
//! Knowledge only moves forward. A session's status never goes back, its lease never shrinks, and a
//! terminal session stays ended; whatever says otherwise is older than what is known and is passed
//! over. A list counts less than an answer about one session, because it may lag.

use crate::policy::Policy;
use crate::units::{Minutes, Region, SessionId, Size, SlotId, Span, Timestamp};

use super::event::{Event, EventKind};
use super::lease::LeaseClock;
use super::mutation::{self, Mutation};
use super::observation::{Listing, Observation, SessionQuery, SessionReading};
use super::reason::Reason;
use super::session::{Session, Status};
use super::state::{Address, KeeperState, ManagedSession, Settled};

/// How long the ids of ended sessions are remembered, against lists that lag.
const REMEMBER_ENDED: Span = Span::hours(24);
/// The first wait after a session that failed; it doubles up to [`LONGEST_SLOT_WAIT`].
pub(super) const FIRST_SLOT_WAIT: Span = Span::seconds(10);
/// The longest wait between two tries to fill a slot.
pub(super) const LONGEST_SLOT_WAIT: Span = Span::minutes(10);

impl KeeperState {
    /// The sessions that a pass must ask for one by one, given the list: those the list does not
    /// show, those that boot or are to stop, those whose ready time is not known to within
    /// `interval`, and strangers that carry our prefix. Nothing where the list itself went
    /// unanswered, be it by one region only.
    pub fn sessions_to_get(&self, listing: Option<&Listing>, interval: Span) -> Vec<SessionQuery> {
        let Some(listing) = listing else {
            return Vec::new();
        };
        let uncertain = |k: &ManagedSession| {
            k.clock
                .is_none_or(|c| c.width() > interval.max(Span::seconds(5)))
        };
        let unreachable = |k: &ManagedSession| {
            k.region
                .as_ref()
                .is_some_and(|r| listing.unreachable.contains_key(r))
        };
        let look = |id: &SessionId, region: &Option<Region>| SessionQuery {
            id: id.clone(),
            region: region.clone(),
        };
        // List and memory are gone through side by side. Lists come sorted as a rule, and are
        // sorted again for nothing then.
        let mut listed: Vec<&Session> = listing.sessions.iter().collect();
        listed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut listed = listed.into_iter().peekable();
        let (mut sessions_to_get, mut unknown) = (Vec::new(), Vec::new());
        for managed in self.sessions.values() {
            unknown.extend(std::iter::from_fn(|| listed.next_if(|s| s.id < managed.id)));
            let shown = std::iter::from_fn(|| listed.next_if(|s| s.id == managed.id))
                .last()
                .is_some();
            if !unreachable(managed)
                && (!managed.seen || managed.stop.is_some() || !shown || uncertain(managed))
            {
                sessions_to_get.push(look(&managed.id, &managed.region));
            }
        }
        let strangers = unknown.into_iter().chain(listed);
        let ours =
            strangers.filter(|s| !self.ended.contains_key(&s.id) && self.slot_of(&s.id).is_some());
        sessions_to_get.extend(ours.map(|s| look(&s.id, &s.region)));
        sessions_to_get
    }

    /// Folds what one pass read into memory, and says what has happened.
    pub fn apply_observation(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        observation: &Observation,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, asked) in &observation.unknown {
            self.apply_not_found(policy, id, *asked, &mut events);
        }
        let mut readings: Vec<&SessionReading> = observation.readings.iter().collect();
        readings.sort_by_key(|a| a.sent);
        for answer in readings {
            self.apply_reading(policy, answer, &mut events);
        }
        self.fresh = observation.listing.is_some();
        self.unreachable_regions = observation
            .listing
            .iter()
            .flat_map(|l| l.unreachable.keys().cloned())
            .collect();
        if let Some(listing) = &observation.listing {
            self.listed_regions.extend(listing.listed.iter().cloned());
            self.apply_listing(now, policy, listing, &mut events);
        }
        self.ended.retain(|_, at| now - *at < REMEMBER_ENDED);
        self.spent.forget_before(now);
        events
    }

    /// The service does not know a session, as of `asked`.
    fn apply_not_found(
        &mut self,
        policy: &Policy,
        id: &SessionId,
        asked: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(managed) = self.sessions.get_mut(id) else {
            return;
        };
        if managed.last_read.is_some_and(|at| at > asked) {
            return;
        }
        if !managed.seen {
            // The create has not taken effect, or not yet: it may be repeated.
            managed.absent = Some(asked);
            return;
        }
        let begun = managed.clock.map_or(managed.created, LeaseClock::earliest);
        let most = managed.reserved.min((asked - begun).ceil_minutes());
        self.settle(
            policy,
            id,
            asked,
            Status::Other("gone".into()),
            most,
            false,
            None,
            events,
        );
    }

    pub(super) fn apply_reading(
        &mut self,
        policy: &Policy,
        answer: &SessionReading,
        events: &mut Vec<Event>,
    ) {
        let session = &answer.session;
        if !self.sessions.contains_key(&session.id) {
            let Some(slot) = self.slot_of(&session.id) else {
                return;
            };
            if self.ended.contains_key(&session.id) || session.status.is_terminal() {
                return;
            }
            self.adopt(slot, session, answer.received, events);
        }
        let Some(managed) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let slot = managed.slot.clone();
        let older = managed.last_read.is_some_and(|at| at > answer.sent)
            || session.status.rank() < managed.status.rank();
        if older && !session.status.is_terminal() {
            return;
        }
        managed.last_read = Some(answer.sent);
        let before = managed.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        match session.status.rank() {
            0 => managed.starting_at = managed.starting_at.max(Some(answer.sent)),
            1 => {
                let reading =
                    LeaseClock::from_reading(answer.sent, answer.received, session.elapsed);
                let narrowed = managed
                    .starting_at
                    .map_or(Ok(reading), |at| reading.not_before(at));
                let agreed = narrowed.and_then(|r| managed.clock.map_or(Ok(r), |c| c.intersect(r)));
                if agreed.is_err() {
                    events.push(event(
                        answer.received,
                        &slot,
                        &session.id,
                        EventKind::ClockReset,
                    ));
                    managed.starting_at = None;
                }
                managed.clock = Some(agreed.unwrap_or(reading));
            }
            _ => {
                let (at, status) = (answer.received, session.status.clone());
                self.settle(
                    policy,
                    &session.id,
                    at,
                    status,
                    session.elapsed,
                    true,
                    session.error.clone(),
                    events,
                );
                return;
            }
        }
        self.report_progress(&slot, &session.id, &before, answer.received, events);
    }

    fn apply_listing(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        listing: &Listing,
        events: &mut Vec<Event>,
    ) {
        self.listed_at = Some(listing.received);
        // What a silent region holds besides is as it was.
        let mut unmanaged = std::mem::take(&mut self.unmanaged);
        let managed: std::collections::BTreeSet<SessionId> = unmanaged.keys().cloned().collect();
        unmanaged.retain(|_, s| {
            s.region
                .as_ref()
                .is_some_and(|r| listing.unreachable.contains_key(r))
        });
        for session in &listing.sessions {
            if self.sessions.contains_key(&session.id) {
                self.apply_listed(session, listing.received, events);
            } else if let Some(slot) = self.slot_of(&session.id) {
                if !self.ended.contains_key(&session.id) && !session.status.is_terminal() {
                    self.adopt(slot, session, listing.received, events);
                    self.apply_listed(session, listing.received, events);
                }
            } else {
                if policy.unmanaged == crate::policy::Unmanaged::Report
                    && !managed.contains(&session.id)
                {
                    let what = EventKind::Unmanaged {
                        status: session.status.clone(),
                    };
                    events.push(Event {
                        at: now,
                        slot: None,
                        session: Some(session.id.clone()),
                        what,
                    });
                }
                unmanaged.insert(session.id.clone(), session.clone());
            }
        }
        self.unmanaged = unmanaged;
    }

    /// One line of a list about a session that is known: it may be old, so it only ever moves
    /// knowledge forward.
    fn apply_listed(&mut self, session: &Session, received: Timestamp, events: &mut Vec<Event>) {
        let Some(managed) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let news = !managed.seen
            || session.status.rank() > managed.status.rank()
            || session.max_lease > managed.granted
            || session.elapsed > managed.elapsed;
        if session.status.is_terminal() || session.status.rank() < managed.status.rank() || !news {
            return;
        }
        let slot = managed.slot.clone();
        let before = managed.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        if session.status.rank() == 1 {
            let latest = received - session.elapsed.span();
            let bounds = match managed.clock {
                Some(clock) => clock.at_least(received, session.elapsed).ok(),
                None => managed
                    .starting_at
                    .and_then(|after| LeaseClock::new(after, latest)),
            };
            if managed.clock.is_some() && bounds.is_none() {
                events.push(event(received, &slot, &session.id, EventKind::ClockReset));
                managed.starting_at = None;
            }
            managed.clock = bounds;
        }
        self.report_progress(&slot, &session.id, &before, received, events);
    }

    /// A session of ours that this memory did not know: somebody else's memory asked for it. It
    /// counts as active now.
    fn adopt(&mut self, slot: SlotId, session: &Session, now: Timestamp, events: &mut Vec<Event>) {
        let what = EventKind::Adopted {
            status: session.status.clone(),
            lease: session.max_lease,
        };
        events.push(event(now, &slot, &session.id, what));
        let mut managed = ManagedSession::intended(
            session.id.clone(),
            slot,
            session.region.clone(),
            session.size.clone(),
            session.max_lease,
            now,
        );
        managed.starting_at = None;
        managed.active = Some(now);
        managed.seen = true;
        managed.status = session.status.clone();
        self.changes.sessions.insert(session.id.clone());
        self.sessions.insert(session.id.clone(), managed);
    }

    /// Says what an answer or a list has moved forward.
    fn report_progress(
        &mut self,
        slot: &SlotId,
        id: &SessionId,
        before: &Before,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(managed) = self.sessions.get(id) else {
            return;
        };
        let mut tell = |what| events.push(event(at, slot, id, what));
        if let Status::Other(word) = &managed.status
            && before.status != managed.status
        {
            tell(EventKind::UnknownWord {
                word: word.to_string(),
            });
        }
        if let Size::Other(word) = &managed.size
            && !before.seen
        {
            tell(EventKind::UnknownWord {
                word: word.to_string(),
            });
        }
        if !before.seen && managed.status == Status::Starting {
            tell(EventKind::Booting);
        }
        if before.status.rank() == 0 && managed.is_ready() {
            let ends = managed.clock.map_or(at, LeaseClock::latest) + managed.granted.span();
            tell(EventKind::Ready {
                address: managed.address.clone(),
                after: at - managed.created,
                ends,
            });
            let slot = self.slot_mut(slot);
            slot.retry = super::state::Retry::default();
            slot.last_failure = None;
        }
    }

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

    /// Closes the account of a session that has ended.
    #[expect(
        clippy::too_many_arguments,
        reason = "the final account has that many facts, and two callers"
    )]
    fn settle(
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
        events.extend(self.hand_over(at, id));
        let Some(managed) = self.sessions.remove(id) else {
            return;
        };
        self.wished_until(policy, &managed, at);
        let minutes = if mutation::on(Mutation::CountOneMore) {
            minutes.plus(Minutes::new(1))
        } else {
            minutes
        };
        let price = policy.prices.of(&managed.size);
        let cost = price.cost(minutes).to_money();
        let currency = policy.prices.currency.clone();
        let failed = status == Status::Error
            || matches!(&managed.stop, Some(s) if matches!(s.reason, Reason::BootTimeout { .. }));
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
        events.push(event(at, &managed.slot, id, what));
        let settled = Settled {
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
        };
        self.spent.add(&settled);
        self.changes.sessions.remove(id);
        self.changes.settled.push(settled);
        self.ended.insert(id.clone(), at);
        if failed {
            let slot = self.slot_mut(&managed.slot);
            slot.retry.failed(at, FIRST_SLOT_WAIT, LONGEST_SLOT_WAIT);
            slot.last_failure = Some(why.unwrap_or_else(|| "the session ended in Error".into()));
        }
    }
}

/// What was known before an answer was taken over.
struct Before {
    status: Status,
    seen: bool,
    /// Whether anything has changed that must outlive the process. What was granted of a lease that
    /// is reserved anyway and the elapsed minutes are not: they change all the time, and are read
    /// again before anything rests on them.
    worth_writing: bool,
}

impl ManagedSession {
    /// Takes over what the service says, where it is further than what is known.
    fn take(&mut self, session: &Session) -> Before {
        let address = session.hostname.as_ref().map(|hostname| Address {
            hostname: hostname.clone(),
            handshake_port: session.handshake_port,
            inspector_port: session.inspector_port,
        });
        let same = self.seen
            && self.status == session.status
            && self.size == session.size
            && self.reserved >= session.max_lease
            && (session.region.is_none() || self.region == session.region)
            && (address.is_none() || self.address == address);
        let before = Before {
            status: self.status.clone(),
            seen: self.seen,
            worth_writing: !same,
        };
        self.seen = true;
        self.absent = None;
        self.region = session.region.clone().or_else(|| self.region.take());
        self.size = session.size.clone();
        self.status = session.status.clone();
        self.granted = self.granted.max(session.max_lease);
        self.reserved = self.reserved.max(self.granted);
        self.elapsed = self.elapsed.max(session.elapsed);
        self.address = address.or_else(|| self.address.take());
        before
    }
}

fn event(at: Timestamp, slot: &SlotId, id: &SessionId, what: EventKind) -> Event {
    Event {
        at,
        slot: Some(slot.clone()),
        session: Some(id.clone()),
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::testing::{TestWorld, policy};

    #[test]
    fn a_list_right_after_an_accepted_update_still_shows_the_older_lease_and_takes_nothing_back() {
        // As a recording of the real service has it: PATCH to 72 minutes and GET say 72, the list
        // after them says 60.
        let mut world = TestWorld::new(policy());
        world.outsider("st-a-0-01HF7YAT000000000000000007", Span::minutes(2), 60);
        let now = world.now;
        let session = |lease: u32, elapsed: u32| {
            let (listed, _, _) = world.books().next().expect("one session");
            Session {
                max_lease: Minutes::new(lease),
                elapsed: Minutes::new(elapsed),
                ..listed.clone()
            }
        };
        let read = |sent: Timestamp, session| SessionReading {
            sent,
            received: sent + Span::millis(80),
            session,
        };
        let mut state = KeeperState::new(world.policy.owner.clone(), 7);
        let patched = read(now, session(72, 2));
        let read_back = read(now + Span::millis(100), session(72, 2));
        let observation = Observation {
            readings: vec![read_back, patched],
            ..Observation::default()
        };
        let _ = state.apply_observation(now, &world.policy, &observation);
        let managed = state.sessions.values().next().expect("adopted").clone();
        let (sent, received) = (now + Span::millis(200), now + Span::millis(280));
        let listing = Listing {
            sent,
            received,
            sessions: vec![session(60, 1)],
            ..Listing::default()
        };
        let events = state.apply_observation(
            now + Span::seconds(1),
            &world.policy,
            &Observation {
                listing: Some(listing),
                ..Observation::default()
            },
        );
        assert_eq!((events, managed.granted), (Vec::new(), Minutes::new(72)));
        assert_eq!(
            state.sessions.values().next(),
            Some(&managed),
            "not its lease, nor its minutes, nor its bounds"
        );
    }
}
