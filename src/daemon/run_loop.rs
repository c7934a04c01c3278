//! The loop: a pass, then sleep until the next is due or somebody asks for something.

use std::path::Path;

use tokio::sync::mpsc;

use crate::activity::watch;
use crate::connect::LiveService;
use crate::report::{line, terminal};
use crate::units::{Span, Timestamp};

use super::activity::assign_activity;
use super::pass::pass;
use super::reload::reload;
use super::review::{Refused, Review};
use super::shared::Shared;
use super::shutdown::shutdown;
use super::signals::Signal;

/// The longest the loop sleeps without looking at its clock, which runs on while the machine
/// sleeps.
const LONGEST_NAP: Span = Span::seconds(5);
/// How long a pass that is under way may take to finish once the end was asked for.
const LAST_PASS: std::time::Duration = std::time::Duration::from_secs(10);

/// Keeps the policy's sessions until the end is asked for, then stops what must not stay. The
/// ledger stays open.
pub async fn run(
    policy: &Path,
    shared: &Shared,
    client: LiveService,
    mut asked: mpsc::Receiver<Signal>,
) {
    assign_activity(shared);
    let watching = tokio::spawn(watch(shared.activity.clone(), shared.clock.clone()));
    let client = run_until_signal(policy, shared, client, &mut asked).await;
    shared.end_reloads();
    watching.abort();
    notify(&[sd_notify::NotifyState::Stopping]);
    shutdown(shared, &client, pause).await;
}

/// The pause between two looks at a service that cannot call back.
#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing else to wait for"
)]
async fn pause(length: Span) {
    tokio::time::sleep(length.to_std()).await;
}

/// The loop. Returns the client in use when the end was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "a last pass that hangs must not keep the daemon from ending"
)]
async fn run_until_signal(
    policy: &Path,
    shared: &Shared,
    mut client: LiveService,
    asked: &mut mpsc::Receiver<Signal>,
) -> LiveService {
    // Policy, ledger and control socket are open. A service that is slow to answer must not keep
    // systemd waiting until it gives up.
    notify(&[sd_notify::NotifyState::Ready]);
    loop {
        let mut end = false;
        let mut again = false;
        let next = {
            let running = pass(shared, &client);
            tokio::pin!(running);
            loop {
                tokio::select! {
                    passed = &mut running => break passed.next,
                    what = asked.recv(), if !end => match what {
                        Some(Signal::Reload) => again = true,
                        // A closed channel cannot be listened to: end rather than become deaf.
                        Some(Signal::End) | None => end = true,
                    },
                    () = tokio::time::sleep(LAST_PASS), if end => {
                        tracing::warn!(
                            "the last pass was cut short; the ledger knows what it had begun"
                        );
                        break shared.clock.now();
                    }
                }
            }
        };
        if end {
            return client;
        }
        if !again {
            match wait(shared, next, asked).await {
                Woken::Due => {}
                Woken::By(Signal::End) => return client,
                Woken::By(Signal::Reload) => again = true,
            }
        }
        if again && let Err(refused) = reload_policy(policy, shared, &mut client, false).await {
            tracing::error!(
                "the new policy is refused, the old one stays in force\n{}",
                terminal(&refused.error).trim_end()
            );
        }
        for request in shared.take_reloads() {
            let outcome = reload_policy(policy, shared, &mut client, request.accept).await;
            if let Err(refused) = &outcome {
                tracing::warn!("a new policy was refused: {}", line(&refused.error));
            }
            // Whoever asked may have gone away.
            let _ = request.reply.send(outcome);
        }
    }
}

enum Woken {
    Due,
    By(Signal),
}

/// Sleeps until the next pass is due, somebody wakes the loop, or a signal comes.
#[expect(clippy::disallowed_methods, reason = "the loop itself")]
async fn wait(shared: &Shared, next: Timestamp, asked: &mut mpsc::Receiver<Signal>) -> Woken {
    loop {
        let left = next - shared.clock.now();
        if left <= Span::ZERO {
            return Woken::Due;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LONGEST_NAP).to_std()) => {}
            () = shared.wake.notified() => return Woken::Due,
            what = asked.recv() => return Woken::By(what.unwrap_or(Signal::End)),
        }
    }
}

/// Reads the policy again; `status` shows why it is refused until one is taken.
async fn reload_policy(
    path: &Path,
    shared: &Shared,
    client: &mut LiveService,
    accept: bool,
) -> Result<Box<Review>, Box<Refused>> {
    notify(&[sd_notify::NotifyState::Reloading]);
    let reloaded = reload(shared, path, accept).await;
    let mut state = shared.lock();
    let outcome = match reloaded {
        Ok(taken) => {
            state.refused_policy = None;
            if let Some(new) = taken.connection {
                state.endpoint = new.endpoint();
                *client = new;
            }
            Ok(taken.review)
        }
        Err(refused) => {
            state.refused_policy = Some(terminal(&refused.error).trim_end().to_owned());
            Err(Box::new(refused))
        }
    };
    drop(state);
    if outcome.is_ok() {
        tracing::info!("the policy {} is in force", path.display());
    }
    notify(&[sd_notify::NotifyState::Ready]);
    outcome
}

/// Notifies systemd, where it listens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd could not be notified: {error}");
    }
}
