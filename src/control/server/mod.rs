//! The server side: routes over the daemon's shared state.
//!
//! A change is made in memory and ledger under the lock, then the loop is woken. Nothing here talks
//! to the service.

mod bounded;
mod extract;
mod holds;
mod members;
mod problem;
mod routes;
mod snooze;
mod socket;

use std::sync::Arc;

use crate::control::links::LinkKey;
use crate::daemon::Shared;

#[cfg(test)]
pub(super) use routes::ROUTES;
pub use socket::{ControlError, bind};

use bounded::{BoundedListener, LONGEST_SILENCE, MOST_CONNECTIONS};
use socket::ControlSocket;

/// Serves until the future given is done, and removes the socket then. After each pass the socket
/// is looked after: where it was removed it is opened again.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    socket: ControlSocket,
    shared: Arc<Shared>,
    links: LinkKey,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = BoundedListener::new(socket, MOST_CONNECTIONS, LONGEST_SILENCE)
        .looked_after(shared.pass_ended.clone());
    axum::serve(listener, routes::router(shared, Arc::new(links)))
        .with_graceful_shutdown(until)
        .await
}
