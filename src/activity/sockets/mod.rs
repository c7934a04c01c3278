//! Watched sockets: connections from this machine, or from this container's network, to a server:
//! established TCP connections, and UDP flows of connected sockets.
//!
//! Of TCP connections the kernel says how much they have moved, where it may be asked; of UDP
//! sockets nobody does, so each counts as use. Where only busy connections count, a server whose
//! connections are not counted cannot be judged.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::keeper::{Evidence, Transport};
use crate::report::detail;
use crate::units::{ByteCount, SessionId, Timestamp};

use super::blocking::BlockingCalls;
use super::source::{LookError, Seen, Source, Watched};
use flow::Flow;
use traffic::Traffic;

mod flow;
mod netlink;
mod proc;
mod traffic;

/// The connections of this machine.
#[derive(Default)]
pub(super) struct SocketSource {
    /// How much must move in a minute for a TCP connection to count; `None` where each counts.
    least: Option<ByteCount>,
    calls: BlockingCalls,
    /// What there was when the round began.
    round: Mutex<Arc<Round>>,
    traffic: Mutex<BTreeMap<SessionId, Traffic>>,
}

/// The connections at one instant.
#[derive(Debug, Default)]
struct Round {
    now: Timestamp,
    flows: Vec<Flow>,
    /// Why no bytes are counted, where the kernel could not be asked.
    uncounted: Option<String>,
}

#[async_trait::async_trait]
impl Source for SocketSource {
    async fn prepare(&self, sessions: &[Watched], now: Timestamp) -> Result<(), LookError> {
        lock(&self.traffic).retain(|id, _| sessions.iter().any(|session| session.id == *id));
        let found = self.calls.make(move || connections(now));
        *lock(&self.round) = Arc::new(found.await?);
        Ok(())
    }

    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        let round = lock(&self.round).clone();
        let has_port = |flow: &&Flow| session.ports.contains(&flow.far.port());
        let mut flows: Vec<Flow> = round.flows.iter().filter(has_port).copied().collect();
        // Asking for a name costs time: not where no connection has the port.
        let hostname = session.hostname.clone().filter(|_| !flows.is_empty());
        if let Some(hostname) = hostname {
            let addresses = self.calls.make(move || {
                let found = (hostname.as_str(), 0).to_socket_addrs();
                found
                    .map(Iterator::collect::<Vec<_>>)
                    .map_err(|source| LookError::Io {
                        doing: format!("cannot find the address of {hostname}"),
                        source,
                    })
            });
            let addresses = addresses.await?;
            let is_server =
                |end: SocketAddr| addresses.iter().any(|a| a.ip().to_canonical() == end.ip());
            flows.retain(|flow| is_server(flow.far));
        } else {
            flows.clear();
        }
        let mut traffic = lock(&self.traffic);
        let traffic = traffic.entry(session.id.clone()).or_default();
        self.judge(&round, &flows, traffic)
    }
}

impl SocketSource {
    /// A source for which only connections count that move so much in a minute.
    pub(super) fn busy(least: ByteCount) -> Self {
        Self {
            least: Some(least),
            ..Self::default()
        }
    }

    /// What connections to a server say.
    fn judge(
        &self,
        round: &Round,
        flows: &[Flow],
        traffic: &mut Traffic,
    ) -> Result<Seen, LookError> {
        let named = traffic.busiest(flows).copied();
        let lately = traffic.look(round.now, flows);
        let Some(named) = named else {
            return Ok(Seen::Unused(None));
        };
        let saw = |named: &Flow| {
            let moved = Some(lately.moved).filter(|moved| moved.seconds > 0);
            Some(Evidence::Connected {
                transport: named.transport,
                from: named.near,
                others: u32::try_from(flows.len() - 1).unwrap_or(u32::MAX),
                moved: moved.filter(|_| flows.iter().any(|flow| flow.counter.is_some())),
            })
        };
        let Some(least) = self.least else {
            return Ok(Seen::Used(saw(&named)));
        };
        if let Some(udp) = flows.iter().find(|flow| flow.transport == Transport::Udp) {
            return Ok(Seen::Used(saw(udp)));
        }
        if flows.iter().any(|flow| flow.counter.is_none()) {
            let why = round
                .uncounted
                .as_deref()
                .unwrap_or("the kernel told of none");
            return Err(LookError::NoAnswer(format!(
                "the bytes of its connections are not counted: {why}"
            )));
        }
        Ok(match (lately.reaches(least), lately.is_all) {
            (true, _) => Seen::Used(saw(&named)),
            (false, true) => Seen::Unused(saw(&named)),
            (false, false) => Seen::NotYet,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic ends the process (`panic = "abort"`).
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the kernel says, or else `/proc`.
fn connections(now: Timestamp) -> Result<Round, LookError> {
    let (flows, uncounted) = match netlink::flows() {
        Ok(flows) => (flows, None),
        Err(error) => {
            let flows = proc::flows().map_err(|source| LookError::Io {
                doing: "cannot read the kernel's table of connections".into(),
                source,
            })?;
            (flows, Some(detail(&error)))
        }
    };
    Ok(Round {
        now,
        flows,
        uncounted,
    })
}

#[cfg(test)]
mod tests;
