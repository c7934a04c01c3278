//! Clients: they ask until they are given a session, connect, send heartbeats and release it. Where
//! a session ends under a client, it asks again.
//!
//! They know of a daemon what its control API says, and of a session whether its server is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::daemon::Shared;
use crate::keeper::{Acquired, HoldRef, KeeperState, Status, Target};
use crate::policy::Policy;
use crate::sim::network::wire::Wire;
use crate::units::{PoolName, SessionId, Span, Timestamp};

use super::daemon::{SimDaemon, at_once};
use super::queue::{EventQueue, WorldEvent};
use super::visit::ClientVisit;
use super::waiting::{OutOfTurn, Waiting};

/// The pause between two tries to acquire.
const RETRY_AFTER: Span = Span::seconds(10);
/// After so many tries in a row, a client is patient.
const EAGER_ATTEMPTS: u32 = 18;
/// The pause of a patient client.
const PATIENT_RETRY_AFTER: Span = Span::minutes(2);
/// The shortest pause between two heartbeats.
const SHORTEST_HEARTBEAT: Span = Span::seconds(5);

/// What clients can reach, lent by the world.
pub(super) struct Surroundings<'w> {
    pub(super) daemons: &'w [SimDaemon],
    pub(super) wire: &'w Wire,
    pub(super) queue: &'w mut EventQueue,
    /// What activity sources see.
    pub(super) connected: &'w mut BTreeSet<SessionId>,
}

impl Surroundings<'_> {
    /// The daemon that clients talk to.
    fn daemon(&self) -> Option<usize> {
        let now = self.queue.now();
        self.daemons
            .iter()
            .position(|d| d.is_alive() && d.asleep.is_none_or(|until| until <= now))
    }

    fn shared(&self, daemon: usize) -> Option<Arc<Shared>> {
        self.daemons[daemon].shared().cloned()
    }

    fn idle_timeout(&self, daemon: usize, pool: &PoolName) -> Option<Span> {
        let pools = &self.daemons[daemon].policy.pools;
        pools.iter().find(|p| p.name == *pool)?.idle_timeout
    }

    fn status(&self, id: &SessionId) -> Option<Status> {
        let wire = self.wire.lock();
        Some(wire.sites.get(id).ok()?.status(self.queue.now()))
    }

    /// Wakes a daemon that somebody asked something of.
    pub(super) fn wake(&mut self, daemon: usize) {
        let machine = &self.daemons[daemon];
        if !machine.is_busy() && machine.woken() {
            let generation = machine.generation;
            let due = WorldEvent::Due { daemon, generation };
            self.queue.push(self.queue.now(), due);
        }
    }
}

/// Everybody who wants a session, now or later.
#[derive(Debug, Default)]
pub struct Clients {
    /// Every visit, in the order in which they were added.
    pub visits: Vec<ClientVisit>,
    /// When each session was last used, as far as a daemon knows.
    pub last_used: BTreeMap<SessionId, Timestamp>,
    /// Sessions that ended under a client: which visit, and which session.
    pub losses: Vec<(usize, SessionId)>,
    /// Who was served before another one's turn.
    pub out_of_turn: Vec<OutOfTurn>,
    waiting: Waiting,
    /// The visits that are connected to a session.
    connected: BTreeMap<SessionId, Vec<usize>>,
}

impl Clients {
    /// Adds a visit.
    pub(super) fn add(&mut self, queue: &mut EventQueue, visit: ClientVisit) {
        queue.push(visit.from, WorldEvent::Client(self.visits.len()));
        self.visits.push(visit);
    }

    /// Where a session has ended, the clients connected to it notice.
    pub(super) fn notice_end(&mut self, around: &mut Surroundings<'_>, session: &SessionId) {
        if around.status(session).is_some_and(|s| !s.is_terminal()) {
            return;
        }
        let now = around.queue.now();
        around.connected.remove(session);
        for visit in self.connected.remove(session).unwrap_or_default() {
            self.visits[visit].progress.session = None;
            self.losses.push((visit, session.clone()));
            if now < self.visits[visit].to {
                self.visits[visit].progress.lost += 1;
                self.plan(around, visit, now);
            }
        }
    }

