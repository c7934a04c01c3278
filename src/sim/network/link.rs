//! One daemon's line to one region of the service: a place of its fleet, over the virtual wire.

use std::sync::Arc;

use crate::clock::Clock;
use crate::service::{
    FailureKind, Fleet, Listing, Operation, RegionService, ServiceError, SessionReading,
};
use crate::units::{Minutes, Region, SessionId, Size, Span, Timestamp};

use crate::sim::clock::SimClock;
use crate::sim::service::request::{ServiceFailure, ServiceReply, ServiceRequest, ServiceResult};

use super::wire::Wire;

/// One daemon's line to one region of the service, or to all of it.
#[derive(Clone)]
pub(in crate::sim) struct ServiceLink {
    wire: Arc<Wire>,
    daemon: usize,
    clock: Arc<SimClock>,
    region: Option<Region>,
}

impl ServiceLink {
    pub(in crate::sim) fn new(wire: Arc<Wire>, daemon: usize, clock: Arc<SimClock>) -> Self {
        Self {
            wire,
            daemon,
            clock,
            region: None,
        }
    }

    /// A fleet of lines to the regions that a policy names.
    pub(in crate::sim) fn fleet(self, regions: Vec<Region>) -> Fleet<Self> {
        let mut lines = regions.into_iter().map(|region| Self {
            region: Some(region),
            ..self.clone()
        });
        match lines.next() {
            Some(first) => Fleet::of(first, lines.collect(), None),
            None => Fleet::of(self, Vec::new(), None),
        }
    }

    async fn send(
        &self,
        request: ServiceRequest,
    ) -> Result<(Timestamp, ServiceReply), ServiceError> {
        let (operation, session) = (request.operation(), request.session().cloned());
        let at_once = {
            let mut wire = self.wire.lock();
            wire.network
                .is_instant()
                .then(|| wire.answer_at_once(self.region.as_ref(), &request))
        };
        let (sent, outcome) = match at_once {
            Some(outcome) => (self.clock.now(), outcome),
            None => self.send_over_network(request).await,
        };
        outcome.map(|reply| (sent, reply)).map_err(|failed| {
            let (kind, detail) = match failed {
                ServiceFailure::Kind(kind, detail) => (kind, detail),
                ServiceFailure::Throttled(wait) => (
                    FailureKind::Throttled {
                        until: self.clock.now() + wait,
                    },
                    "429 TooManyRequests",
                ),
            };
            ServiceError {
                operation,
                session,
                kind,
                detail: detail.into(),
                hint: None,
                source: None,
                request_id: None,
            }
        })
    }

    async fn send_over_network(&self, request: ServiceRequest) -> (Timestamp, ServiceResult) {
        let number = self
            .wire
            .lock()
            .register(self.daemon, self.region.clone(), request);
        std::future::poll_fn(|context| self.wire.lock().departs(number, context)).await;
        let sent = self.clock.now();
        self.wire.lock().send(number);
        (
            sent,
            std::future::poll_fn(|context| self.wire.lock().answered(number, context)).await,
        )
    }

    /// Lets time pass.
    pub(in crate::sim) async fn pause(&self, length: Span) {
        let number = self.wire.lock().pause(self.daemon, length);
        // Whatever is answered, the time has passed.
        let _ = std::future::poll_fn(|context| self.wire.lock().answered(number, context)).await;
    }

    async fn send_about_session(
        &self,
        request: ServiceRequest,
    ) -> Result<SessionReading, ServiceError> {
        let (operation, session) = (request.operation(), request.session().cloned());
        match self.send(request).await? {
            (sent, ServiceReply::Session(session)) => Ok(SessionReading {
                sent,
                received: self.clock.now(),
                session,
            }),
            _ => Err(mismatched_reply(operation, session)),
        }
    }
}

/// A reply to another request; the registry never gives one.
fn mismatched_reply(operation: Operation, session: Option<SessionId>) -> ServiceError {
    let detail = "the reply is to another request".into();
    ServiceError {
        operation,
        session,
        kind: FailureKind::Garbled,
        detail,
        hint: None,
        source: None,
        request_id: None,
    }
}

impl RegionService for ServiceLink {
    fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    async fn create(
        &self,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        self.send_about_session(ServiceRequest::Create {
            id: id.clone(),
            size: size.clone(),
            lease,
        })
        .await
    }

    async fn get(&self, id: &SessionId) -> Result<SessionReading, ServiceError> {
        self.send_about_session(ServiceRequest::Get(id.clone()))
            .await
    }

    async fn list(&self) -> Result<Listing, ServiceError> {
        match self.send(ServiceRequest::List).await? {
            (sent, ServiceReply::Sessions(sessions)) => {
                let (received, listed) = (self.clock.now(), self.region.iter().cloned().collect());
                Ok(Listing {
                    sent,
                    received,
                    sessions,
                    listed,
                    ..Listing::default()
                })
            }
            _ => Err(mismatched_reply(Operation::List, None)),
        }
    }

    async fn extend(&self, id: &SessionId, lease: Minutes) -> Result<SessionReading, ServiceError> {
        self.send_about_session(ServiceRequest::Extend {
            id: id.clone(),
            lease,
        })
        .await
    }

    async fn stop(&self, id: &SessionId) -> Result<(), ServiceError> {
        self.send(ServiceRequest::Stop(id.clone()))
            .await
            .map(|_| ())
    }
}
