//! The service and the network to it: the real registries of `host`, reached through requests that
//! take time and go wrong.
//!
//! A request of a daemon passes four moments: it is about to be sent (after whatever the ledger had
//! to write), it is sent, it takes effect, it is answered. The world brings each about when its
//! time has come; a daemon that is killed in between never learns of the rest. Without
//! faults and latency all four are one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fastrand::Rng;

use crate::host::HostedSession;
use crate::service::{FailureKind, Operation};
use crate::units::{Region, SessionId, Span, Timestamp};

use crate::sim::clock::TrueTime;
use crate::sim::service::request::{ServiceFailure, ServiceReply, ServiceRequest, ServiceResult};
use crate::sim::service::serve::serve;
use crate::sim::service::sites::Sites;

use super::faults::{NetworkFault, NetworkFaults, RequestOutcome};
use super::request_log::RequestLog;

/// One request on its way.
#[derive(Debug)]
struct InFlight {
    daemon: usize,
    /// Which region is asked, where there are several.
    region: Option<Region>,
    request: ServiceRequest,
    /// Whether it may be sent.
    released: bool,
    outcome: Option<RequestOutcome>,
    /// What it came to, once it has taken effect.
    effect: Option<ServiceResult>,
    /// What its sender sees, once that is there.
    reply: Option<ServiceResult>,
    waker: Option<Waker>,
}

impl InFlight {
    /// Whether it was sent and is still to take effect.
    fn under_way(&self) -> bool {
        self.effect.is_none() && self.outcome.is_some_and(|o| o.effect.is_some())
    }
}

/// What the world must make happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum WireEvent {
    /// A request is about to be sent.
    Departing(u64),
    /// A request was sent.
    Sent(u64, RequestOutcome),
    /// A session boots or ends at an instant.
    Edge(Timestamp, SessionId),
}

/// The service, the network, and the requests on it.
#[derive(Debug)]
pub struct Wire(Mutex<WireState>);

