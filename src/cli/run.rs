//! `run`: puts the daemon together from its parts, and starts and ends them in order.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::activity::look_once;
use crate::calendar::Horizon;
use crate::clock::Clock;
use crate::connect::{self, ConnectError, LiveService};
use crate::control::{self, ControlError, LinkKey, NoRandomness, locations};
use crate::daemon::{
    DaemonState, EventLog, PolicyError, Shared, assign_activity, listen, log_what_is_left, pass,
    read_policy_for,
};
use crate::host::Host;
use crate::ledger::{Beginning, Fresh, Ledger, LedgerError, LedgerHandle};
use crate::policy::{Location, Policy};
use crate::report::{Hint, detail};
use crate::units::Span;

use super::embed::{self, EmbedError};

/// How long requests on the control socket may still take once the loop has ended.
const LAST_ANSWERS: Span = Span::seconds(2);

/// How the daemon is to run.
#[derive(Clone, Debug)]
pub(super) struct RunOptions {
    /// The policy file.
    pub(super) policy: PathBuf,
    /// One pass, then the end.
    pub(super) once: bool,
    /// The control socket, where it is not the policy's or the default one.
    pub(super) socket: Option<PathBuf>,
}

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// With `--once`: the ledger could not be written.
    #[error(transparent)]
    Unwritten(#[from] Arc<LedgerError>),
    /// Links cannot be signed.
    #[error(transparent)]
    Links(#[from] NoRandomness),
    /// The service cannot even be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The embedded session service cannot be had.
    #[error(transparent)]
    Embedded(#[from] EmbedError),
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    /// With `--once`: the service could not be listed; the log says why.
    #[error("the service could not be listed, and nothing was created")]
    Unlisted,
    /// With `--once`: some actions failed; the log says which.
    #[error("{failed} of {actions} actions failed")]
    Incomplete {
        /// How many failed.
        failed: usize,
        /// Of how many.
        actions: usize,
    },
}

impl Hint for RunError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Unwritten(error) => error.hint(),
            Self::Connect(error) => error.hint(),
            Self::Links(error) => error.hint(),
            Self::Embedded(error) => error.hint(),
            Self::Control(error) => error.hint(),
            Self::Signals(_) => None,
            Self::Unlisted | Self::Incomplete { .. } => {
                Some("the log above says why, and the next pass tries again".into())
            }
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::Policy(error) if error.is_drawn())
    }
}

impl RunError {
    /// The exit status: 78 (`EX_CONFIG` of sysexits.h) for a policy that cannot be used, in itself
    /// or with the service that it names, which the unit does not restart; 1 for everything else.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Policy(_) | Self::Connect(_) => 78,
            _ => 1,
        }
    }
}

