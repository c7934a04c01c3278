//! The loop: a pass, then sleep until the next is due or somebody asks for something.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::activity::watch;
use crate::connect::LiveService;
use crate::report::{line, terminal};
use crate::units::{Span, Timestamp};

use super::activity::assign_activity;
use super::calendars::watch_calendars;
use super::deadline::Deadline;
use super::hooks::Hooks;
use super::pass::pass;
use super::reload::reload;
use super::review::{Refused, ReloadRequest, Review};
use super::shared::Shared;
use super::shutdown::shutdown;
use super::signals::Signal;
use super::systemd::{Watchdog, notify};

/// The longest the loop sleeps without looking at its clock, which runs on while the machine
/// sleeps.
const LONGEST_NAP: Span = Span::seconds(5);

/// Keeps the policy's sessions until the end is asked for, then stops what must not stay. The
/// ledger stays open; what is still to be done has the deadline that is returned.
pub async fn run(
    policy: &Path,
    shared: &Arc<Shared>,
    client: LiveService,
    mut asked: mpsc::Receiver<Signal>,
) -> Deadline {
    assign_activity(shared);
    shared.lock().keeper.runs_hooks = true;
    let watching = tokio::spawn(watch(shared.activity.clone(), shared.clock.clone()));
    let calendars = tokio::spawn(watch_calendars(shared.clone(), policy.into()));
    let (client, deadline) = run_until_signal(policy, shared, client, &mut asked).await;
    shared.end_reloads();
    watching.abort();
    calendars.abort();
    notify(&[sd_notify::NotifyState::Stopping]);
    shutdown(shared, &client, deadline, pause).await;
    deadline
}

/// Lets so much time pass: between two looks at a service that cannot call back, or until
/// something that hangs is given up.
#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing else to wait for"
)]
async fn pause(length: Span) {
    tokio::time::sleep(length.to_std()).await;
}

/// The loop. Returns the client in use when the end was asked for, and the end's deadline.
async fn run_until_signal(
    policy: &Path,
    shared: &Shared,
    mut client: LiveService,
    asked: &mut mpsc::Receiver<Signal>,
) -> (LiveService, Deadline) {
    let mut hooks = Hooks::new();
    let mut watchdog = Watchdog::of_this_process();
    // Policy, ledger and control socket are open. A service that is slow to answer must not keep
    // systemd waiting until it gives up.
    notify(&[sd_notify::NotifyState::Ready]);
    loop {
        watchdog.allow(shared.lock().policy.service.timeout);
        watchdog.feed();
        let mut end: Option<Deadline> = None;
        let mut again = false;
        let next = {
            let running = pass(shared, &client);
            tokio::pin!(running);
            loop {
                tokio::select! {
                    passed = &mut running => break passed.next,
                    () = shared.turned.notified() => watchdog.feed(),
                    what = asked.recv(), if end.is_none() => match what {
                        Some(Signal::Reload) => again = true,
                        // A closed channel cannot be listened to: end rather than become deaf.
                        Some(Signal::End) | None => {
                            end = Some(Deadline::of_an_end_asked_at(shared.clock.now()));
                        }
                    },
                    () = cut(end, shared), if end.is_some() => {
                        tracing::warn!(
                            "the last pass was cut short; the ledger knows what it had begun"
                        );
                        break shared.clock.now();
                    }
                }
            }
        };
        if let Some(deadline) = end {
            return (client, deadline);
        }
        hooks.start(shared);
        if !again {
            match wait(shared, next, asked, &watchdog, &mut hooks).await {
                Woken::Due => {}
                Woken::By(Signal::End) => {
                    return (client, Deadline::of_an_end_asked_at(shared.clock.now()));
                }
                Woken::By(Signal::Reload) => again = true,
            }
        }
        if again && let Err(refused) = reload_policy(policy, shared, &mut client, false).await {
            tracing::error!(
                "the new policy is refused, the old one stays in force\n{}",
                terminal(&refused.error).trim_end()
            );
        }
        // Whoever has gone away, or was told that it takes too long, has asked for nothing.
        let asked_still = |request: &ReloadRequest| !request.reply.is_closed();
        for request in shared.take_reloads().into_iter().filter(asked_still) {
            let outcome = reload_policy(policy, shared, &mut client, request.accept).await;
            if let Err(refused) = &outcome {
                tracing::warn!("a new policy was refused: {}", line(&refused.error));
            }
            // Whoever asked may have gone away.
            let _ = request.reply.send(outcome);
        }
    }
}

/// Waits until the last pass must be given up.
async fn cut(end: Option<Deadline>, shared: &Shared) {
    if let Some(deadline) = end {
        pause(deadline.for_the_last_pass(shared.clock.now())).await;
    }
}

enum Woken {
    Due,
    By(Signal),
}

/// Sleeps until the next pass is due, somebody wakes the loop, or a signal comes.
#[expect(clippy::disallowed_methods, reason = "the loop itself")]
async fn wait(
    shared: &Shared,
    next: Timestamp,
    asked: &mut mpsc::Receiver<Signal>,
    watchdog: &Watchdog,
    hooks: &mut Hooks,
) -> Woken {
    let nap = watchdog.longest_nap(LONGEST_NAP);
    loop {
        watchdog.feed();
        let left = next - shared.clock.now();
        if left <= Span::ZERO {
            return Woken::Due;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(nap).to_std()) => {}
            () = shared.wake.notified() => return Woken::Due,
            () = hooks.ended(shared) => return Woken::Due,
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
