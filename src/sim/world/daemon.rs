//! One simulated process of leasekeeper: the real state, the real pass, on a virtual machine.
//!
//! The process is a future that is polled by hand. Killing it is dropping the future at whatever
//! point it waits, and everything else it had, except its ledger.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::clock::Clock;
use crate::connect::limits;
use crate::daemon::{DaemonState, Deadline, Passed, Shared, assign_activity, pass, shutdown};
use crate::keeper::Event;
use crate::ledger::{Fresh, Ledger, LedgerError, LedgerHandle};
use crate::policy::Policy;
use crate::service::Fleet;
use crate::units::{Span, Timestamp};

use crate::sim::clock::{SimClock, TrueTime, WallClock};
use crate::sim::network::link::ServiceLink;
use crate::sim::network::wire::Wire;

/// What a process is doing: a pass, or its end, which comes to nothing more.
type Running = Pin<Box<dyn Future<Output = Option<Passed>> + Send>>;

/// The events of all processes, in the order in which they were written.
pub(super) type WrittenEvents = Arc<Mutex<Vec<Event>>>;

/// One machine with a ledger on its disk, and perhaps a process on it.
pub struct SimDaemon {
    number: usize,
    time: TrueTime,
    /// The machine's wall clock.
    pub wall: WallClock,
    /// The policy that the next process starts with.
    pub policy: Arc<Policy>,
    life: Option<Life>,
    ledger: Arc<Mutex<Ledger>>,
    /// Counts wakes that were planned, so that one that was overtaken is ignored.
    pub(super) generation: u64,
    /// When the present process started.
    pub started: Timestamp,
    /// Until when the machine sleeps.
    pub(super) asleep: Option<Timestamp>,
    /// At how many more waits the process is killed.
    pub fuse: Option<u32>,
}

/// What ends with the process.
struct Life {
    clock: Arc<SimClock>,
    shared: Arc<Shared>,
    running: Option<Running>,
    ending: bool,
}

impl Life {
    /// The regions that the policy in force names, at the other end of a line.
    fn fleet(&self, line: ServiceLink) -> Fleet<ServiceLink> {
        line.fleet(self.shared.lock().policy.regions())
    }
}

/// What became of a process that was polled.
#[derive(Debug)]
pub(super) enum Polled {
    /// It waits for an answer.
    Waits,
    /// Its pass is over.
    Done(Next),
    /// It has ended of its own will.
    Ended,
    /// There is none, or it had nothing to do.
    Idle,
}

/// When a process wants its next pass, in true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// The next pass.
    pub(super) pass: Timestamp,
    /// The first pass after that one that is needed although there will be no news and no wish;
    /// `None` where none is.
    pub(super) due: Option<Timestamp>,
}

