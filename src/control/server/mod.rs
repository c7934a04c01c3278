//! The server side: routes over the daemon's shared state.
//!
//! A change is made in memory and ledger under the lock, then the loop is woken. Nothing here talks
//! to the service.

mod extract;
mod members;
mod problem;
mod routes;
mod socket;

use std::sync::Arc;

use tokio::net::UnixListener;

use crate::daemon::Shared;

pub use socket::{ControlError, bind};

use socket::{BoundedListener, LONGEST_SILENCE, MOST_CONNECTIONS};

/// Serves until the future given is done.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: UnixListener,
    shared: Arc<Shared>,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = BoundedListener::new(listener, MOST_CONNECTIONS, LONGEST_SILENCE);
    axum::serve(listener, routes::router(shared))
        .with_graceful_shutdown(until)
        .await
}
