//! How the network and the service behave just now, and what that does to one request.
//!
//! Whatever becomes of a request is a [`RequestOutcome`], drawn once, when it is sent. Without
//! faults and latency a request is answered at once.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::service::Operation;
use crate::units::{Region, Span, Timestamp};

/// One way in which a request can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkFault {
    /// 429, with an instant from which on requests may be sent again.
    Throttled,
    /// 500, without any effect.
    InternalError,
    /// 503, without any effect.
    Unavailable,
    /// The request is lost, and nothing comes back until the time-out.
    TimeOut,
    /// The connection breaks before the request arrives.
    ResetBefore,
    /// The connection breaks after the request took effect.
    ResetAfter,
    /// The answer is on its way for many seconds.
    SlowAnswer,
    /// Nothing comes back until the time-out, and the request takes effect minutes later.
    LateEffect,
    /// What comes back is not what the protocol says; the request took effect.
    Garbage,
    /// A list that was worked out a while ago.
    StaleList,
    /// A list that lacks one session.
    ShortList,
    /// Minutes and leases that cannot be; the request took effect.
    WrongNumbers,
    /// A longer lease is granted, and less of it than was asked for.
    ShortGrant,
    /// Extensions alone are not answered, and have no effect.
    NoExtensions,
}

impl NetworkFault {
    /// Every fault there is.
    pub const ALL: [Self; 14] = [
        Self::Throttled,
        Self::InternalError,
        Self::Unavailable,
        Self::TimeOut,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::SlowAnswer,
        Self::LateEffect,
        Self::Garbage,
        Self::StaleList,
        Self::ShortList,
        Self::WrongNumbers,
        Self::ShortGrant,
        Self::NoExtensions,
    ];

    fn concerns(self, operation: Operation) -> bool {
        match self {
            Self::StaleList | Self::ShortList => operation == Operation::List,
            Self::ShortGrant | Self::NoExtensions => operation == Operation::Extend,
            Self::WrongNumbers => operation != Operation::Stop,
            // A read that takes effect late is a read that timed out.
            Self::LateEffect => !matches!(operation, Operation::List | Operation::Get),
            _ => true,
        }
    }
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestOutcome {
    /// When it takes effect, counted from its sending; `None` for never.
    pub effect: Option<Span>,
    /// When its answer or its failure is there, counted from its sending.
    pub reply: Span,
    /// What went wrong, if anything.
    pub fault: Option<NetworkFault>,
}

/// The longest that a client waits for an answer, with all its retries.
const TIME_OUT: Span = Span::seconds(20);
/// How late an effect can be that nobody waits for any more.
const LATEST_EFFECT_S: i64 = 600;

/// How the network and the service behave just now.
#[derive(Clone, Debug, Default)]
pub struct NetworkFaults {
    /// The longest that one way through the network takes; zero for at once.
    pub latency: Span,
    /// Faults in force: until when, and how many of a hundred requests they meet.
    faults: BTreeMap<NetworkFault, (Timestamp, u8)>,
    /// Until when nothing gets through to the service.
    down: Option<Timestamp>,
    /// Until when nothing gets through to single regions.
    down_in: BTreeMap<Region, Timestamp>,
}

impl NetworkFaults {
    /// A network without faults, in which one way takes up to `latency`.
    pub fn none(latency: Span) -> Self {
        Self {
            latency,
            ..Self::default()
        }
    }

    /// A fault begins, and lasts until an instant.
    pub fn inject(&mut self, fault: NetworkFault, until: Timestamp, percent: u8) {
        self.faults.insert(fault, (until, percent));
    }

    /// Nothing gets through until an instant.
    pub fn cut(&mut self, until: Timestamp) {
        self.down = self.down.max(Some(until));
    }

    /// Nothing gets through to a region until an instant.
    pub fn cut_region(&mut self, region: Region, until: Timestamp) {
        self.down_in.insert(region, until);
    }

    /// Whether every request is answered at once, as it should be.
    pub fn is_instant(&self) -> bool {
        self.latency == Span::ZERO
            && self.faults.is_empty()
            && self.down.is_none()
            && self.down_in.is_empty()
    }

    /// Draws what becomes of a request that is sent now, to a region where there are several.
    pub(in crate::sim) fn draw_outcome(
        &mut self,
        operation: Operation,
        region: Option<&Region>,
        now: Timestamp,
        rng: &mut Rng,
    ) -> RequestOutcome {
        self.faults.retain(|_, (until, _)| *until > now);
        self.down = self.down.filter(|until| *until > now);
        self.down_in.retain(|_, until| *until > now);
        let mut way = || Span::millis(rng.i64(0..=self.latency.as_millis()));
        let (there, back) = (way(), way());
        if self.down.is_some() || region.is_some_and(|r| self.down_in.contains_key(r)) {
            return RequestOutcome {
                effect: None,
                reply: TIME_OUT,
                fault: Some(NetworkFault::TimeOut),
            };
        }
        let met = self
            .faults
            .iter()
            .filter(|(t, _)| t.concerns(operation))
            .find(|(_, (_, odds))| rng.u8(0..100) < *odds);
        let fault = met.map(|(fault, _)| *fault);
        let (effect, reply) = match fault {
            None
            | Some(
                NetworkFault::StaleList
                | NetworkFault::ShortList
                | NetworkFault::ResetAfter
                | NetworkFault::Garbage
                | NetworkFault::WrongNumbers
                | NetworkFault::ShortGrant,
            ) => (Some(there), there + back),
            Some(
                NetworkFault::Throttled
                | NetworkFault::InternalError
                | NetworkFault::Unavailable
                | NetworkFault::NoExtensions
                | NetworkFault::ResetBefore,
            ) => (None, there + back),
            Some(NetworkFault::TimeOut) => (None, TIME_OUT),
            Some(NetworkFault::SlowAnswer) => {
                let slow = Span::seconds(rng.i64(1..20));
                if rng.bool() {
                    (Some(there), there + slow)
                } else {
                    (Some(there + slow), there + slow + back)
                }
            }
            Some(NetworkFault::LateEffect) => (
                Some(TIME_OUT + Span::seconds(rng.i64(0..LATEST_EFFECT_S))),
                TIME_OUT,
            ),
        };
        RequestOutcome {
            effect,
            reply,
            fault,
        }
    }
}