/// The state of the wire: the service at one end, and the requests under way.
#[derive(Debug)]
pub struct WireState {
    /// The service's own registries and servers, by region.
    pub sites: Sites,
    /// How network and service behave.
    pub network: NetworkFaults,
    /// What daemons asked for.
    pub log: RequestLog,
    /// How often each fault met a request.
    pub met: BTreeMap<NetworkFault, u64>,
    /// Sessions that a daemon made in more than one region.
    pub scattered: Vec<SessionId>,
    /// Counts whatever changed a session, by request or by itself.
    pub(in crate::sim) revision: u64,
    /// Whether anybody follows the sessions.
    pub(in crate::sim) followed: bool,
    /// Sessions that were created or changed by a request, for whoever follows them.
    pub(in crate::sim) touched: Vec<SessionId>,
    pub(in crate::sim) events: Vec<WireEvent>,
    time: TrueTime,
    pub(super) rng: Rng,
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
        Self(Mutex::new(WireState {
            sites,
            network: NetworkFaults::none(latency),
            log: RequestLog::new(prefix),
            met: BTreeMap::new(),
            scattered: Vec::new(),
            revision: 0,
            followed: false,
            touched: Vec::new(),
            events: Vec::new(),
            time,
            rng,
            calls: BTreeMap::new(),
            next: 0,
        }))
    }

    /// Its state.
    pub fn lock(&self) -> MutexGuard<'_, WireState> {
        // Worlds are not shared between threads while they run; a poisoned lock is that of a test
        // that has failed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WireState {
    /// Begins a pause of a daemon.
    pub(in crate::sim) fn pause(&mut self, daemon: usize, length: Span) -> u64 {
        let number = self.register(daemon, None, ServiceRequest::Pause);
        let outcome = RequestOutcome {
            effect: None,
            reply: length,
            fault: None,
        };
        if let Some(call) = self.calls.get_mut(&number) {
            call.outcome = Some(outcome);
        }
        self.events.pop();
        self.events.push(WireEvent::Sent(number, outcome));
        number
    }

    /// Whose request it is, if its sender still waits.
    pub(in crate::sim) fn sender(&self, number: u64) -> Option<usize> {
        self.calls.get(&number).map(|call| call.daemon)
    }

    pub(in crate::sim) fn register(
        &mut self,
        daemon: usize,
        region: Option<Region>,
        request: ServiceRequest,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let call = InFlight {
            daemon,
            region,
            request,
            released: false,
            outcome: None,
            effect: None,
            reply: None,
            waker: None,
        };
        self.calls.insert(number, call);
        self.events.push(WireEvent::Departing(number));
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
        let operation = call.request.operation();
        let outcome = self.network.draw_outcome(
            operation,
            call.region.as_ref(),
            self.time.now(),
            &mut self.rng,
        );
        call.outcome = Some(outcome);
        let request = call.request.clone();
        if let Some(fault) = outcome.fault {
            *self.met.entry(fault).or_default() += 1;
        }
        self.log.record(&request, self.time.now());
        self.events.push(WireEvent::Sent(number, outcome));
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
                // ServiceReply up by its sender, and still to take effect.
                call.reply = Some(Ok(ServiceReply::Nothing));
            } else {
                self.calls.remove(&number);
            }
            return Poll::Ready(reply);
        }
        call.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Lets a request leave. Returns which daemon sent it, if it still waits.
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
        let (region, request, fault) = (
            call.region.clone(),
            call.request.clone(),
            call.outcome.and_then(|o| o.fault),
        );
        let granted = match fault {
            Some(NetworkFault::ShortGrant) => self.grant_less(request),
            _ => request,
        };
        let mut result = self.carry_out(region.as_ref(), &granted);
        if let Ok(ServiceReply::Sessions(sessions)) = &mut result {
            self.distort_list(region.as_ref(), sessions, fault);
        }
        if fault == Some(NetworkFault::WrongNumbers) {
            self.distort_numbers(&mut result);
        }
        if let Some(call) = self.calls.get_mut(&number) {
            call.effect = Some(result);
            if call.reply.is_some() {
                // Its sender has long given up.
                self.calls.remove(&number);
            }
        }
    }

    /// A request is answered, or given up by its sender. Returns which daemon sent it.
    pub(in crate::sim) fn reply(&mut self, number: u64) -> Option<usize> {
        let throttled = Span::seconds(self.rng.i64(1..120));
        let call = self.calls.get_mut(&number)?;
        let unavailable = |what| Err(ServiceFailure::Kind(FailureKind::Unavailable, what));
        let reply = match call.outcome?.fault {
            None
            | Some(
                NetworkFault::StaleList
                | NetworkFault::ShortList
                | NetworkFault::WrongNumbers
                | NetworkFault::ShortGrant
                | NetworkFault::SlowAnswer,
            ) => call
                .effect
                .clone()
                .unwrap_or_else(|| unavailable("no answer")),
            Some(NetworkFault::Throttled) => Err(ServiceFailure::Throttled(throttled)),
            Some(NetworkFault::InternalError) => unavailable("500 InternalServerError"),
            Some(NetworkFault::Unavailable | NetworkFault::NoExtensions) => unavailable("503"),
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
            call.reply = Some(Ok(ServiceReply::Nothing));
            call.waker = None;
        }
    }

    /// Sends, carries out and answers a request in one, as a network without faults and latency
    /// does.
    pub(super) fn answer_at_once(
        &mut self,
        region: Option<&Region>,
        request: &ServiceRequest,
    ) -> ServiceResult {
        self.log.record(request, self.time.now());
        self.carry_out(region, request)
    }

    fn carry_out(&mut self, region: Option<&Region>, request: &ServiceRequest) -> ServiceResult {
        let now = self.time.now();
        let Some(site) = self.sites.at(region) else {
            return Err(ServiceFailure::Kind(
                FailureKind::NotFound,
                "there is no such region",
            ));
        };
        let reply = serve(site, region, request, now);
        if let (ServiceRequest::Create { id, .. }, true) = (request, region.is_some())
            && self.sites.copies(id) > 1
        {
            self.scattered.push(id.clone());
        }
        if let (Ok(_), Some(id)) = (&reply, request.session())
            && request.operation() != Operation::Get
        {
            self.expect_edges(id);
        }
        reply
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
        let Ok(hosted) = self.sites.get(id) else {
            return;
        };
        let (now, end) = (self.time.now(), hosted.end().0);
        let edges = hosted.boots().into_iter().chain(std::iter::once(end));
        self.events.extend(
            edges
                .filter(|at| *at >= now)
                .map(|at| WireEvent::Edge(at, id.clone())),
        );
    }
}
