//! The listener, its connections, and starting and ending it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::clock::Clock;
use crate::host::auth::account::HostAccount;
use crate::host::auth::entra::EntraVerifier;
use crate::host::auth::key::random;
use crate::host::auth::signer::Signer;
use crate::host::engine::{Faulty, Simulated};
use crate::host::error::HostError;
use crate::host::faults::{Faults, Rule};
use crate::host::sessions::registries::Registries;
use crate::host::store::StateFile;
use crate::units::Span;

use super::admission::{Admission, Notice, Peer};
use super::api::SessionApi;
use super::connection::{Connection, ResetHandle};
use super::format::WireFormat;
use super::limits::{
    LARGEST_BODY, LARGEST_HEAD, LARGEST_PAGE, MOST_CLIENTS, MOST_NEWCOMERS, Timeouts,
};
use super::origin::Origin;
use super::parse_errors::ParseErrors;
use super::tls::Tls;

/// How a service is to run.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Where it listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// The accounts it serves.
    pub accounts: Vec<HostAccount>,
    /// How long a simulated server boots.
    pub boot_delay: Span,
    /// How many servers there are.
    pub capacity: u32,
    /// How many sessions a page of a list has, at most
    /// [`LARGEST_PAGE`](super::limits::LARGEST_PAGE).
    pub page_size: usize,
}

/// What a service may do besides; by default nothing.
#[derive(Debug, Default)]
pub struct HostOptions {
    /// Where sessions and the key of tokens are kept; without, in memory.
    pub state: Option<StateFile>,
    /// Speak TLS with this certificate.
    pub tls: Option<Tls>,
    /// The shape of sessions on the wire.
    pub format: WireFormat,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// How long a token lasts, if not 24 hours.
    pub token_life: Option<Span>,
    /// The identity provider whose tokens are exchanged.
    pub entra: EntraVerifier,
    /// How clients reach the service, if not by the address that they use themselves.
    pub public_url: Option<Url>,
    /// The proxies that are believed about the scheme that a client uses.
    pub trusted_proxies: Vec<IpAddr>,
    /// What is to go wrong.
    pub faults: Vec<Rule>,
    /// What chance begins with: the same seed and requests give the same faults.
    pub seed: u64,
}

