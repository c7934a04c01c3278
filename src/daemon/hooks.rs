//! Hooks: what a pool has run before one of its sessions is stopped.
//!
//! The keeper decides that a session is to stop and until when its hook may run; this only runs it.
//! Promises: a hook never runs for longer than that, whatever it started ends with it, and its end
//! is told to the keeper at once. A daemon that starts anew while a session waits runs its hook
//! again, for what is left of the time.

use std::collections::BTreeSet;
use std::process::ExitStatus;

use tokio::sync::mpsc;

use crate::activity::{Watched, command_about, run_group};
use crate::keeper::ManagedSession;
use crate::policy::Hook;
use crate::units::{SessionId, Span, Timestamp};

use super::activity::watched;
use super::shared::Shared;

/// The hooks that run, and whose end has not been noticed.
pub(super) struct Hooks {
    running: BTreeSet<SessionId>,
    ended: (
        mpsc::UnboundedSender<SessionId>,
        mpsc::UnboundedReceiver<SessionId>,
    ),
}

/// One hook that is to run.
struct Due {
    session: Watched,
    hook: Hook,
    by: Timestamp,
    /// What is told of it besides.
    environment: [(&'static str, String); 2],
}

impl Hooks {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            running: BTreeSet::new(),
            ended: mpsc::unbounded_channel(),
        }
    }

    /// Starts the hooks of the sessions that wait for theirs and have none that runs.
    pub(super) fn start(&mut self, shared: &Shared) {
        let now = shared.clock.now();
        for due in due(shared) {
            if !self.running.insert(due.session.id.clone()) {
                continue;
            }
            let ended = self.ended.0.clone();
            tokio::spawn(async move {
                let id = due.session.id.clone();
                run(due, now).await;
                // Where the loop has ended nobody waits for it.
                let _ = ended.send(id);
            });
        }
    }

    /// Waits for the end of a hook, and tells the keeper.
    pub(super) async fn ended(&mut self, shared: &Shared) {
        // The other end of the channel is kept here, so there is always a next one.
        if let Some(id) = self.ended.1.recv().await {
            self.running.remove(&id);
            shared.lock().keeper.hook_ended(&id);
        }
    }
}

/// The sessions that are to stop and wait for their hooks.
fn due(shared: &Shared) -> Vec<Due> {
    let state = shared.lock();
    let hook_of = |k: &ManagedSession| {
        let mut pools = state.policy.pools.iter();
        let pool = pools.find(|pool| pool.name == k.slot.pool)?;
        pool.before_stop.clone()
    };
    let waiting = state.keeper.sessions.values().filter_map(|k| {
        let stop = k.stop.as_ref()?;
        let client = k.hold.as_ref().map(|hold| hold.client.clone());
        Some(Due {
            hook: hook_of(k)?,
            by: stop.after?,
            environment: [
                ("LEASEKEEPER_REASON", stop.reason.to_string()),
                ("LEASEKEEPER_CLIENT", client.unwrap_or_default()),
            ],
            session: watched(k),
        })
    });
    waiting.collect()
}

/// Runs a hook to its end, or for as long as it may. How it ended is logged.
async fn run(due: Due, now: Timestamp) {
    let Due {
        session,
        hook,
        by,
        environment,
    } = due;
    let (id, words) = (&session.id, hook.command.join(" "));
    let Some(mut command) = command_about(&hook.command, &session) else {
        return;
    };
    command.envs(environment);
    let left = (by - now).max(Span::ZERO);
    match tokio::time::timeout(left.to_std(), run_group(&mut command)).await {
        Ok(Ok(status)) if ExitStatus::success(&status) => {
            tracing::info!(session = %id, "the hook `{words}` has ended");
        }
        Ok(Ok(status)) => {
            tracing::warn!(session = %id, "the hook `{words}` failed: {status}");
        }
        Ok(Err(error)) => {
            tracing::warn!(session = %id, "the hook `{words}` cannot be run: {error}");
        }
        Err(_) => {
            tracing::warn!(session = %id, "the hook `{words}` was ended after {left}");
        }
    }
}
