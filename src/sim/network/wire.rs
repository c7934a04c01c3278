//! The service and the network to it: the real books of `host`, reached through requests that take
//! time and go wrong.
//!
//! A request of a daemon passes four moments: it is about to be sent (after whatever the ledger had
//! to write), it is sent, it takes effect, it is answered. The world brings each about when its
//! time has come; a daemon that is killed in between never hears of the rest. In calm weather
//! without latency all four are one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fastrand::Rng;

use crate::host::{HostedSession, RegistryError};
use crate::keeper::{Session, Status};
use crate::service::{FailureKind, Operation};
use crate::units::{Minutes, Region, SessionId, Size, Span, Timestamp};

use crate::sim::clock::TrueTime;
use crate::sim::service::sites::Sites;

use super::faults::{NetworkFault, NetworkFaults, RequestOutcome};

/// What is asked of the service.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Ask {
    Create {
        id: SessionId,
        size: Size,
        lease: Minutes,
    },
    Get(SessionId),
    List,
    Extend {
        id: SessionId,
        lease: Minutes,
    },
    Stop(SessionId),
    /// Nothing: time is to pass.
    Pause,
}

impl Ask {
    pub(in crate::sim) const fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::Get(_) => Operation::Get,
            Self::List | Self::Pause => Operation::List,
            Self::Extend { .. } => Operation::Extend,
            Self::Stop(_) => Operation::Stop,
        }
    }

    pub(in crate::sim) const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Create { id, .. } | Self::Get(id) | Self::Extend { id, .. } | Self::Stop(id) => {
                Some(id)
            }
            Self::List | Self::Pause => None,
        }
    }
}

/// What the service gave.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Given {
    Session(Session),
    Sessions(Vec<Session>),
    Nothing,
}

/// How a request failed, as its sender sees it.
#[derive(Clone, Debug)]
pub(in crate::sim) enum ServiceFailure {
    Kind(FailureKind, &'static str),
    Throttled(Span),
}

pub(in crate::sim) type ServiceResult = Result<Given, ServiceFailure>;

/// One request on its way.
#[derive(Debug)]
struct InFlight {
    daemon: usize,
    /// Which region is asked, where there are several.
    region: Option<Region>,
    ask: Ask,
    /// Whether it may be sent.
    released: bool,
    fate: Option<RequestOutcome>,
    /// What it came to, once it has taken effect.
    effect: Option<ServiceResult>,
    /// What its sender sees, once that is there.
    reply: Option<ServiceResult>,
    waker: Option<Waker>,
}

impl InFlight {
    /// Whether it was sent and is still to take effect.
    fn under_way(&self) -> bool {
        self.effect.is_none() && self.fate.is_some_and(|f| f.effect.is_some())
    }
}

/// What the world must bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum News {
    /// A request is about to be sent.
    Departing(u64),
    /// A request was sent.
    Sent(u64, RequestOutcome),
    /// A session boots or ends at an instant.
    Edge(Timestamp, SessionId),
}

/// What daemons have asked for about one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLog {
    /// When they first asked anything.
    pub first: Timestamp,
    /// The longest lease that they asked for.
    pub lease: Minutes,
    /// When they first asked to stop it.
    pub stop: Option<Timestamp>,
}

/// The service, the network, and the requests on it.
#[derive(Debug)]
pub struct Wire(Mutex<Inner>);

/// What is behind the wire.
#[derive(Debug)]
pub struct Inner {
    /// The service's own books and servers, by region.
    pub sites: Sites,
    /// How network and service behave.
    pub network: NetworkFaults,
    /// What daemons asked for, by session.
    pub asked: BTreeMap<SessionId, RequestLog>,
    /// How often each trouble met a request.
    pub met: BTreeMap<NetworkFault, u64>,
    /// Changes that a daemon made to sessions that are not its own.
    pub trespasses: Vec<String>,
    /// Sessions that a daemon made in more than one region.
    pub scattered: Vec<SessionId>,
    /// Counts whatever changed a session, by request or by itself.
    pub(in crate::sim) revision: u64,
    /// Whether anybody follows the sessions.
    pub(in crate::sim) followed: bool,
    /// Sessions that were created or changed by a request, for whoever follows them.
    pub(in crate::sim) touched: Vec<SessionId>,
    pub(in crate::sim) news: Vec<News>,
    pub(in crate::sim) requests: u64,
    time: TrueTime,
    rng: Rng,
    prefix: String,
    calls: BTreeMap<u64, InFlight>,
    next: u64,
}

