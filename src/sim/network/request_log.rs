//! What daemons have asked the service for, whatever came of it: the promises are judged by it.

use std::collections::BTreeMap;

use crate::sim::service::request::ServiceRequest;
use crate::units::{Minutes, SessionId, Timestamp};

/// What daemons have asked for about one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRequests {
    /// When they first asked anything.
    pub first: Timestamp,
    /// The longest lease that they asked for.
    pub lease: Minutes,
    /// When they first asked to stop it.
    pub stop: Option<Timestamp>,
}

/// Every request of every daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLog {
    /// What was asked about each session, reads apart.
    pub sessions: BTreeMap<SessionId, SessionRequests>,
    /// Changes that a daemon asked for to sessions that are not its own.
    pub trespasses: Vec<String>,
    /// How many requests there were, reads included.
    pub(in crate::sim) count: u64,
    /// How the ids of the daemons' sessions begin.
    prefix: String,
}

impl RequestLog {
    /// A log of daemons whose sessions' ids begin with `prefix`.
    pub(super) fn new(prefix: String) -> Self {
        Self {
            prefix,
            ..Self::default()
        }
    }

    /// Records one request, which was sent at an instant.
    pub(super) fn record(&mut self, request: &ServiceRequest, now: Timestamp) {
        self.count += 1;
        let lease = match request {
            ServiceRequest::Create { lease, .. } | ServiceRequest::Extend { lease, .. } => *lease,
            ServiceRequest::Stop(_) => Minutes::ZERO,
            ServiceRequest::Get(_) | ServiceRequest::List | ServiceRequest::Pause => return,
        };
        let Some(id) = request.session() else { return };
        if !id.as_str().starts_with(&self.prefix) {
            let verb = request.operation().verb();
            self.trespasses
                .push(format!("a daemon asked to {verb} {id}"));
        }
        let session = self
            .sessions
            .entry(id.clone())
            .or_insert_with(|| SessionRequests {
                first: now,
                ..SessionRequests::default()
            });
        session.lease = session.lease.max(lease);
        if matches!(request, ServiceRequest::Stop(_)) {
            session.stop = session.stop.or(Some(now));
        }
    }
}
