//! A scenario: everything that a run depends on, as data that can be drawn from a seed, shortened,
//! written down and replayed.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::units::{Span, Timestamp};

use super::draw::{minutes, odds, pick};
use super::fault::{Edit, Fault};
use super::policy::ScenarioPolicy;

/// Everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scenario {
    /// For what the scenario leaves open: latencies, boots, odds.
    pub(super) seed: u64,
    pub(super) start: Timestamp,
    pub(super) length: Span,
    pub(super) latency: Span,
    pub(super) policy: ScenarioPolicy,
    /// What events, counted from the start, in order.
    pub(super) events: Vec<(Span, ScenarioEvent)>,
}

/// One thing that happens in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScenarioEvent {
    /// A client wants a session of a pool for a while.
    Visit {
        pool: usize,
        client: u32,
        length: Span,
        heartbeats: bool,
        releases: bool,
    },
    /// A person parks a pool, or wakes it.
    Person { pool: usize, parks: bool },
    /// A request of the control API that cannot be granted.
    BadRequest,
    /// Something goes wrong.
    Fault(Fault),
}

impl Scenario {
    /// The scenario of a seed.
    pub(super) fn draw(seed: u64, days: i64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let length = Span::hours(24 * days);
        // Plain weeks, the ends of months, and both leaps of daylight saving.
        let dates = [
            "2026-03-02",
            "2026-02-27",
            "2026-03-28",
            "2026-10-24",
            "2026-12-30",
            "2026-07-15",
        ];
        let date: Timestamp = format!("{}T00:00:00Z", pick(rng, &dates))
            .parse()
            .expect("a date");
        let start = date + Span::minutes(rng.i64(0..1_440));
        let latency = pick(rng, &[Span::ZERO, Span::millis(100), Span::millis(2_000)]);
        let mut policy = ScenarioPolicy::draw(rng);
        let mut events = Vec::new();
        let at = |rng: &mut Rng| Span::millis(rng.i64(0..length.as_millis()));
        for client in 0..rng.u32(0..6 * u32::try_from(days).unwrap_or(1)) {
            let pool = rng.usize(0..policy.pools.len());
            // Where something else shows that they are there, many clients send no heartbeats.
            let show_themselves = match policy.pools[pool].watched {
                Some(_) => 40,
                None => 85,
            };
            let visit = ScenarioEvent::Visit {
                pool,
                client: client % 5,
                length: minutes(rng, 5, 300),
                heartbeats: odds(rng, show_themselves),
                releases: odds(rng, 85),
            };
            events.push((at(rng), visit));
        }
        for _ in 0..rng.u32(0..3) {
            let (pool, parked) = (rng.usize(0..policy.pools.len()), at(rng));
            events.push((parked, ScenarioEvent::Person { pool, parks: true }));
            events.push((
                parked + minutes(rng, 10, 600),
                ScenarioEvent::Person { pool, parks: false },
            ));
        }
        if odds(rng, 20) {
            events.push((at(rng), ScenarioEvent::BadRequest));
        }
        // A quarter of all scenarios has no fault, so that the strict promises are tried as well.
        let faults = if odds(rng, 25) { 0 } else { rng.u32(1..8) };
        for _ in 0..faults {
            let fault = Fault::draw(rng, policy.pools.len());
            events.push((at(rng), ScenarioEvent::Fault(fault)));
        }
        events.sort_by_key(|(at, _)| *at);
        policy.draw_caps(rng);
        // Drawn last, so that what else a seed stands for stays.
        if faults > 0 && odds(rng, 20) {
            let moves = ScenarioEvent::Fault(Fault::Edit(Edit::OtherService));
            events.extend((0..rng.u32(1..4)).map(|_| (at(rng), moves.clone())));
            events.sort_by_key(|(at, _)| *at);
        }
        policy.draw_team(rng);
        policy.draw_windows(rng);
        Self {
            seed,
            start,
            length,
            latency,
            policy,
            events,
        }
    }
}
