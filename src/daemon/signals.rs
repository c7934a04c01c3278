//! Signals, as events for the loop.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: end cleanly.
    End,
    /// SIGHUP: read the policy again.
    Reload,
}

/// How many signals may wait; more of the same say nothing new.
const MOST_WAITING: usize = 16;

/// Listens from now on.
///
/// # Errors
/// If the handlers cannot be installed.
pub fn listen() -> std::io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let asked = if signal == SIGHUP {
                    Signal::Reload
                } else {
                    Signal::End
                };
                // A full channel already holds what this signal would say.
                if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(asked) {
                    return;
                }
            }
        })?;
    Ok(receiver)
}
