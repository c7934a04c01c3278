//! Watching for use: before each pass, the activity sources that nobody reports are looked at.

use crate::activity::{Sources, Watched};
use crate::keeper::ManagedSession;
use crate::policy::{ActivitySource, Policy};

use super::shared::Shared;

/// Looks at the activity sources that nobody reports, so that the pass knows of them.
pub async fn poll_activity(shared: &Shared, sources: &Sources) {
    let watched: Vec<Watched> = {
        let state = shared.lock();
        let ready = state
            .keeper
            .sessions
            .values()
            .filter(|k| k.is_ready() && k.stop.is_none());
        ready
            .filter_map(|known| watched(&state.policy, known))
            .collect()
    };
    if watched.is_empty() {
        return;
    }
    let seen = sources.look(watched, &*shared.clock).await;
    shared.lock().keeper.seen_in_use(&seen);
}

/// A session as the sources look at it; `None` where its pool counts heartbeats alone.
fn watched(policy: &Policy, known: &ManagedSession) -> Option<Watched> {
    let pool = policy.pools.iter().find(|p| p.name == known.slot.pool)?;
    pool.activity
        .iter()
        .any(|source| *source != ActivitySource::Heartbeat)
        .then(|| Watched {
            id: known.id.clone(),
            pool: pool.name.clone(),
            hostname: known.address.as_ref().map(|a| a.hostname.clone()),
            ports: known
                .address
                .iter()
                .flat_map(|a| a.ports.iter().map(|(_, port)| port))
                .collect(),
            sources: pool.activity.clone(),
        })
}