impl SimDaemon {
    /// A machine with an empty ledger, and no process yet.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn new(
        number: usize,
        time: TrueTime,
        policy: Arc<Policy>,
        seed: u64,
    ) -> Result<Self, LedgerError> {
        let made = time.now();
        let ledger = Arc::new(Mutex::new(Ledger::in_memory(Fresh { seed, made })?));
        let wall = WallClock::default();
        Ok(Self {
            number,
            wall,
            policy,
            life: None,
            ledger,
            generation: 0,
            started: made,
            asleep: None,
            fuse: None,
            time,
        })
    }

    /// Starts the process: it reads its ledger, and its first pass is due at once.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(super) fn start(&mut self, log: &WrittenEvents) -> Result<(), LedgerError> {
        let clock = Arc::new(SimClock::new(self.time.clone(), self.wall.clone()));
        let (policy, now) = (self.policy.clone(), clock.now());
        let keeper = self
            .disk()
            .load(&policy.owner, policy.time_zone, limits(&policy), now)?;
        let log = log.clone();
        let ledger =
            LedgerHandle::inline(self.ledger.clone(), policy.owner.clone(), move |recorded| {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push(recorded.event.clone());
            })?;
        let state = DaemonState::start(policy.clone(), keeper, ledger, "simulated".into(), now);
        let state = state.unwrap_or_else(|left| unreachable!("{left:?} had been asked for"));
        let shared = Arc::new(Shared::new(state, clock.clone()));
        assign_activity(&shared);
        self.started = self.time.now();
        self.life = Some(Life {
            clock,
            shared,
            running: None,
            ending: false,
        });
        Ok(())
    }

    /// Ends the process at whatever it was doing. Its ledger stays.
    pub(super) fn kill(&mut self, wire: &Wire) {
        let Some(life) = self.life.take() else { return };
        drop(life.running);
        wire.lock().orphan(self.number);
        self.generation += 1;
    }

    /// The machine's ledger, for a moment.
    fn disk(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a process.
    pub fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    /// Whether the process is amid a pass.
    pub fn is_busy(&self) -> bool {
        self.life.as_ref().is_some_and(|l| l.running.is_some())
    }

    /// The process's state, if there is a process.
    pub fn shared(&self) -> Option<&Arc<Shared>> {
        self.life.as_ref().map(|l| &l.shared)
    }

    /// Whether the process was asked to end.
    pub fn is_ending(&self) -> bool {
        self.life.as_ref().is_some_and(|l| l.ending)
    }

    /// Shows the machine's ledger, whether a process has it or not.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.disk())
    }

    /// Puts an empty ledger in the place of the present one. The process must have ended.
    pub(super) fn lose_ledger(&mut self, seed: u64) -> Result<(), LedgerError> {
        let made = self.time.now() + self.wall.skew();
        *self.disk() = Ledger::in_memory(Fresh { seed, made })?;
        Ok(())
    }

    /// Begins a pass, unless one is under way.
    pub(super) fn begin(&mut self, wire: &Arc<Wire>) {
        let number = self.number;
        let Some(life) = self.life.as_mut().filter(|l| l.running.is_none()) else {
            return;
        };
        let fleet = life.fleet(ServiceLink::new(wire.clone(), number, life.clock.clone()));
        let shared = life.shared.clone();
        self.generation += 1;
        life.running = Some(Box::pin(async move { Some(pass(&shared, &fleet).await) }));
    }

    /// Begins the end that a signal asks for. A pass that is under way is cut short, as when
    /// its time at the end is over.
    pub(super) fn begin_end(&mut self, wire: &Arc<Wire>) {
        let number = self.number;
        let Some(life) = self.life.as_mut() else {
            return;
        };
        life.running = None;
        life.ending = true;
        wire.lock().orphan(number);
        let line = ServiceLink::new(wire.clone(), number, life.clock.clone());
        let (fleet, shared) = (life.fleet(line.clone()), life.shared.clone());
        self.generation += 1;
        life.running = Some(Box::pin(async move {
            let deadline = Deadline::of_an_end_asked_at(shared.clock.now());
            shutdown(&shared, &fleet, deadline, |length| line.pause(length)).await;
            None
        }));
    }

    /// Lets the process run until it waits.
    pub(super) fn poll(&mut self) -> Polled {
        let Some(life) = self.life.as_mut() else {
            return Polled::Idle;
        };
        let Some(running) = life.running.as_mut() else {
            return Polled::Idle;
        };
        match running
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Pending => Polled::Waits,
            Poll::Ready(Some(passed)) => {
                life.running = None;
                let pass = life.clock.truth(passed.next);
                Polled::Done(Next {
                    pass,
                    due: passed.due.map(|at| life.clock.truth(at)),
                })
            }
            Poll::Ready(None) => Polled::Ended,
        }
    }

    /// Whether somebody has woken the loop since it was last asked.
    pub(super) fn woken(&self) -> bool {
        self.life.as_ref().is_some_and(|life| {
            let notified = std::pin::pin!(life.shared.wake.notified());
            notified
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        })
    }

    /// What the wall clock says, counted in days that budgets could see.
    pub fn reads(&self) -> Timestamp {
        self.time.now() + self.wall.skew()
    }

    /// How far the process's line of time is ahead of true time.
    pub fn ahead(&self) -> Span {
        self.life
            .as_ref()
            .map_or(self.wall.skew(), |l| l.clock.now() - self.time.now())
    }
}

/// What comes of a future that never waits, as with a ledger that is written inline.
pub(in crate::sim) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("an inline ledger acknowledges a write before it is awaited"),
    }
}
