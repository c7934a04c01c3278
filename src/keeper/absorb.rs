//! Absorbing an observation: how answers, lists and silence become knowledge.
//!
//! Knowledge only moves forward. A session's status never goes back, its lease never shrinks, and a
//! terminal session stays ended; whatever says otherwise is older than what is known and is passed
//! over. A list counts less than an answer about one session, because it may lag.

use crate::policy::Policy;
use crate::units::{Minutes, Region, SessionId, Size, SlotId, Span, Timestamp};

use super::event::{Event, What};
use super::lease::LeaseClock;
use super::memory::{Address, Known, Memory, Settled};
use super::mutation::{self, Mutation};
use super::observation::{Answer, Listing, Look, Observation};
use super::reason::Reason;
use super::session::{Session, Status};

/// How long the ids of ended sessions are remembered, against lists that lag.
const REMEMBER_ENDED: Span = Span::hours(24);
/// The first wait after a session that failed; it doubles up to [`LONGEST_SLOT_WAIT`].
pub(super) const FIRST_SLOT_WAIT: Span = Span::seconds(10);
/// The longest wait between two tries to fill a slot.
pub(super) const LONGEST_SLOT_WAIT: Span = Span::minutes(10);

impl Memory {
    /// The sessions that a pass must ask for one by one, given the list: those the list does not
    /// show, those that boot or are to stop, those whose ready time is not known to within
    /// `interval`, and strangers that carry our prefix. Nothing where the list itself went
    /// unanswered, be it by one region only.
    pub fn looks(&self, listing: Option<&Listing>, interval: Span) -> Vec<Look> {
        let Some(listing) = listing else {
            return Vec::new();
        };
        let uncertain = |k: &Known| {
            k.clock
                .is_none_or(|c| c.width() > interval.max(Span::seconds(5)))
        };
        let silent = |k: &Known| {
            k.region
                .as_ref()
                .is_some_and(|r| listing.silent.contains_key(r))
        };
        let look = |id: &SessionId, region: &Option<Region>| Look {
            id: id.clone(),
            region: region.clone(),
        };
        // List and memory are gone through side by side. Lists come sorted as a rule, and are
        // sorted again for nothing then.
        let mut listed: Vec<&Session> = listing.sessions.iter().collect();
        listed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut listed = listed.into_iter().peekable();
        let (mut looks, mut unknown) = (Vec::new(), Vec::new());
        for known in self.sessions.values() {
            unknown.extend(std::iter::from_fn(|| listed.next_if(|s| s.id < known.id)));
            let shown = std::iter::from_fn(|| listed.next_if(|s| s.id == known.id))
                .last()
                .is_some();
            if !silent(known) && (!known.seen || known.stop.is_some() || !shown || uncertain(known))
            {
                looks.push(look(&known.id, &known.region));
            }
        }
        let strangers = unknown.into_iter().chain(listed);
        let ours =
            strangers.filter(|s| !self.ended.contains_key(&s.id) && self.slot_of(&s.id).is_some());
        looks.extend(ours.map(|s| look(&s.id, &s.region)));
        looks
    }

