//! What systemd is told: that the daemon is ready, reads its policy, ends, and that its loop turns.
//!
//! Promises: the watchdog is fed by the turns of the loop and by nothing else, so a loop that hangs
//! is restarted; a service that answers as slowly as the policy allows is no hang.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::units::Span;

/// What lies between two turns of the loop besides one operation of the service: a write that
/// waits for its disk, and a machine with much to do.
const BESIDES_AN_OPERATION: Span = Span::seconds(40);

/// Tells systemd, where it listens.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd could not be notified: {error}");
    }
}

/// The watchdog that systemd keeps over the loop, where the unit asks for one.
#[derive(Debug)]
pub(super) struct Watchdog {
    limit: Option<Duration>,
}

impl Watchdog {
    /// The watchdog that systemd has told this process of.
    pub(super) fn of_this_process() -> Self {
        Self {
            limit: sd_notify::watchdog_enabled(),
        }
    }

    /// Makes room for operations that may take so long: two turns can lie that far apart.
    pub(super) fn allow(&mut self, operation: Span) {
        let wanted = (operation + BESIDES_AN_OPERATION).to_std();
        if self.limit.is_some_and(|limit| limit < wanted) {
            self.limit = Some(wanted);
            let micros = u32::try_from(wanted.as_micros()).unwrap_or(u32::MAX);
            notify(&[NotifyState::WatchdogUsec(micros)]);
        }
    }

    /// The loop has turned.
    pub(super) fn feed(&self) {
        if self.limit.is_some() {
            notify(&[NotifyState::Watchdog]);
        }
    }

    /// How long the loop may sleep at most, so that it turns twice before it counts as hung.
    pub(super) fn longest_nap(&self, longest: Span) -> Span {
        let half = self.limit.map(|limit| Span::from_std(limit / 2));
        half.map_or(longest, |half| half.min(longest))
    }
}