impl Wire {
    /// A service without any session. Ids of its daemons' sessions begin with `prefix`.
    pub fn new(
        time: TrueTime,
        mut rng: Rng,
        prefix: String,
        boots: (Span, Span),
        latency: Span,
        regions: Vec<Region>,
    ) -> Self {
        let sites = Sites::new(&time, rng.fork(), boots, regions);
        Self(Mutex::new(Inner {
            sites,
            network: NetworkFaults::calm(latency),
            asked: BTreeMap::new(),
            met: BTreeMap::new(),
            trespasses: Vec::new(),
            scattered: Vec::new(),
            revision: 0,
            followed: false,
            touched: Vec::new(),
            news: Vec::new(),
            requests: 0,
            time,
            rng,
            prefix,
            calls: BTreeMap::new(),
            next: 0,
        }))
    }

    /// What is behind the wire.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // Worlds are not shared between threads while they run; a poisoned lock is that of a test
        // that has failed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Begins a pause of a daemon.
    pub(in crate::sim) fn pause(&mut self, daemon: usize, length: Span) -> u64 {
        let number = self.register(daemon, None, Ask::Pause);
        let fate = RequestOutcome {
            effect: None,
            reply: length,
            trouble: None,
        };
        if let Some(call) = self.calls.get_mut(&number) {
            call.fate = Some(fate);
        }
        self.news.pop();
        self.news.push(News::Sent(number, fate));
        number
    }

    /// Whose request it is, if its sender still waits.
    pub(in crate::sim) fn whose(&self, number: u64) -> Option<usize> {
        self.calls.get(&number).map(|call| call.daemon)
    }

    pub(in crate::sim) fn register(
        &mut self,
        daemon: usize,
        region: Option<Region>,
        ask: Ask,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let call = InFlight {
            daemon,
            region,
            ask,
            released: false,
            fate: None,
            effect: None,
            reply: None,
            waker: None,
        };
        self.calls.insert(number, call);
        self.news.push(News::Departing(number));
        number
    }

