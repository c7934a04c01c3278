//! The world: daemons, the service, clients and faults on one line of virtual time.
//!
//! Nothing ticks. What will happen stands in a queue, ordered by its instant and then by when it
//! was put there, so one seed gives one run. The world takes the next thing, moves time to it, and
//! lets the daemons run until they wait.

mod client;
mod daemon;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, PoisonError};

use fastrand::Rng;

use crate::keeper::{Acquired, Event, Target};
use crate::ledger::LedgerError;
use crate::policy::Policy;
use crate::units::{PoolName, SessionId, Span, Timestamp};

use crate::sim::clock::TrueTime;
use crate::sim::network::wire::{News, Wire};
use crate::sim::service::sites::Sites;

use self::client::{ASK_AGAIN, ASK_LATER, EAGER_TRIES};
use self::daemon::{Heard, Next, Polled};

pub use self::client::{Guest, Served};
pub use self::daemon::SimDaemon;
pub(in crate::sim) use self::daemon::at_once;

/// How long the world's service takes and boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimConfig {
    /// The longest that one way through the network takes; zero for at once.
    pub latency: Span,
    /// The shortest and the longest boot.
    pub boots: (Span, Span),
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            latency: Span::ZERO,
            boots: (Span::seconds(20), Span::seconds(90)),
        }
    }
}

/// One thing that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorldEvent {
    /// A daemon's next pass is due, unless its plans have changed since.
    Due {
        /// Which daemon.
        daemon: usize,
        /// Which of its plans.
        generation: u64,
    },
    /// A request leaves its daemon.
    Departs(u64),
    /// A request takes effect.
    Arrives(u64),
    /// A request is answered.
    Answered(u64),
    /// A session boots or ends, by itself or because it was told to.
    Edge(SessionId),
    /// A client acts.
    Client(usize),
    /// A machine starts its daemon.
    Starts(usize),
    /// Something that whoever runs the world asked to be reminded of.
    Reminder(usize),
}

/// A deterministic world.
pub struct World {
    pub(in crate::sim) time: TrueTime,
    queue: BinaryHeap<Reverse<(Timestamp, u64, WorldEvent)>>,
    order: u64,
    /// The service and the network.
    pub wire: Arc<Wire>,
    /// The machines with a daemon, in the order in which they were made.
    pub daemons: Vec<SimDaemon>,
    /// Every visit, in the order in which they were added.
    pub guests: Vec<Guest>,
    /// The visits that are connected to a session.
    connected: BTreeMap<SessionId, Vec<usize>>,
    /// Whether passes that would find no news are left out.
    pub(in crate::sim) leaves_out: bool,
    rng: Rng,
    heard: Heard,
    hash: u64,
    passes: u64,
    /// When each session was last used, as far as a daemon was told.
    pub used: BTreeMap<SessionId, Timestamp>,
    /// Sessions that ended under a guest: which guest, and which session.
    pub losses: Vec<(usize, SessionId)>,
    /// Daemons that have ended: whose fuse has burnt down, or that were told to.
    pub killed: Vec<usize>,
    /// Whatever went wrong with a ledger; a fault may ask for that.
    pub ledger_trouble: Option<LedgerError>,
}

impl World {
    /// A calm world with one daemon, which starts at once.
    ///
    /// # Errors
    /// If the ledger cannot be made.
    pub fn new(
        policy: Policy,
        seed: u64,
        start: Timestamp,
        climate: SimConfig,
    ) -> Result<Self, LedgerError> {
        let time = TrueTime::starting(start);
        let mut rng = Rng::with_seed(seed);
        let prefix = format!("{}-", policy.owner);
        let regions = policy.regions();
        let wire = Wire::new(
            time.clone(),
            rng.fork(),
            prefix,
            climate.boots,
            climate.latency,
            regions,
        );
        let daemon = SimDaemon::new(0, time.clone(), Arc::new(policy), rng.u64(..))?;
        let mut world = Self {
            time,
            queue: BinaryHeap::new(),
            order: 0,
            wire: Arc::new(wire),
            daemons: vec![daemon],
            guests: Vec::new(),
            connected: BTreeMap::new(),
            leaves_out: false,
            rng,
            heard: Heard::default(),
            hash: 0xcbf2_9ce4_8422_2325,
            passes: 0,
            used: BTreeMap::new(),
            losses: Vec::new(),
            killed: Vec::new(),
            ledger_trouble: None,
        };
        world.at(start, WorldEvent::Starts(0));
        Ok(world)
    }

    /// The present instant, in true time.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// How many passes the daemons have begun.
    pub const fn passes(&self) -> u64 {
        self.passes
    }