/// Runs the daemon until a signal ends it, or for one pass.
///
/// # Errors
/// If it cannot start, or its one pass did not succeed.
pub(super) async fn run(options: RunOptions, clock: Arc<dyn Clock>) -> Result<(), RunError> {
    let asked = listen().map_err(RunError::Signals)?;
    let now = clock.now();
    let policy = read_policy_for(&options.policy, Horizon::of(now))?;
    let path = policy
        .ledger
        .clone()
        .unwrap_or_else(locations::default_ledger);
    let ledger = Ledger::open(
        &path,
        Fresh {
            seed: fastrand::u64(..),
            made: now,
        },
    )?;
    let (client, host) = connect(&policy, &clock).await?;
    let beginning = ledger.beginning();
    tracing::info!(
        "keeping {} pool{} of {} at {}; {} {}",
        policy.pools.len(),
        if policy.pools.len() == 1 { "" } else { "s" },
        policy.owner,
        client.endpoint(),
        match beginning {
            Beginning::Known | Beginning::Emptied => "ledger",
            Beginning::New => "new ledger",
        },
        path.display()
    );
    if beginning == Beginning::Emptied {
        tracing::error!(
            "the ledger {} was an empty file: what was spent before now is not known, and budgets \
             begin at 0",
            path.display()
        );
    }
    let endpoint = client.endpoint();
    let socket = options
        .socket
        .clone()
        .or_else(|| policy.control.socket.clone())
        .unwrap_or_else(locations::default_socket);
    let keeper = ledger.load(
        &policy.owner,
        policy.time_zone,
        connect::limits(&policy),
        now,
    )?;
    let ledger = LedgerHandle::spawn(ledger, policy.owner.clone())?;
    let events = EventLog::follow(&ledger);
    let state = DaemonState::start(Arc::new(policy), keeper, ledger.clone(), endpoint, now);
    let mut state = state.map_err(PolicyError::ServiceInUse)?;
    match beginning {
        Beginning::Known => {}
        Beginning::New => state.new_ledger = Some(now),
        Beginning::Emptied => state.spend_lost_before = Some(now),
    }
    let shared = Arc::new(Shared::new(state, clock));
    let result = if options.once {
        let result = once(&shared, &client).await;
        ledger.close().await;
        events.finish().await;
        result
    } else {
        let bound = control::bind(&socket)?;
        tracing::info!("control socket {}", socket.display());
        if let (Some(_), Some(pool)) = (&host, shared.lock().policy.pools.first()) {
            let pool = &pool.name;
            tracing::info!(
                "in another terminal: leasekeeper status | plan | spend | touch {pool} | \
                 why {pool}/0; Ctrl-C ends it"
            );
        }
        let links = LinkKey::draw()?;
        let (end, ended) = oneshot::channel::<()>();
        let control = tokio::spawn(control::serve(bound, shared.clone(), links, async {
            // Either way the loop has ended.
            let _ = ended.await;
        }));
        let deadline = crate::daemon::run(&options.policy, &shared, client, asked).await;
        drop(end);
        let closed = async {
            last_answers(control).await;
            ledger.close().await;
            events.finish().await;
            log_what_is_left(&shared);
            end_host(host).await;
        };
        if in_time(deadline.for_the_last_writes(shared.clock.now()), closed)
            .await
            .is_none()
        {
            tracing::warn!("the end was cut short; the next start finds everything in the ledger");
        }
        return Ok(());
    };
    end_host(host).await;
    result
}

/// Ends the embedded session service.
async fn end_host(host: Option<Host>) {
    if let Some(host) = host {
        host.shutdown().await;
    }
}

/// Waits for the requests on the control socket that are under way. Nobody who is slow to take an
/// answer keeps the daemon from ending.
async fn last_answers(mut control: JoinHandle<std::io::Result<()>>) {
    match in_time(LAST_ANSWERS, &mut control).await {
        Some(Ok(Err(error))) => {
            tracing::warn!("the control socket failed: {}", detail(&error));
        }
        Some(_) => {}
        None => control.abort(),
    }
}

/// What a future comes to, if it is done in time.
async fn in_time<F: Future>(limit: Span, done: F) -> Option<F::Output> {
    tokio::time::timeout(limit.to_std(), done).await.ok()
}

async fn connect(
    policy: &Policy,
    clock: &Arc<dyn Clock>,
) -> Result<(LiveService, Option<Host>), RunError> {
    match &policy.service.location {
        Location::Embedded(embedded) => {
            let (client, host) = embed::start(policy, embedded, clock.clone()).await?;
            Ok((client, Some(host)))
        }
        _ => Ok((connect::connect(policy, clock.clone())?, None)),
    }
}

async fn once(shared: &Shared, client: &LiveService) -> Result<(), RunError> {
    assign_activity(shared);
    look_once(&shared.activity, &*shared.clock).await;
    let passed = pass(shared, client).await;
    // What became of the actions is to be on the disk too.
    let ledger = shared.lock().ledger.clone();
    let written = ledger.retry(shared.clock.now()).acknowledged().await;
    match (passed.service, passed.ledger.or(written.err())) {
        (Some(_), _) => Err(RunError::Unlisted),
        (None, Some(error)) => Err(RunError::Unwritten(error)),
        (None, None) if passed.failed > 0 => Err(RunError::Incomplete {
            failed: passed.failed,
            actions: passed.actions,
        }),
        (None, None) => Ok(()),
    }
}
