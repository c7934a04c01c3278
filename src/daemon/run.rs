//! Starting, looping and ending.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::arr::{Client, ConnectError};
use crate::clock::Clock;
use crate::control::{self, ControlError, paths};
use crate::host::{Host, HostError};
use crate::ledger::{Fresh, Ledger, LedgerError};
use crate::policy::{Location, Policy};
use crate::service::ServiceError;
use crate::units::{Span, Timestamp};

use super::embed;
use super::farewell::farewell;
use super::pass::pass;
use super::reload::{PolicyError, read, reload};
use super::shared::{Shared, State};
use super::signals::{Asked, listen};

/// The longest the loop sleeps without looking at its clock, which runs on while the machine sleeps.
const LONGEST_NAP: Span = Span::seconds(5);
/// How long a pass that is under way may take to finish once the end was asked for.
const LAST_PASS: std::time::Duration = std::time::Duration::from_secs(10);

/// How the daemon is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The policy file.
    pub policy: PathBuf,
    /// One pass, then the end.
    pub once: bool,
    /// The control socket, where it is not the policy's or the default one.
    pub socket: Option<PathBuf>,
}

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The service cannot even be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The embedded session service does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(std::io::Error),
    /// With `--once`: the service could not be listed.
    #[error(transparent)]
    Service(ServiceError),
    /// With `--once`: some actions failed; the log says which.
    #[error("{failed} of {actions} actions failed; the log above says why, and the next pass tries again")]
    Incomplete {
        /// How many failed.
        failed: usize,
        /// Of how many.
        actions: usize,
    },
}

impl RunError {
    /// The exit status: 78 (`EX_CONFIG` of sysexits.h) for a policy that cannot be used, which the unit does not
    /// restart; 1 for everything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Policy(_) => 78,
            _ => 1,
        }
    }
}

/// Runs the daemon until a signal ends it, or for one pass.
///
/// # Errors
/// If it cannot start, or its one pass did not succeed.
pub async fn run(options: Options, clock: Arc<dyn Clock>) -> Result<(), RunError> {
    let mut asked = listen().map_err(RunError::Signals)?;
    let policy = read(&options.policy)?;
    let now = clock.now();
    let path = policy.ledger.clone().unwrap_or_else(paths::default_ledger);
    let ledger = Ledger::open(&path, Fresh { seed: fastrand::u64(..), made: now })?;
    let memory = ledger.load(&policy.owner, policy.time_zone, now)?;
    let (client, host) = connect(&policy, &clock).await?;
    tracing::info!(
        "keeping {} pool{} of {} at {}; ledger {}",
        policy.pools.len(),
        if policy.pools.len() == 1 { "" } else { "s" },
        policy.owner,
        client.endpoint(),
        path.display()
    );
    let endpoint = client.endpoint().to_string();
    let socket = options.socket.clone().or_else(|| policy.control.socket.clone()).unwrap_or_else(paths::default_socket);
    let shared = Arc::new(Shared::new(State::new(Arc::new(policy), memory, ledger, endpoint, now), clock));
    let result = if options.once {
        once(&shared, &client).await
    } else {
        let listener = control::bind(&socket)?;
        tracing::info!("control socket {}", socket.display());
        let (end, ended) = oneshot::channel::<()>();
        let control = tokio::spawn(control::serve(listener, shared.clone(), async {
            // Either way the loop has ended.
            let _ = ended.await;
        }));
        let client = keep_running(&options, &shared, client, &mut asked).await;
        notify(&[sd_notify::NotifyState::Stopping]);
        farewell(&shared, &client).await;
        drop(end);
        if let Ok(Err(error)) = control.await {
            tracing::warn!("the control socket failed: {error}");
        }
        let _ = std::fs::remove_file(&socket);
        Ok(())
    };
    if let Some(host) = host {
        host.shutdown().await;
    }
    result
}

async fn connect(policy: &Policy, clock: &Arc<dyn Clock>) -> Result<(Client, Option<Host>), RunError> {
    match &policy.service.location {
        Location::Embedded(embedded) => {
            let (client, host) = embed::start(policy, embedded, clock.clone()).await?;
            Ok((client, Some(host)))
        }
        _ => Ok((Client::connect(policy, clock.clone())?, None)),
    }
}

async fn once(shared: &Shared, client: &Client) -> Result<(), RunError> {
    let passed = pass(shared, client).await;
    match (passed.service, passed.ledger) {
        (Some(error), _) => Err(RunError::Service(error)),
        (None, Some(error)) => Err(RunError::Ledger(error)),
        (None, None) if passed.failed > 0 => {
            Err(RunError::Incomplete { failed: passed.failed, actions: passed.actions })
        }
        (None, None) => Ok(()),
    }
}

/// The loop. Returns the client in use when the end was asked for.
async fn keep_running(
    options: &Options,
    shared: &Shared,
    mut client: Client,
    asked: &mut mpsc::Receiver<Asked>,
) -> Client {
    let mut first = true;
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
                        Some(Asked::Reload) => again = true,
                        // A closed channel cannot be listened to: end rather than become deaf.
                        Some(Asked::End) | None => end = true,
                    },
                    () = tokio::time::sleep(LAST_PASS), if end => {
                        tracing::warn!("the last pass was cut short; the ledger knows what it had begun");
                        break shared.clock.now();
                    }
                }
            }
        };
        if std::mem::take(&mut first) {
            notify(&[sd_notify::NotifyState::Ready]);
        }
        if end {
            return client;
        }
        if !again {
            match wait(shared, next, asked).await {
                Woken::Due => {}
                Woken::By(Asked::End) => return client,
                Woken::By(Asked::Reload) => again = true,
            }
        }
        if again {
            take_new_policy(options, shared, &mut client);
        }
    }
}

enum Woken {
    Due,
    By(Asked),
}

/// Sleeps until the next pass is due, somebody wakes the loop, or a signal comes.
async fn wait(shared: &Shared, next: Timestamp, asked: &mut mpsc::Receiver<Asked>) -> Woken {
    loop {
        let left = next - shared.clock.now();
        if left <= Span::ZERO {
            return Woken::Due;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LONGEST_NAP).to_std()) => {}
            () = shared.wake.notified() => return Woken::Due,
            what = asked.recv() => return Woken::By(what.unwrap_or(Asked::End)),
        }
    }
}

fn take_new_policy(options: &Options, shared: &Shared, client: &mut Client) {
    notify(&[sd_notify::NotifyState::Reloading]);
    match reload(shared, &options.policy) {
        Ok(reloaded) => {
            tracing::info!("the policy {} is in force", options.policy.display());
            if reloaded.reconnect {
                let policy = shared.lock().policy.clone();
                match Client::connect(&policy, shared.clock.clone()) {
                    Ok(new) => {
                        shared.lock().endpoint = new.endpoint().to_string();
                        *client = new;
                    }
                    Err(error) => tracing::error!("{error}; the connection of the old policy stays in use"),
                }
            }
        }
        Err(error) => tracing::error!("the new policy is refused, the old one stays in force\n{error}"),
    }
    notify(&[sd_notify::NotifyState::Ready]);
}

/// Tells systemd, where it listens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd could not be notified: {error}");
    }
}