    /// A client does what is next for it.
    pub(super) fn act(&mut self, around: &mut Surroundings<'_>, index: usize) {
        let now = around.queue.now();
        let visit = &self.visits[index];
        if visit.progress.over || now < visit.from || now < visit.progress.next {
            // It has planned anew since.
            return;
        }
        let daemon = around.daemon();
        if now >= visit.to {
            self.visits[index].progress.over = true;
            let session = self.disconnect(around, index);
            if let (Some(id), Some(daemon), true) = (session, daemon, self.visits[index].releases) {
                self.release(around, daemon, index, &id);
            }
            return;
        }
        let (to, connected) = (visit.to, visit.progress.session.clone());
        let next = match (connected, daemon) {
            (Some(id), Some(daemon)) => self.heartbeat(around, daemon, index, id),
            (None, Some(daemon)) => self.acquire(around, daemon, index),
            (_, None) => now + RETRY_AFTER,
        };
        self.plan(around, index, next.min(to));
    }

    fn plan(&mut self, around: &mut Surroundings<'_>, index: usize, at: Timestamp) {
        self.visits[index].progress.next = at;
        around.queue.push(at, WorldEvent::Client(index));
    }

    /// A client leaves its session.
    fn disconnect(&mut self, around: &mut Surroundings<'_>, index: usize) -> Option<SessionId> {
        let session = self.visits[index].progress.session.take()?;
        if let Some(visits) = self.connected.get_mut(&session) {
            visits.retain(|visit| *visit != index);
            if visits.is_empty() {
                around.connected.remove(&session);
            }
        }
        Some(session)
    }

    /// A client shows that it is there. Returns when it does so next.
    fn heartbeat(
        &mut self,
        around: &mut Surroundings<'_>,
        daemon: usize,
        index: usize,
        id: SessionId,
    ) -> Timestamp {
        let (now, visit) = (around.queue.now(), &self.visits[index]);
        let timeout = around.idle_timeout(daemon, &visit.pool);
        let Some(timeout) = timeout.filter(|_| visit.heartbeats) else {
            return visit.to;
        };
        let Some(shared) = around.shared(daemon) else {
            return now + RETRY_AFTER;
        };
        let (used, target) = (id.clone(), Target::Session(id));
        let touched =
            shared.grant(|keeper, at, policy| Ok(((), keeper.touch(at, policy, &target)?)));
        if at_once(touched).is_ok() {
            self.last_used.insert(used, now);
        }
        around.wake(daemon);
        now + timeout.div(3).max(SHORTEST_HEARTBEAT)
    }

    /// A client asks for a session. Returns when it acts next.
    fn acquire(&mut self, around: &mut Surroundings<'_>, daemon: usize, index: usize) -> Timestamp {
        let now = around.queue.now();
        let Some(shared) = around.shared(daemon) else {
            return now + RETRY_AFTER;
        };
        let visit = &mut self.visits[index];
        let (pool, client) = (visit.pool.clone(), visit.client.clone());
        let wish = |keeper: &mut KeeperState, at, policy: &Policy| {
            keeper.acquire(at, policy, &pool, client.as_str())
        };
        // What is not on the disk, a client would have to ask for again after a crash.
        let granted = at_once(shared.grant_session(wish)).ok();
        let granted = granted.filter(|g| g.unwritten.is_none()).map(|g| g.answer);
        around.wake(daemon);
        let told = self.waiting.told(now, &pool, &client, granted.as_ref());
        self.out_of_turn.extend(told);
        let Some(Acquired::Ready { id, .. }) = granted else {
            visit.progress.attempts += 1;
            return now
                + if visit.progress.attempts < EAGER_ATTEMPTS {
                    RETRY_AFTER
                } else {
                    PATIENT_RETRY_AFTER
                };
        };
        if around.status(&id) != Some(Status::Ready) {
            // The daemon does not know yet that it has ended.
            return now + RETRY_AFTER;
        }
        let (from, progress) = (visit.from, &mut visit.progress);
        progress.warm |= progress.waited.is_none() && now == from;
        progress.waited = progress.waited.or(Some(now - from));
        progress.session = Some(id.clone());
        progress.attempts = 0;
        around.connected.insert(id.clone());
        self.connected.entry(id.clone()).or_default().push(index);
        self.last_used.insert(id.clone(), now);
        self.heartbeat(around, daemon, index, id)
    }

    fn release(
        &mut self,
        around: &mut Surroundings<'_>,
        daemon: usize,
        index: usize,
        id: &SessionId,
    ) {
        let Some(shared) = around.shared(daemon) else {
            return;
        };
        let client = self.visits[index].client.clone();
        let held = HoldRef::Session(id.clone());
        let released =
            shared.grant(|keeper, at, _| Ok(((), vec![keeper.release(at, &held, &client)?])));
        if at_once(released).is_ok() {
            self.last_used.insert(id.clone(), around.queue.now());
        }
        around.wake(daemon);
    }
}
