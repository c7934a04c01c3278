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
            let every = look_every(pool, source, interval);
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

/// Often enough that a session in use is seen before it would count as idle, and that what is
/// measured by the minute is.
fn look_every(pool: &Pool, source: &ActivitySource, interval: Span) -> Span {
    let idle = pool.idle_timeout.unwrap_or(Span::hours(24));
    let longest = match source {
        ActivitySource::BusySockets(_) => Span::minutes(1),
        _ => Span::hours(24),
    };
    interval
        .min(longest)
        .min(idle.div(LOOKS_PER_IDLE_TIMEOUT))
        .max(SHORTEST_INTERVAL)
}

pub(super) fn watched(managed: &ManagedSession) -> Watched {
    let address = managed.address.as_ref();
    let ports = address.into_iter().flat_map(|a| a.ports.iter());
    Watched {
        id: managed.id.clone(),
        pool: managed.slot.pool.clone(),
        hostname: address.map(|a| a.hostname.clone()),
        ports: ports.map(|(_, port)| port).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load;
    use crate::units::ByteCount;

    #[test]
    fn a_source_is_looked_at_before_it_would_count_as_idle_and_a_rate_by_the_minute() {
        let text = "owner = \"a\"\nservice = { embedded = true }\n[[pool]]\nname = \"a\"\n";
        let every = |idle: &str, source, interval| {
            let text = format!("{text}idle_timeout = \"{idle}\"\n");
            let loaded = load("policy.toml", &text).expect("it can be used");
            look_every(&loaded.policy.pools[0], &source, interval)
        };
        let busy = || ActivitySource::BusySockets(ByteCount::new(1));
        let (short, long) = (Span::seconds(30), Span::minutes(5));
        for (idle, source, interval, expected) in [
            ("30m", ActivitySource::Sockets, short, short),
            ("30m", ActivitySource::Sockets, long, long),
            ("8m", ActivitySource::Sockets, long, Span::minutes(2)),
            ("2s", ActivitySource::Sockets, long, Span::seconds(1)),
            ("30m", busy(), short, short),
            ("30m", busy(), long, Span::minutes(1)),
            ("never", busy(), long, Span::minutes(1)),
            ("2m", busy(), long, short),
        ] {
            assert_eq!(every(idle, source, interval), expected, "{idle}");
        }
    }
}