    /// What the run so far comes to: the same for the same seed, and hardly ever for another run.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Adds a well-behaved client's visit.
    pub fn visit(&mut self, client: String, pool: PoolName, from: Timestamp, to: Timestamp) {
        self.add_guest(Guest::new(client, pool, from, to));
    }

    /// Adds a visit.
    pub fn add_guest(&mut self, visit: Guest) {
        self.at(visit.from, WorldEvent::Client(self.guests.len()));
        self.guests.push(visit);
    }

    /// The events that the daemons told since the last call, in their order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts something into the queue.
    pub(in crate::sim) fn at(&mut self, at: Timestamp, happens: WorldEvent) {
        self.order += 1;
        self.queue
            .push(Reverse((at.max(self.time.now()), self.order, happens)));
    }

    /// Lets everything happen up to an instant, that instant included.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.step(end).is_some() {}
        self.time.advance(end);
    }

    /// Lets the next thing happen, if it is due by an instant.
    pub fn step(&mut self, end: Timestamp) -> Option<WorldEvent> {
        let (at, _, _) = &self.queue.peek()?.0;
        if *at > end {
            return None;
        }
        let Reverse((at, _, happens)) = self.queue.pop()?;
        self.time.advance(at);
        self.note(at.millis());
        if let Some(until) = self.sleeps_through(&happens) {
            self.at(until, happens.clone());
            return Some(happens);
        }
        match &happens {
            WorldEvent::Due { daemon, generation } => {
                if self.daemons[*daemon].generation == *generation {
                    self.pass(*daemon);
                }
            }
            WorldEvent::Departs(call) => {
                let whose = self.wire.lock().release(*call);
                self.resume(whose);
            }
            WorldEvent::Arrives(call) => self.wire.lock().arrive(*call),
            WorldEvent::Answered(call) => {
                let whose = self.wire.lock().reply(*call);
                self.resume(whose);
            }
            WorldEvent::Edge(session) => {
                self.wire.lock().revision += 1;
                self.notice_end(session);
            }
            WorldEvent::Reminder(_) => {}
            WorldEvent::Client(visit) => self.client(*visit),
            WorldEvent::Starts(daemon) => self.start(*daemon),
        }
        self.take_news();
        Some(happens)
    }

    /// Until when a machine sleeps that had to do something about this.
    fn sleeps_through(&self, happens: &WorldEvent) -> Option<Timestamp> {
        let daemon = match happens {
            WorldEvent::Due { daemon, .. } | WorldEvent::Starts(daemon) => *daemon,
            WorldEvent::Departs(call) | WorldEvent::Answered(call) => {
                self.wire.lock().whose(*call)?
            }
            WorldEvent::Arrives(_)
            | WorldEvent::Edge(_)
            | WorldEvent::Client(_)
            | WorldEvent::Reminder(_) => {
                return None;
            }
        };
        self.daemons[daemon]
            .asleep
            .filter(|until| *until > self.now())
    }

    /// Kills a daemon at whatever it is doing.
    pub fn kill(&mut self, daemon: usize) {
        self.daemons[daemon].kill(&self.wire);
    }

    /// Starts a daemon that has ended, at an instant.
    pub fn start_at(&mut self, daemon: usize, at: Timestamp) {
        self.at(at, WorldEvent::Starts(daemon));
    }

    /// Sends a daemon the signal to end; it restarts only when it is told to.
    pub fn end(&mut self, daemon: usize) {
        self.daemons[daemon].begin_end(&self.wire);
        self.resume(Some(daemon));
        self.take_news();
    }

    /// Lets a daemon's machine sleep until an instant.
    pub fn suspend(&mut self, daemon: usize, until: Timestamp) {
        self.daemons[daemon].asleep = Some(until);
    }

    /// Adds a machine with a ledger of its own, and starts its daemon at once.
    ///
    /// # Errors
    /// If the ledger cannot be made.
    pub fn add_daemon(&mut self, policy: Arc<Policy>) -> Result<usize, LedgerError> {
        let number = self.daemons.len();
        self.daemons.push(SimDaemon::new(
            number,
            self.time.clone(),
            policy,
            self.rng.u64(..),
        )?);
        self.start_at(number, self.now());
        Ok(number)
    }

    /// Lets a daemon's loop go on at once, as a signal does.
    pub fn nudge(&mut self, daemon: usize) {
        if let Some(shared) = self.daemons[daemon].shared() {
            shared.wake.notify_one();
        }
        self.wake(daemon);
    }

    /// Lets somebody who is no daemon change the service's books. `act` says which session it
    /// touched.
    pub fn outsider(&mut self, act: impl FnOnce(&mut Sites, Timestamp) -> Option<SessionId>) {
        {
            let mut wire = self.wire.lock();
            let touched = act(&mut wire.sites, self.time.now());
            if let Some(id) = touched {
                wire.expect_edges(&id);
            }
        }
        self.take_news();
    }

    /// Asks to be reminded of something at an instant.
    pub fn remind(&mut self, at: Timestamp, what: usize) {
        self.at(at, WorldEvent::Reminder(what));
    }

    /// Takes away the ledger of a daemon that has ended.
    pub fn lose_ledger(&mut self, daemon: usize) {
        let seed = self.rng.u64(..);
        self.ledger_trouble = self.daemons[daemon].lose_ledger(seed).err();
    }

    fn note(&mut self, value: i64) {
        self.hash = (self.hash ^ value.cast_unsigned())
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(17);
    }

    fn start(&mut self, daemon: usize) {
        if self.daemons[daemon].is_alive() {
            return;
        }
        match self.daemons[daemon].start(&self.heard) {
            Ok(()) => self.pass(daemon),
            Err(error) => self.ledger_trouble = Some(error),
        }
    }

    fn pass(&mut self, daemon: usize) {
        self.passes += 1;
        self.daemons[daemon].begin(&self.wire);
        self.resume(Some(daemon));
    }

    /// Lets a daemon run until it waits.
    fn resume(&mut self, daemon: Option<usize>) {
        let Some(daemon) = daemon.filter(|d| self.daemons[*d].is_busy()) else {
            return;
        };
        match &mut self.daemons[daemon].fuse {
            Some(0) => {
                self.daemons[daemon].fuse = None;
                self.kill(daemon);
                self.killed.push(daemon);
                return;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        match self.daemons[daemon].poll() {
            Polled::Done(next) => {
                let generation = self.daemons[daemon].generation;
                let woken = self.daemons[daemon].woken();
                let next = if woken { self.now() } else { self.needed(next) };
                self.at(next, WorldEvent::Due { daemon, generation });
            }
            Polled::Ended => {
                self.kill(daemon);
                self.killed.push(daemon);
            }
            Polled::Waits | Polled::Idle => {}
        }
    }

    /// The next pass that is needed. In a calm world all news is known beforehand, and what looks
    /// for news before there is any, but for the last time, is left out.
    fn needed(&self, next: Next) -> Timestamp {
        let wire = self.wire.lock();
        let now = self.now();
        let news = wire
            .news
            .iter()
            .any(|n| matches!(n, News::Edge(at, _) if *at <= now));
        if !self.leaves_out || !wire.network.is_instant() || news {
            return next.pass;
        }
        let until = wire
            .next_edge()
            .into_iter()
            .chain(next.due)
            .min()
            .unwrap_or(Timestamp::MAX);
        let pause = (next.pass - now).as_millis().max(1);
        let left_out = ((until - next.pass).as_millis() - 1)
            .div_euclid(pause)
            .max(0);
        next.pass + Span::millis(pause).times(left_out)
    }

    /// Wakes a daemon that somebody asked something of.
    fn wake(&mut self, daemon: usize) {
        if !self.daemons[daemon].is_busy() && self.daemons[daemon].woken() {
            let generation = self.daemons[daemon].generation;
            self.at(self.now(), WorldEvent::Due { daemon, generation });
        }
    }

    /// Queues what the wire has to tell.
    pub(in crate::sim) fn take_news(&mut self) {
        let (news, requests) = {
            let mut wire = self.wire.lock();
            (std::mem::take(&mut wire.news), wire.requests)
        };
        self.note(i64::try_from(requests).unwrap_or(i64::MAX));
        let now = self.now();
        for news in news {
            match news {
                News::Departing(call) => self.at(now, WorldEvent::Departs(call)),
                News::Sent(call, fate) => {
                    if let Some(after) = fate.effect {
                        self.at(now + after, WorldEvent::Arrives(call));
                    }
                    self.at(now + fate.reply, WorldEvent::Answered(call));
                }
                News::Edge(at, session) => self.at(at, WorldEvent::Edge(session)),
            }
        }
    }

    /// Where a session has ended, the clients connected to it notice.
    fn notice_end(&mut self, session: &SessionId) {
        let now = self.now();
        if self
            .wire
            .lock()
            .sites
            .get(session)
            .is_ok_and(|r| !r.status(now).is_terminal())
        {
            return;
        }
        for visit in self.connected.remove(session).unwrap_or_default() {
            self.guests[visit].served.session = None;
            self.losses.push((visit, session.clone()));
            if now < self.guests[visit].to {
                self.guests[visit].served.lost += 1;
                self.plan_client(visit, now);
            }
        }
    }

    /// A client leaves its session.
    fn disconnect(&mut self, index: usize) -> Option<SessionId> {
        let session = self.guests[index].served.session.take()?;
        if let Some(guests) = self.connected.get_mut(&session) {
            guests.retain(|guest| *guest != index);
        }
        Some(session)
    }

    fn plan_client(&mut self, index: usize, at: Timestamp) {
        self.guests[index].served.next = at;
        self.at(at, WorldEvent::Client(index));
    }

    /// The daemon that clients talk to.
    fn front(&self) -> Option<usize> {
        let now = self.now();
        self.daemons
            .iter()
            .position(|d| d.is_alive() && d.asleep.is_none_or(|until| until <= now))
    }

    /// A client does what is next for it.
    fn client(&mut self, index: usize) {
        let now = self.now();
        let visit = &self.guests[index];
        if visit.served.over || now < visit.from || now < visit.served.next {
            // It has planned anew since.
            return;
        }
        let front = self.front();
        if now >= visit.to {
            self.guests[index].served.over = true;
            let session = self.disconnect(index);
            if let (Some(id), Some(daemon), true) = (session, front, self.guests[index].releases) {
                self.give_back(daemon, index, &id);
            }
            return;
        }
        let (to, connected) = (visit.to, visit.served.session.clone());
        let next = match (connected, front) {
            (Some(id), Some(daemon)) => self.beat(daemon, index, id),
            (Some(_), None) => now + ASK_AGAIN,
            (None, Some(daemon)) => self.acquire(daemon, index),
            (None, None) => now + ASK_AGAIN,
        };
        self.plan_client(index, next.min(to));
    }

    /// A client shows that it is there. Returns when it does so next.
    fn beat(&mut self, daemon: usize, index: usize, id: SessionId) -> Timestamp {
        let now = self.now();
        let timeout = self.idle_timeout(daemon, index);
        let Some(timeout) = timeout.filter(|_| self.guests[index].beats) else {
            return self.guests[index].to;
        };
        let Some(shared) = self.daemons[daemon].shared().cloned() else {
            return now + ASK_AGAIN;
        };
        let (used, target) = (id.clone(), Target::Session(id));
        if at_once(shared.grant(|keeper, at, policy| Ok(((), keeper.touch(at, policy, &target)?))))
            .is_ok()
        {
            self.used.insert(used, now);
        }
        self.wake(daemon);
        now + timeout.div(3).max(Span::seconds(5))
    }

    fn idle_timeout(&self, daemon: usize, index: usize) -> Option<Span> {
        let pool = &self.guests[index].pool;
        self.daemons[daemon]
            .policy
            .pools
            .iter()
            .find(|p| p.name == *pool)?
            .idle_timeout
    }

    /// A client asks for a session. Returns when it acts next.
    fn acquire(&mut self, daemon: usize, index: usize) -> Timestamp {
        let now = self.now();
        let Some(shared) = self.daemons[daemon].shared().cloned() else {
            return now + ASK_AGAIN;
        };
        let (pool, client) = (
            self.guests[index].pool.clone(),
            self.guests[index].client.clone(),
        );
        let granted =
            at_once(shared.grant(|keeper, at, policy| keeper.acquire(at, policy, &pool, &client)));
        self.wake(daemon);
        let Ok(Acquired::Ready { id, .. }) = granted else {
            let tries = &mut self.guests[index].served.tries;
            *tries += 1;
            return now
                + if *tries < EAGER_TRIES {
                    ASK_AGAIN
                } else {
                    ASK_LATER
                };
        };
        let there = self
            .wire
            .lock()
            .sites
            .get(&id)
            .is_ok_and(|r| r.status(now) == crate::keeper::Status::Ready);
        if !there {
            // The daemon does not know yet that it has ended.
            return now + ASK_AGAIN;
        }
        let visit = &mut self.guests[index];
        visit.served.warm |= visit.served.waited.is_none() && now == visit.from;
        visit.served.waited = visit.served.waited.or(Some(now - visit.from));
        visit.served.session = Some(id.clone());
        visit.served.tries = 0;
        self.connected.entry(id.clone()).or_default().push(index);
        self.used.insert(id.clone(), now);
        self.beat(daemon, index, id)
    }

    fn give_back(&mut self, daemon: usize, index: usize, id: &SessionId) {
        let Some(shared) = self.daemons[daemon].shared().cloned() else {
            return;
        };
        let client = self.guests[index].client.clone();
        if at_once(shared.grant(|keeper, at, _| Ok(((), vec![keeper.release(at, id, &client)?]))))
            .is_ok()
        {
            self.used.insert(id.clone(), self.now());
        }
        self.wake(daemon);
    }
}
