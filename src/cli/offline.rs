//! What a command can tell without a daemon: from the policy, its ledger, read beside whoever
//! writes it, and the service.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::calendar::Horizon;
use crate::clock::Clock;
use crate::connect::{ConnectError, connect, limits};
use crate::control::api::{ChargesQuery, PlanView, SpendQuery};
use crate::control::{locations, views};
use crate::daemon::{PolicyError, observe, read_policy, read_policy_for};
use crate::keeper::KeeperState;
use crate::ledger::{
    BadRange, ChargeReport, DateRange, Ledger, LedgerError, SpendReport, SpendRequest,
};
use crate::policy::{Location, Policy};
use crate::report::Hint;
use crate::service::ServiceError;

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfflineError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The service cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service does not answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Days in the wrong order.
    #[error(transparent)]
    Range(#[from] BadRange),
    /// An embedded service is there only while its daemon runs.
    #[error(
        "the policy uses the embedded session service, which is there only while \
         `leasekeeper run` is"
    )]
    Embedded,
}

impl Hint for OfflineError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Connect(error) => error.hint(),
            Self::Service(error) => error.hint(),
            Self::Range(error) => error.hint(),
            Self::Embedded => Some("leave --policy out to ask that daemon".into()),
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::Policy(error) if error.is_drawn())
    }
}

/// The policy's ledger, beside whoever writes it.
pub(super) fn open(policy: &Policy) -> Result<Ledger, LedgerError> {
    Ledger::open_read_only(
        &policy
            .ledger
            .clone()
            .unwrap_or_else(locations::default_ledger),
    )
}

/// What a first pass would do now: the ledger's memory, the service's answers, and nothing written
/// or asked for.
pub(super) async fn plan(path: &Path, clock: Arc<dyn Clock>) -> Result<PlanView, OfflineError> {
    let policy = read_policy_for(path, Horizon::of(clock.now()))?;
    if matches!(policy.service.location, Location::Embedded(_)) {
        return Err(OfflineError::Embedded);
    }
    let mut keeper = match open(&policy) {
        Ok(ledger) => ledger.load(
            &policy.owner,
            policy.time_zone,
            limits(&policy),
            clock.now(),
        )?,
        // No daemon has run yet: the ids of the plan are an example of those to come.
        Err(LedgerError::Missing { .. }) => {
            KeeperState::new(policy.owner.clone(), 0, limits(&policy))
        }
        Err(error) => return Err(error.into()),
    };
    let moved = keeper.move_to(clock.now(), &policy);
    moved.map_err(PolicyError::ServiceInUse)?;
    let client = connect(&policy, clock.clone())?;
    let interval = policy.reconcile.interval;
    let to_get = |listing: Option<&_>| keeper.sessions_to_get(listing, interval);
    let (observation, trouble) = observe(&client, &*clock, to_get, || {}).await;
    if let Some(error) = trouble {
        return Err(error.into());
    }
    let now = clock.now();
    let _ = keeper.apply_observation(now, &policy, &observation);
    Ok(views::planned_beside(now, &policy, &keeper))
}

/// What the ledger knows was billed.
pub(super) fn spend(
    path: &Path,
    query: &SpendQuery,
    clock: &dyn Clock,
) -> Result<SpendReport, OfflineError> {
    let (policy, now) = (read_policy(path)?, clock.now());
    let zone = policy.time_zone;
    let range = DateRange::named(query.from, query.to, now, zone)?;
    let ledger = open(&policy)?;
    let keeper = ledger.load(&policy.owner, zone, limits(&policy), now)?;
    let request = SpendRequest {
        by: query.by,
        range,
        zone,
        prices: policy.prices.clone(),
    };
    Ok(ledger.spend(&request, &keeper, now)?)
}

/// What the ledger knows each session was billed on each day.
pub(super) fn charges(
    path: &Path,
    query: &ChargesQuery,
    clock: &dyn Clock,
) -> Result<ChargeReport, OfflineError> {
    let (policy, now) = (read_policy(path)?, clock.now());
    let zone = policy.time_zone;
    let range = DateRange::named(query.from, query.to, now, zone)?;
    let ledger = open(&policy)?;
    let keeper = ledger.load(&policy.owner, zone, limits(&policy), now)?;
    Ok(ledger.charges(&policy, range, &keeper, now)?)
}
