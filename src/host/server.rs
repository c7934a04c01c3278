//! The listener, and starting and ending it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::units::Span;

use super::auth::{Account, KeyError, Signer};
use super::engine::Simulated;
use super::routes::{Books, Service, router};

/// How a service is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// The accounts it serves.
    pub accounts: Vec<Account>,
    /// How long a simulated server boots.
    pub boot_delay: Span,
    /// How many servers there are.
    pub capacity: u32,
    /// How many sessions a page of a list has.
    pub page_size: usize,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error("the session service cannot listen on {address}: {source}; is the port taken? port 0 takes any free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A running service. Dropping it ends it with the runtime.
pub struct Host {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a service.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let service = Arc::new(Service {
            clock,
            accounts: config.accounts,
            signer: Signer::fresh()?,
            page_size: config.page_size.max(1),
            books: Mutex::new(Books {
                engine: Box::new(Simulated { boot_delay: config.boot_delay, capacity: config.capacity }),
                by_account: std::collections::BTreeMap::new(),
            }),
        });
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let until = async {
                // A dropped sender ends it too.
                let _ = ended.await;
            };
            if let Err(error) = axum::serve(listener, router(service)).with_graceful_shutdown(until).await {
                tracing::error!("the session service failed: {error}");
            }
        });
        Ok(Self { address, end, task })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it: nothing new is accepted, and open connections have a moment to finish.
    pub async fn shutdown(self) {
        /// How long open connections may take.
        const MOMENT: std::time::Duration = std::time::Duration::from_secs(1);
        drop(self.end);
        let _ = tokio::time::timeout(MOMENT, self.task).await;
    }
}
