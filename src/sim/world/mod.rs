//! The world: daemons, the service, clients and faults on one line of virtual time.
//!
//! Nothing ticks. The world takes the next thing out of its queue, moves time to it, and lets the
//! daemons run until they wait. One seed gives one run.

mod clients;
mod daemon;
mod queue;
mod sources;
#[cfg(test)]
mod tests;
mod visit;
mod waiting;
mod wiring;

use std::sync::{Arc, PoisonError};

use fastrand::Rng;

use crate::keeper::Event;
use crate::ledger::LedgerError;
use crate::policy::Policy;
use crate::sim::clock::TrueTime;
use crate::sim::network::wire::{Wire, WireEvent};
use crate::sim::service::sites::Sites;
use crate::units::{PoolName, SessionId, Span, Timestamp};

use self::clients::Surroundings;
use self::daemon::{Next, Polled, WrittenEvents};
use self::queue::EventQueue;

pub use self::clients::Clients;
pub use self::daemon::SimDaemon;
#[cfg(test)]
pub(in crate::sim) use self::daemon::at_once;
pub use self::queue::WorldEvent;
pub(super) use self::sources::SimSources;
#[cfg(test)]
pub(in crate::sim) use self::sources::SourceFault;
pub use self::visit::{ClientVisit, VisitProgress};

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

/// A deterministic world.
pub struct World {
    time: TrueTime,
    queue: EventQueue,
    /// The service and the network.
    pub wire: Arc<Wire>,
    /// The machines with a daemon, in the order in which they were made.
    pub daemons: Vec<SimDaemon>,
    /// Everybody who wants a session.
    pub clients: Clients,
    /// What shows that sessions are used.
    pub(super) sources: SimSources,
    /// Whether passes that would find nothing new are left out.
    pub(in crate::sim) skips_idle_passes: bool,
    rng: Rng,
    events: WrittenEvents,
    passes: u64,
    /// Daemons that have ended: whose fuse has burnt down, or by a signal.
    pub ended: Vec<usize>,
    /// Whatever went wrong with a ledger; a fault may ask for that.
    pub ledger_error: Option<LedgerError>,
}

impl World {
    /// A world without faults, with one daemon, which starts at once.
    ///
    /// # Errors
    /// If the ledger cannot be made.
    pub fn new(
        policy: Policy,
        seed: u64,
        start: Timestamp,
        config: SimConfig,
    ) -> Result<Self, LedgerError> {
        let time = TrueTime::starting(start);
        let mut rng = Rng::with_seed(seed);
        let prefix = format!("{}-", policy.owner);
        let regions = policy.regions();
        let wire = Wire::new(
            time.clone(),
            rng.fork(),
            prefix,
            config.boots,
            config.latency,
            regions,
        );
        let daemon = SimDaemon::new(0, time.clone(), Arc::new(policy), rng.u64(..))?;
        let mut world = Self {
            queue: EventQueue::new(time.clone()),
            time,
            wire: Arc::new(wire),
            daemons: vec![daemon],
            clients: Clients::default(),
            sources: SimSources::default(),
            skips_idle_passes: false,
            rng,
            events: WrittenEvents::default(),
            passes: 0,
            ended: Vec::new(),
            ledger_error: None,
        };
        world.queue.push(start, WorldEvent::Starts(0));
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
        self.queue.hash()
    }

    /// Adds a well-behaved client's visit.
    pub fn visit(&mut self, client: String, pool: PoolName, from: Timestamp, to: Timestamp) {
        self.add_visit(ClientVisit::new(client, pool, from, to));
    }

    /// Adds a visit.
    pub fn add_visit(&mut self, visit: ClientVisit) {
        self.clients.add(&mut self.queue, visit);
    }

