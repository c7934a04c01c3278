//! Watched sockets: connections from this machine, or from this container's network, to a server:
//! established TCP connections, and UDP flows of connected sockets.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use procfs::net::{TcpState, UdpState};
use procfs::process::Process;
use procfs::{ProcError, ProcResult};

use crate::keeper::{Evidence, Transport};

use super::blocking::BlockingCalls;
use super::source::{LookError, Seen, Source, Watched};

/// A connection of this machine, with IPv4 addresses as such.
#[derive(Clone, Copy, Debug)]
struct Flow {
    transport: Transport,
    near: SocketAddr,
    far: SocketAddr,
}

type Flows = Arc<Vec<Flow>>;

/// The connections of this machine.
#[derive(Default)]
pub(super) struct SocketSource {
    calls: BlockingCalls,
    /// Those that there were when the round began.
    flows: Mutex<Flows>,
}

#[async_trait::async_trait]
impl Source for SocketSource {
    async fn prepare(&self) -> Result<(), LookError> {
        let found = self.calls.make(|| {
            flows().map_err(|error| LookError::Io {
                doing: "cannot read the kernel's table of connections".into(),
                source: std::io::Error::other(error),
            })
        });
        let found = Arc::new(found.await?);
        *self.lock() = found;
        Ok(())
    }

    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        let flows = self.lock().clone();
        let has_port = |flow: &&Flow| session.ports.contains(&flow.far.port());
        let mut flows: Vec<Flow> = flows.iter().filter(has_port).copied().collect();
        // Asking for a name costs time: not where no connection has the port.
        let Some(hostname) = session.hostname.clone().filter(|_| !flows.is_empty()) else {
            return Ok(Seen::Unused(None));
        };
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
        Ok(seen(&flows))
    }
}

/// What connections to a server say.
fn seen(flows: &[Flow]) -> Seen {
    let Some((named, others)) = flows.split_first() else {
        return Seen::Unused(None);
    };
    Seen::Used(Some(Evidence::Connected {
        transport: named.transport,
        from: named.near,
        others: u32::try_from(others.len()).unwrap_or(u32::MAX),
    }))
}

impl SocketSource {
    fn lock(&self) -> std::sync::MutexGuard<'_, Flows> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections of this process's own network: the only tables that a hardened
/// unit shows (proc(5)).
fn flows() -> ProcResult<Vec<Flow>> {
    let process = Process::myself()?;
    let tcp = table(process.tcp())?
        .into_iter()
        .chain(table(process.tcp6())?)
        .filter(|entry| entry.state == TcpState::Established)
        .map(|entry| flow(Transport::Tcp, entry.local_address, entry.remote_address));
    let udp = table(process.udp())?
        .into_iter()
        .chain(table(process.udp6())?)
        .filter(|entry| entry.state == UdpState::Established)
        .map(|entry| flow(Transport::Udp, entry.local_address, entry.remote_address));
    Ok(tcp.chain(udp).collect())
}

fn flow(transport: Transport, near: SocketAddr, far: SocketAddr) -> Flow {
    let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    Flow {
        transport,
        near: canonical(near),
        far: canonical(far),
    }
}

/// A table, which is empty where the kernel does not speak the protocol.
fn table<T>(read: ProcResult<Vec<T>>) -> ProcResult<Vec<T>> {
    match read {
        Err(ProcError::NotFound(_)) => Ok(Vec::new()),
        Err(ProcError::Io(error, _)) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, watched};
    use super::*;
    use crate::policy::ActivitySource;

    async fn is_used(port: u16) -> bool {
        let seen = look(&ActivitySource::Sockets, &watched(port)).await;
        matches!(seen.expect("an answer"), Seen::Used(_))
    }

    #[tokio::test]
    async fn a_connection_from_this_machine_to_the_server_is_use_and_its_end_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        assert!(!is_used(port).await);
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let server = listener.accept().expect("accepted");
        let seen = look(&ActivitySource::Sockets, &watched(port)).await;
        let connected = Evidence::Connected {
            transport: Transport::Tcp,
            from: client.local_addr().expect("connected"),
            others: 0,
        };
        assert_eq!(seen.expect("an answer"), Seen::Used(Some(connected)));
        drop((client, server));
        assert!(!is_used(port).await);
    }

    #[tokio::test]
    async fn a_flow_of_datagrams_to_the_server_is_use() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = server.local_addr().expect("bound").port();
        assert!(!is_used(port).await);
        let client = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        client.connect(("127.0.0.1", port)).expect("connected");
        assert!(is_used(port).await);
    }

    #[tokio::test]
    async fn a_server_whose_name_cannot_be_resolved_says_nothing() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let _client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let mut session = watched(port);
        session.hostname = Some("no such name".into());
        let seen = look(&ActivitySource::Sockets, &session).await;
        assert!(seen.is_err(), "{seen:?}");
    }
}