    /// Folds what one pass read into memory, and says what has happened.
    pub fn absorb(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        observation: &Observation,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, asked) in &observation.unknown {
            self.absorb_unknown(policy, id, *asked, &mut events);
        }
        let mut answers: Vec<&Answer> = observation.answers.iter().collect();
        answers.sort_by_key(|a| a.sent);
        for answer in answers {
            self.absorb_answer(policy, answer, &mut events);
        }
        self.fresh = observation.listing.is_some();
        self.silent = observation
            .listing
            .iter()
            .flat_map(|l| l.silent.keys().cloned())
            .collect();
        if let Some(listing) = &observation.listing {
            self.heard.extend(listing.heard.iter().cloned());
            self.absorb_list(now, policy, listing, &mut events);
        }
        self.ended.retain(|_, at| now - *at < REMEMBER_ENDED);
        self.spent.forget_before(now);
        events
    }

    /// The service does not know a session, as of `asked`.
    fn absorb_unknown(
        &mut self,
        policy: &Policy,
        id: &SessionId,
        asked: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(known) = self.sessions.get_mut(id) else {
            return;
        };
        if known.answered.is_some_and(|at| at > asked) {
            return;
        }
        if !known.seen {
            // The create has not taken effect, or not yet: it may be repeated.
            known.absent = Some(asked);
            return;
        }
        let begun = known.clock.map_or(known.created, LeaseClock::earliest);
        let most = known.reserved.min((asked - begun).ceil_minutes());
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

    pub(super) fn absorb_answer(
        &mut self,
        policy: &Policy,
        answer: &Answer,
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
        let Some(known) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let slot = known.slot.clone();
        let older = known.answered.is_some_and(|at| at > answer.sent)
            || session.status.rank() < known.status.rank();
        if older && !session.status.is_terminal() {
            return;
        }
        known.answered = Some(answer.sent);
        let before = known.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        match session.status.rank() {
            0 => known.starting_at = known.starting_at.max(Some(answer.sent)),
            1 => {
                let reading =
                    LeaseClock::from_reading(answer.sent, answer.received, session.elapsed);
                let narrowed = known
                    .starting_at
                    .map_or(Ok(reading), |at| reading.not_before(at));
                let agreed = narrowed.and_then(|r| known.clock.map_or(Ok(r), |c| c.intersect(r)));
                if agreed.is_err() {
                    events.push(event(answer.received, &slot, &session.id, What::ClockReset));
                    known.starting_at = None;
                }
                known.clock = Some(agreed.unwrap_or(reading));
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
        self.tell_progress(&slot, &session.id, &before, answer.received, events);
    }

    fn absorb_list(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        listing: &Listing,
        events: &mut Vec<Event>,
    ) {
        self.listed = Some(listing.received);
        // What a silent region holds besides is as it was.
        let mut unmanaged = std::mem::take(&mut self.unmanaged);
        let known: std::collections::BTreeSet<SessionId> = unmanaged.keys().cloned().collect();
        unmanaged.retain(|_, s| {
            s.region
                .as_ref()
                .is_some_and(|r| listing.silent.contains_key(r))
        });
        for session in &listing.sessions {
            if self.sessions.contains_key(&session.id) {
                self.absorb_listed(session, listing.received, events);
            } else if let Some(slot) = self.slot_of(&session.id) {
                if !self.ended.contains_key(&session.id) && !session.status.is_terminal() {
                    self.adopt(slot, session, listing.received, events);
                    self.absorb_listed(session, listing.received, events);
                }
            } else {
                if policy.unmanaged == crate::policy::Unmanaged::Report
                    && !known.contains(&session.id)
                {
                    let what = What::Unmanaged {
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
    fn absorb_listed(&mut self, session: &Session, received: Timestamp, events: &mut Vec<Event>) {
        let Some(known) = self.sessions.get_mut(&session.id) else {
            return;
        };
        let news = !known.seen
            || session.status.rank() > known.status.rank()
            || session.max_lease > known.granted
            || session.elapsed > known.elapsed;
        if session.status.is_terminal() || session.status.rank() < known.status.rank() || !news {
            return;
        }
        let slot = known.slot.clone();
        let before = known.take(session);
        if before.worth_writing {
            self.changes.sessions.insert(session.id.clone());
        }
        if session.status.rank() == 1 {
            let latest = received - session.elapsed.span();
            let bounds = match known.clock {
                Some(clock) => clock.at_least(received, session.elapsed).ok(),
                None => known
                    .starting_at
                    .and_then(|after| LeaseClock::new(after, latest)),
            };
            if known.clock.is_some() && bounds.is_none() {
                events.push(event(received, &slot, &session.id, What::ClockReset));
                known.starting_at = None;
            }
            known.clock = bounds;
        }
        self.tell_progress(&slot, &session.id, &before, received, events);
    }

    /// A session of ours that this memory did not know: somebody else's memory asked for it. It
    /// counts as active now.
    fn adopt(&mut self, slot: SlotId, session: &Session, now: Timestamp, events: &mut Vec<Event>) {
        let what = What::Adopted {
            status: session.status.clone(),
            lease: session.max_lease,
        };
        events.push(event(now, &slot, &session.id, what));
        let mut known = Known::intended(
            session.id.clone(),
            slot,
            session.region.clone(),
            session.size.clone(),
            session.max_lease,
            now,
        );
        known.starting_at = None;
        known.active = Some(now);
        known.seen = true;
        known.status = session.status.clone();
        self.changes.sessions.insert(session.id.clone());
        self.sessions.insert(session.id.clone(), known);
    }

    /// Says what an answer or a list has moved forward.
    fn tell_progress(
        &mut self,
        slot: &SlotId,
        id: &SessionId,
        before: &Before,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(known) = self.sessions.get(id) else {
            return;
        };
        let mut tell = |what| events.push(event(at, slot, id, what));
        if let Status::Other(word) = &known.status
            && before.status != known.status
        {
            tell(What::UnknownWord {
                word: word.to_string(),
            });
        }
        if let Size::Other(word) = &known.size
            && !before.seen
        {
            tell(What::UnknownWord {
                word: word.to_string(),
            });
        }
        if !before.seen && known.status == Status::Starting {
            tell(What::Booting);
        }
        if before.status.rank() == 0 && known.is_ready() {
            let ends = known.clock.map_or(at, LeaseClock::latest) + known.granted.span();
            tell(What::Ready {
                address: known.address.clone(),
                after: at - known.created,
                ends,
            });
            let slot = self.slot_mut(slot);
            slot.retry = super::memory::Retry::default();
            slot.last_failure = None;
        }
    }

    /// Whoever asked for a session and used it to its end is taken to ask for another then.
    fn wished_until(&mut self, policy: &Policy, known: &Known, at: Timestamp) {
        let timeout = policy
            .pools
            .iter()
            .find(|p| p.name == known.slot.pool)
            .and_then(|p| p.idle_timeout);
        let asked = self
            .slots
            .get(&known.slot)
            .is_some_and(|s| s.wish.is_some());
        if asked
            && known.in_use(at, timeout)
            && let Some(wish) = &mut self.slot_mut(&known.slot).wish
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
        let Some(known) = self.sessions.remove(id) else {
            return;
        };
        self.wished_until(policy, &known, at);
        let minutes = if mutation::on(Mutation::CountOneMore) {
            minutes.plus(Minutes::new(1))
        } else {
            minutes
        };
        let price = policy.prices.of(&known.size);
        let cost = price.cost(minutes).to_money();
        let currency = policy.prices.currency.clone();
        let failed = status == Status::Error
            || matches!(&known.stop, Some(s) if matches!(s.reason, Reason::BootTimeout { .. }));
        let why = known
            .stop
            .map(|s| s.reason.to_string())
            .or_else(|| error.clone());
        let what = What::Ended {
            status: status.clone(),
            minutes,
            cost,
            currency,
            certain,
            error,
        };
        events.push(event(at, &known.slot, id, what));
        let settled = Settled {
            id: id.clone(),
            slot: known.slot.clone(),
            region: known.region,
            size: known.size,
            status,
            ready: known.clock,
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
            let slot = self.slot_mut(&known.slot);
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

impl Known {
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

fn event(at: Timestamp, slot: &SlotId, id: &SessionId, what: What) -> Event {
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
    use crate::keeper::testing::{World, policy};

    #[test]
    fn a_list_right_after_an_accepted_update_still_shows_the_older_lease_and_takes_nothing_back() {
        // As a recording of the real service has it: PATCH to 72 minutes and GET say 72, the list
        // after them says 60.
        let mut world = World::new(policy());
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
        let read = |sent: Timestamp, session| Answer {
            sent,
            received: sent + Span::millis(80),
            session,
        };
        let mut memory = Memory::new(world.policy.owner.clone(), 7);
        let patched = read(now, session(72, 2));
        let read_back = read(now + Span::millis(100), session(72, 2));
        let observation = Observation {
            answers: vec![read_back, patched],
            ..Observation::default()
        };
        let _ = memory.absorb(now, &world.policy, &observation);
        let known = memory.sessions.values().next().expect("adopted").clone();
        let (sent, received) = (now + Span::millis(200), now + Span::millis(280));
        let listing = Listing {
            sent,
            received,
            sessions: vec![session(60, 1)],
            ..Listing::default()
        };
        let events = memory.absorb(
            now + Span::seconds(1),
            &world.policy,
            &Observation {
                listing: Some(listing),
                ..Observation::default()
            },
        );
        assert_eq!((events, known.granted), (Vec::new(), Minutes::new(72)));
        assert_eq!(
            memory.sessions.values().next(),
            Some(&known),
            "not its lease, nor its minutes, nor its bounds"
        );
    }
}