/// A running service. Dropping it ends it with the runtime.
pub struct Host {
    address: SocketAddr,
    scheme: &'static str,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a service over plain HTTP, in memory.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn start(config: HostConfig, clock: Arc<dyn Clock>) -> Result<Self, HostError> {
        Self::start_with(config, HostOptions::default(), clock).await
    }

    /// Starts a service.
    ///
    /// # Errors
    /// If the address cannot be listened on, or something that the options ask for cannot be had.
    pub async fn start_with(
        config: HostConfig,
        options: HostOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HostError> {
        Self::bind(config.listen)
            .await?
            .start(config, options, clock)
    }

    /// Listens on an address, where clients wait until the service starts. Whoever writes files for
    /// it does so after this, when no other service can be in the way.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn bind(listen: SocketAddr) -> Result<BoundHost, HostError> {
        let failed = |source| HostError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(BoundHost { listener, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Ends it: nothing new is accepted, and open connections have a moment to finish.
    pub async fn shutdown(self) {
        drop(self.end);
        // It ends by itself within a moment; one that panicked has ended too.
        let _ = self.task.await;
    }
}

/// A service that listens and does not answer yet.
#[derive(Debug)]
pub struct BoundHost {
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundHost {
    /// Begins to answer. The address of the configuration is the one that is listened on already.
    ///
    /// # Errors
    /// If something that the options ask for cannot be had.
    pub fn start(
        self,
        config: HostConfig,
        options: HostOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Host, HostError> {
        let Self { listener, address } = self;
        let tls = options.tls.as_ref().map(Tls::acceptor).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut registries = Registries::new(Faulty {
            engine: Simulated {
                boot_delay: config.boot_delay,
                capacity: config.capacity,
            },
            faults: Faults::new(&options.faults, options.seed),
        });
        let key = match options.state {
            None => random()?.to_vec(),
            Some(state) => {
                let key = state.signing_key()?;
                registries.restore(state)?;
                key
            }
        };
        let service = Arc::new(SessionApi {
            clock,
            accounts: config.accounts,
            signer: Signer::new(&key, options.token_life),
            entra: options.entra,
            page_size: config.page_size.clamp(1, LARGEST_PAGE),
            format: options.format,
            timeouts: options.timeouts,
            origin: Origin {
                listens: url(scheme, address),
                public: options.public_url,
                proxies: options.trusted_proxies,
            },
            faults: Mutex::new(Faults::new(&options.faults, options.seed)),
            registries: Mutex::new(registries),
        });
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(accept(listener, tls, service, ended));
        Ok(Host {
            address,
            scheme,
            end,
            task,
        })
    }
}

fn url(scheme: &str, address: SocketAddr) -> Url {
    let text = format!("{scheme}://{address}");
    Url::parse(&text).expect("a scheme, an address and a port make a URL")
}

/// How long open connections may take to finish when the service ends.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// How long to wait after a connection that could not be accepted, as when files have run out.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Accepts connections until told to end.
async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<SessionApi>,
    mut ended: oneshot::Receiver<()>,
) {
    let admission = Arc::new(Admission::new(MOST_NEWCOMERS, MOST_CLIENTS));
    let graceful = GracefulShutdown::new();
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, peer)) => {
                    let (place, notice) = admission.enter();
                    let peer = Peer { address: peer.ip(), place };
                    let task = ConnectionTask {
                        service: service.clone(),
                        watcher: graceful.watcher(),
                        peer,
                    };
                    open.spawn(task.run(tcp, tls.clone(), notice));
                }
                // Files have run out, most likely: a newcomer's is the next one's.
                Err(_) if admission.evict_oldest() => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!("the session service could not accept a connection: {error}");
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "a retry: nothing tells when files are to be had again"
                    )]
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            },
            Some(_) = open.join_next() => {}
            // A dropped sender ends it too.
            _ = &mut ended => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await;
}

struct ConnectionTask {
    service: Arc<SessionApi>,
    watcher: Watcher,
    peer: Peer,
}

impl ConnectionTask {
    /// Serves a connection until it ends, or must make room for another.
    async fn run(self, tcp: TcpStream, tls: Option<TlsAcceptor>, notice: Notice) {
        tokio::select! {
            () = notice.leave() => tracing::debug!("a connection made room for a newer one"),
            () = self.connect(tcp, tls) => {}
        }
    }

    async fn connect(self, tcp: TcpStream, tls: Option<TlsAcceptor>) {
        // Answers are small and written whole; waiting to fill a packet only delays them.
        let _ = tcp.set_nodelay(true);
        let reset = ResetHandle::default();
        let connection = Connection::new(tcp, reset.clone());
        let Some(tls) = tls else {
            return self.serve(connection, reset).await;
        };
        match tokio::time::timeout(self.service.timeouts.handshake, tls.accept(connection)).await {
            Ok(Ok(stream)) => self.serve(stream, reset).await,
            Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Send + 'static, reset: ResetHandle) {
        let Timeouts { head, answer, .. } = self.service.timeouts;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(answer));
        let stream = ParseErrors::new(stream, self.service.format);
        let (service, peer) = (self.service, self.peer);
        let respond = service_fn(move |mut request: Request<Incoming>| {
            let (service, reset) = (service.clone(), reset.clone());
            request.extensions_mut().insert(peer.clone());
            async move { service.answer(request).await.inspect_err(|_| reset.cut()) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_header_size(LARGEST_HEAD)
            .max_buf_size(LARGEST_HEAD + LARGEST_BODY)
            .serve_connection(TokioIo::new(stream), respond);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!("a connection broke off: {error}");
        }
    }
}
