//! Who is watched for use: every Ready session of a pool that counts more than heartbeats.

use crate::activity::{Assignments, Watched};
use crate::keeper::ManagedSession;
use crate::policy::{ActivitySource, Pool};
use crate::units::Span;

use super::shared::{DaemonState, Shared};

/// A source is looked at so often while a session may be idle.
const LOOKS_PER_IDLE_TIMEOUT: i64 = 4;
/// No source is looked at more often than this.
const SHORTEST_INTERVAL: Span = Span::seconds(1);

/// Says who is to be watched, from what the ledger knew.
pub fn assign_activity(shared: &Shared) {
    let state = shared.lock();
    shared.activity.assign(assignments(&state));
}

/// What every activity source is to watch from now on.
pub(super) fn assignments(state: &DaemonState) -> Assignments {
    let interval = state.policy.reconcile.interval;
    let mut all = Assignments::new();
    let ready = state.keeper.sessions.values();
    for managed in ready.filter(|k| k.is_ready() && k.stop.is_none()) {
        let pools = &state.policy.pools;
        let Some(pool) = pools.iter().find(|p| p.name == managed.slot.pool) else {
            continue;
        };
        for source in pool.activity.iter().filter(|s| is_looked_at(s)) {
            let assignment = all.entry(source.clone()).or_default();
            let every = look_every(pool, interval);
            assignment.every = match assignment.sessions.is_empty() {
                true => every,
                false => assignment.every.min(every),
            };
            assignment.sessions.push(watched(managed));
        }
    }
    all
}

fn is_looked_at(source: &ActivitySource) -> bool {
    *source != ActivitySource::Heartbeat
}

/// Often enough that a session in use is seen before it would count as idle.
fn look_every(pool: &Pool, interval: Span) -> Span {
    let idle = pool.idle_timeout.unwrap_or(Span::hours(24));
    interval
        .min(idle.div(LOOKS_PER_IDLE_TIMEOUT))
        .max(SHORTEST_INTERVAL)
}

fn watched(managed: &ManagedSession) -> Watched {
    let address = managed.address.as_ref();
    let ports = address.into_iter().flat_map(|a| a.ports.iter());
    Watched {
        id: managed.id.clone(),
        pool: managed.slot.pool.clone(),
        hostname: address.map(|a| a.hostname.clone()),
        ports: ports.map(|(_, port)| port).collect(),
    }
}
