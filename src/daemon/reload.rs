//! Putting another policy in force while the daemon runs, at once and as a whole or not at all.
//!
//! Promises: what cannot be used, needs a restart or would stop what clients hold changes nothing;
//! the last of these is taken where somebody accepts it.

use std::path::Path;
use std::sync::Arc;

use crate::calendar::Horizon;
use crate::connect::{LiveService, connect, limits};
use crate::keeper::{Spent, held_stops_of_change};
use crate::policy::{Location, Policy};
use crate::report::line;

use super::policy_file::{PolicyError, parse, read_for};
use super::review::{Refused, Review};
use super::shared::Shared;

/// A policy that is in force from now on.
pub(super) struct Taken<C> {
    pub(super) review: Box<Review>,
    /// The connection to use from now on, where the service or the credential changed.
    pub(super) connection: Option<C>,
}

/// Puts the policy of a file in force, or leaves the old one where the new one cannot be used.
///
/// # Errors
/// If the new policy cannot be used, or its service not even addressed, or if it stops what clients
/// hold and that is not accepted; nothing has changed then.
pub(super) async fn reload(
    shared: &Shared,
    path: &Path,
    accept: bool,
) -> Result<Taken<LiveService>, Refused> {
    let new = read_for(path, Horizon::of(shared.clock.now()))?;
    take(shared, new, accept, |new| {
        Ok(connect(new, shared.clock.clone())?)
    })
    .await
}

/// The same for the text of a file of that name, without calendars and without a connection.
///
/// # Errors
/// If the new policy cannot be used or is not accepted; nothing has changed then.
pub async fn reload_text(
    shared: &Shared,
    name: &str,
    text: &str,
    accept: bool,
) -> Result<(), PolicyError> {
    let taken = take(shared, parse(name, text)?, accept, |_| Ok(())).await;
    taken.map(|_| ()).map_err(|refused| refused.error)
}

/// Puts a policy in force that can be used, unless only a restart can do so. Where the service or
/// the credential changed it is connected to first: both change, or neither.
async fn take<C>(
    shared: &Shared,
    new: Policy,
    accept: bool,
    connect: impl FnOnce(&Policy) -> Result<C, PolicyError>,
) -> Result<Taken<C>, Refused> {
    let old = shared.lock().policy.clone();
    let fixed = [
        ("owner", old.owner != new.owner),
        ("ledger", old.ledger != new.ledger),
        ("control.socket", old.control != new.control),
        ("service.embedded", embedded(&old) != embedded(&new)),
    ];
    if let Some((what, _)) = fixed.into_iter().find(|(_, changed)| *changed) {
        return Err(PolicyError::NeedsRestart { what }.into());
    }
    let spent = match old.time_zone != new.time_zone {
        true => spent_in(shared, &new).await,
        false => None,
    };
    let reconnect = embedded(&new).is_none() && {
        old.service != new.service || old.auth != new.auth || old.regions() != new.regions()
    };
    let connection = reconnect.then(|| connect(&new)).transpose()?;
    let mut state = shared.lock();
    let now = shared.clock.now();
    let mut keeper = state.keeper.clone();
    if let Some(spent) = spent {
        keeper.spent = spent;
    }
    let events = keeper.move_to(now, &new);
    let events = events.map_err(PolicyError::ServiceInUse)?;
    if old.services() != new.services() {
        // They may hold sessions of slots that the ledger has lost.
        keeper.listed_regions.clear();
    }
    keeper.limits = limits(&new);
    let held_stops = held_stops_of_change(now, (&old, &state.keeper), (&new, &keeper));
    let review = Box::new(Review {
        now,
        changes: old.changes_to(&new),
        held_stops,
        policy: Arc::new(new),
        keeper,
    });
    if !review.held_stops.is_empty() && !accept {
        return Err(Refused {
            error: PolicyError::StopsHeld(review.held_stops.clone()),
            review: Some(review),
        });
    }
    state.keeper = review.keeper.clone();
    state.policy = review.policy.clone();
    // Whoever relies on it waits for a later write.
    let _ = state.persist(now, events);
    Ok(Taken { review, connection })
}

/// What was spent before, counted by the days of a new policy's time zone.
async fn spent_in(shared: &Shared, new: &Policy) -> Option<Spent> {
    let now = shared.clock.now();
    let ledger = shared.lock().ledger.clone();
    // The account of a session that has just ended may still be on its way to the disk. Nothing
    // settles while a policy is reloaded.
    let _ = ledger.retry(now).acknowledged().await;
    let zone = new.time_zone;
    let read = ledger.read(move |ledger| ledger.spent(zone, now));
    read.await
        .inspect_err(|error| {
            tracing::error!(
                "{}; what was spent before is counted by the old time zone's days",
                line(error)
            );
        })
        .ok()
}

fn embedded(policy: &Policy) -> Option<&crate::policy::Embedded> {
    match &policy.service.location {
        Location::Embedded(embedded) => Some(embedded),
        _ => None,
    }
}