    pub(in crate::sim) fn departs(&mut self, number: u64, context: &Context<'_>) -> Poll<()> {
        match self.calls.get_mut(&number) {
            Some(call) if !call.released => {
                call.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    pub(in crate::sim) fn send(&mut self, number: u64) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let operation = call.ask.operation();
        let fate = self.network.fate(
            operation,
            call.region.as_ref(),
            self.time.now(),
            &mut self.rng,
        );
        call.fate = Some(fate);
        let ask = call.ask.clone();
        if let Some(trouble) = fate.trouble {
            *self.met.entry(trouble).or_default() += 1;
        }
        self.note(&ask);
        self.news.push(News::Sent(number, fate));
    }

    pub(in crate::sim) fn answered(
        &mut self,
        number: u64,
        context: &Context<'_>,
    ) -> Poll<ServiceResult> {
        let Some(call) = self.calls.get_mut(&number) else {
            return Poll::Ready(Err(ServiceFailure::Kind(
                FailureKind::Unavailable,
                "the request is gone",
            )));
        };
        if let Some(reply) = call.reply.take() {
            if call.under_way() {
                // Given up by its sender, and still to take effect.
                call.reply = Some(Ok(Given::Nothing));
            } else {
                self.calls.remove(&number);
            }
            return Poll::Ready(reply);
        }
        call.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Keeps book of what daemons ask for.
    pub(in crate::sim) fn note(&mut self, ask: &Ask) {
        self.requests += 1;
        let lease = match ask {
            Ask::Create { lease, .. } | Ask::Extend { lease, .. } => *lease,
            Ask::Stop(_) => Minutes::ZERO,
            Ask::Get(_) | Ask::List | Ask::Pause => return,
        };
        let Some(id) = ask.session() else { return };
        if !id.as_str().starts_with(&self.prefix) {
            self.trespasses
                .push(format!("a daemon asked to {} {id}", ask.operation().verb()));
        }
        let now = self.time.now();
        let asked = self.asked.entry(id.clone()).or_insert_with(|| RequestLog {
            first: now,
            ..RequestLog::default()
        });
        asked.lease = asked.lease.max(lease);
        if matches!(ask, Ask::Stop(_)) {
            asked.stop = asked.stop.or(Some(now));
        }
    }

    /// Lets a request leave. Returns whose it is, if its sender still waits.
    pub(in crate::sim) fn release(&mut self, number: u64) -> Option<usize> {
        let call = self.calls.get_mut(&number)?;
        call.released = true;
        if let Some(waker) = call.waker.take() {
            waker.wake();
        }
        Some(call.daemon)
    }

    /// A request arrives at the service.
    pub(in crate::sim) fn arrive(&mut self, number: u64) {
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        let (region, ask, trouble) = (
            call.region.clone(),
            call.ask.clone(),
            call.fate.and_then(|f| f.trouble),
        );
        let mut outcome = self.carry_out(region.as_ref(), &ask);
        if let Ok(Given::Sessions(sessions)) = &mut outcome {
            self.bend(region.as_ref(), sessions, trouble);
        }
        if let Some(call) = self.calls.get_mut(&number) {
            call.effect = Some(outcome);
            if call.reply.is_some() {
                // Its sender has long given up.
                self.calls.remove(&number);
            }
        }
    }

    /// Makes a list as old or as short as the trouble says.
    fn bend(
        &mut self,
        region: Option<&Region>,
        sessions: &mut Vec<Session>,
        trouble: Option<NetworkFault>,
    ) {
        let Some(site) = self.sites.at(region) else {
            return;
        };
        let fresh = sessions.clone();
        match trouble {
            Some(NetworkFault::StaleList) => {
                if let Some(old) = site.old_list(&mut self.rng) {
                    sessions.clone_from(old);
                }
            }
            Some(NetworkFault::ShortList) if !sessions.is_empty() => {
                sessions.remove(self.rng.usize(0..sessions.len()));
            }
            _ => {}
        }
        site.remember(fresh);
    }

    /// A request is answered, or given up by its sender. Returns whose it is.
    pub(in crate::sim) fn reply(&mut self, number: u64) -> Option<usize> {
        let throttled = Span::seconds(self.rng.i64(1..120));
        let call = self.calls.get_mut(&number)?;
        let unavailable = |what| Err(ServiceFailure::Kind(FailureKind::Unavailable, what));
        let reply = match call.fate?.trouble {
            None
            | Some(NetworkFault::StaleList | NetworkFault::ShortList | NetworkFault::SlowAnswer) => {
                call.effect
                    .clone()
                    .unwrap_or_else(|| unavailable("no answer"))
            }
            Some(NetworkFault::Throttled) => Err(ServiceFailure::Throttled(throttled)),
            Some(NetworkFault::InternalError) => unavailable("500 InternalServerError"),
            Some(NetworkFault::Unavailable) => unavailable("503"),
            Some(NetworkFault::TimeOut | NetworkFault::LateEffect) => {
                unavailable("no answer within 20s")
            }
            Some(NetworkFault::ResetBefore | NetworkFault::ResetAfter) => {
                unavailable("connection reset")
            }
            Some(NetworkFault::Garbage) => Err(ServiceFailure::Kind(
                FailureKind::Garbled,
                "not what the protocol says",
            )),
        };
        let daemon = call.daemon;
        if let Some(waker) = call.waker.take() {
            waker.wake();
        }
        call.reply = Some(reply);
        Some(daemon)
    }

    /// A daemon is no more. What it sent goes on; what it had not sent never was.
    pub(in crate::sim) fn orphan(&mut self, daemon: usize) {
        self.calls
            .retain(|_, call| call.daemon != daemon || call.under_way());
        for call in self.calls.values_mut().filter(|c| c.daemon == daemon) {
            // Nobody listens: as soon as it has taken effect it is forgotten.
            call.reply = Some(Ok(Given::Nothing));
            call.waker = None;
        }
    }

    /// Does at once what is asked of a region.
    pub(in crate::sim) fn carry_out(
        &mut self,
        region: Option<&Region>,
        ask: &Ask,
    ) -> ServiceResult {
        let now = self.time.now();
        let Some(site) = self.sites.at(region) else {
            return Err(ServiceFailure::Kind(
                FailureKind::NotFound,
                "there is no such region",
            ));
        };
        let (book, servers) = (&mut site.book, &mut site.servers);
        let seen = |rented| seen(rented, region, now);
        let done = match ask {
            Ask::Create { id, size, lease } => book
                .create(servers, id, size, *lease, now)
                .map(|(_, r)| Given::Session(seen(r))),
            Ask::Get(id) => book.get(id).map(|r| Given::Session(seen(r))),
            Ask::List => {
                let mut sessions = Vec::with_capacity(book.live_len());
                sessions.extend(book.live(now, None).map(seen));
                Ok(Given::Sessions(sessions))
            }
            Ask::Extend { id, lease } => book
                .extend(servers, id, *lease, now)
                .map(|r| Given::Session(seen(r))),
            Ask::Stop(id) => book.stop(servers, id, now).map(|()| Given::Nothing),
            Ask::Pause => return Ok(Given::Nothing),
        };
        if let (Ask::Create { id, .. }, true) = (ask, region.is_some())
            && self.sites.copies(id) > 1
        {
            self.scattered.push(id.clone());
        }
        if let (Ok(_), Some(id)) = (&done, ask.session())
            && ask.operation() != Operation::Get
        {
            self.expect_edges(id);
        }
        done.map_err(|refused| match refused {
            RegistryError::NotFound => ServiceFailure::Kind(FailureKind::NotFound, "404 NotFound"),
            RegistryError::Conflict => ServiceFailure::Kind(FailureKind::Conflict, "409 Conflict"),
            RegistryError::NotLarger | RegistryError::AboveMaximum | RegistryError::Ended => {
                ServiceFailure::Kind(FailureKind::Refused, "422 UnprocessableEntity")
            }
        })
    }

    /// When the next session boots or ends, if nothing is asked for any more.
    pub(in crate::sim) fn next_edge(&self) -> Option<Timestamp> {
        let now = self.time.now();
        let edges = |r: &HostedSession| [r.boots(), Some(r.end().0)];
        self.sites
            .live(now)
            .flat_map(edges)
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    /// Tells the world when a session boots and ends, as far as that is still to come.
    pub(in crate::sim) fn expect_edges(&mut self, id: &SessionId) {
        self.revision += 1;
        if self.followed {
            self.touched.push(id.clone());
        }
        let Ok(rented) = self.sites.get(id) else {
            return;
        };
        let (now, end) = (self.time.now(), rented.end().0);
        let edges = rented.boots().into_iter().chain(std::iter::once(end));
        self.news.extend(
            edges
                .filter(|at| *at >= now)
                .map(|at| News::Edge(at, id.clone())),
        );
    }
}

/// A session as an answer describes it.
fn seen(rented: &HostedSession, region: Option<&Region>, now: Timestamp) -> Session {
    let status = rented.status(now);
    let place = rented.place().filter(|_| status == Status::Ready);
    Session {
        id: rented.id.clone(),
        size: rented.size.clone(),
        max_lease: rented.lease,
        elapsed: rented.elapsed(now),
        created: Some(rented.created),
        hostname: place.map(|p| p.hostname.clone()),
        handshake_port: place.map(|p| p.handshake_port),
        inspector_port: place.map(|p| p.inspector_port),
        teraflops: None,
        error: (status == Status::Error)
            .then(|| format!("no {} servers are available", rented.size)),
        status,
        region: region.cloned(),
    }
}