    /// The events that the daemons reported since the last call, in their order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets everything happen up to an instant, that instant included.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.step(end).is_some() {}
        self.queue.advance(end);
    }

    /// Lets the next thing happen, if it is due by an instant.
    pub fn step(&mut self, end: Timestamp) -> Option<WorldEvent> {
        let event = self.queue.pop(end)?;
        if let Some(until) = self.sleeps_through(&event) {
            self.queue.push(until, event.clone());
            return Some(event);
        }
        match &event {
            WorldEvent::Due { daemon, generation } => {
                if self.daemons[*daemon].generation == *generation {
                    self.pass(*daemon);
                }
            }
            WorldEvent::Departs(call) => {
                let sender = self.wire.lock().release(*call);
                self.resume(sender);
            }
            WorldEvent::Arrives(call) => self.wire.lock().arrive(*call),
            WorldEvent::Answered(call) => {
                let sender = self.wire.lock().reply(*call);
                self.resume(sender);
            }
            WorldEvent::Edge(session) => {
                self.wire.lock().revision += 1;
                let (clients, mut around) = self.clients_and_surroundings();
                clients.notice_end(&mut around, session);
            }
            WorldEvent::Reminder(_) => {}
            WorldEvent::Client(visit) => {
                let (clients, mut around) = self.clients_and_surroundings();
                clients.act(&mut around, *visit);
            }
            WorldEvent::Starts(daemon) => self.start(*daemon),
        }
        self.queue_wire_events();
        Some(event)
    }

    fn clients_and_surroundings(&mut self) -> (&mut Clients, Surroundings<'_>) {
        let around = Surroundings {
            daemons: &self.daemons,
            wire: &self.wire,
            queue: &mut self.queue,
            connected: &mut self.sources.connected,
        };
        (&mut self.clients, around)
    }

    /// Until when a machine sleeps that had to do something about this.
    fn sleeps_through(&self, event: &WorldEvent) -> Option<Timestamp> {
        let daemon = match event {
            WorldEvent::Due { daemon, .. } | WorldEvent::Starts(daemon) => *daemon,
            WorldEvent::Departs(call) | WorldEvent::Answered(call) => {
                self.wire.lock().sender(*call)?
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
        self.queue.push(at, WorldEvent::Starts(daemon));
    }

    /// Sends a daemon the signal to end; it is started again by [`Self::start_at`] alone.
    pub fn end(&mut self, daemon: usize) {
        self.daemons[daemon].begin_end(&self.wire);
        self.resume(Some(daemon));
        self.queue_wire_events();
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
    pub fn wake(&mut self, daemon: usize) {
        if let Some(shared) = self.daemons[daemon].shared() {
            shared.wake.notify_one();
        }
        self.clients_and_surroundings().1.wake(daemon);
    }

    /// Lets somebody who is no daemon change the service's registries. `act` says which session it
    /// touched.
    pub fn outsider(&mut self, act: impl FnOnce(&mut Sites, Timestamp) -> Option<SessionId>) {
        {
            let mut wire = self.wire.lock();
            let touched = act(&mut wire.sites, self.time.now());
            if let Some(id) = touched {
                wire.expect_edges(&id);
            }
        }
        self.queue_wire_events();
    }

    /// Asks to be reminded of something at an instant.
    pub fn remind(&mut self, at: Timestamp, what: usize) {
        self.queue.push(at, WorldEvent::Reminder(what));
    }

    /// Takes away the ledger of a daemon that has ended.
    pub fn lose_ledger(&mut self, daemon: usize) {
        let seed = self.rng.u64(..);
        self.ledger_error = self.daemons[daemon].lose_ledger(seed).err();
    }

    fn start(&mut self, daemon: usize) {
        if self.daemons[daemon].is_alive() {
            return;
        }
        match self.daemons[daemon].start(&self.events) {
            Ok(()) => self.pass(daemon),
            Err(error) => self.ledger_error = Some(error),
        }
    }

    fn pass(&mut self, daemon: usize) {
        self.passes += 1;
        self.let_sources_look(daemon);
        self.daemons[daemon].begin(&self.wire);
        self.resume(Some(daemon));
    }

    /// What a daemon's watchers see just before its pass.
    fn let_sources_look(&mut self, daemon: usize) {
        let now = self.now();
        let Some(shared) = self.daemons[daemon].shared() else {
            return;
        };
        let used = self.sources.look(now, shared);
        self.clients
            .last_used
            .extend(used.into_iter().map(|id| (id, now)));
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
                self.ended.push(daemon);
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
                self.queue
                    .push(next, WorldEvent::Due { daemon, generation });
            }
            Polled::Ended => {
                self.kill(daemon);
                self.ended.push(daemon);
            }
            Polled::Waits | Polled::Idle => {}
        }
    }

    /// The next pass that is needed. In a world without faults every change is known beforehand, so
    /// of the passes that come before the next change only the last is needed.
    fn needed(&self, next: Next) -> Timestamp {
        let wire = self.wire.lock();
        let now = self.now();
        let changed = wire
            .events
            .iter()
            .any(|e| matches!(e, WireEvent::Edge(at, _) if *at <= now));
        if !self.skips_idle_passes || !wire.network.is_instant() || changed {
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
}
