//! The run of a scenario: what it says is brought about, and every promise is checked after it.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::sim::scenarios::coverage::Coverage;
use crate::sim::scenarios::promises::{BrokenPromise, Promises, broken};
use crate::sim::scenarios::scenario::{Scenario, ScenarioEvent};
use crate::sim::world::{ClientVisit, SimConfig, World, WorldEvent};
use crate::units::{Span, Timestamp};

use super::state::{Delayed, Trial};

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::scenarios) struct TrialResult {
    pub(in crate::sim::scenarios) hash: u64,
    pub(in crate::sim::scenarios) passes: u64,
    pub(in crate::sim::scenarios) coverage: Coverage,
}

/// More passes than this in an hour, taken over all of a scenario, are a daemon that spins.
const MOST_PASSES_AN_HOUR: u64 = 360;

/// Runs a scenario.
pub(in crate::sim::scenarios) fn run(scenario: &Scenario) -> Result<TrialResult, BrokenPromise> {
    run_reporting(scenario, |_| {})
}

/// Runs a scenario, and reports each event as it happens.
pub(in crate::sim::scenarios) fn run_reporting(
    scenario: &Scenario,
    report: impl FnMut(&str),
) -> Result<TrialResult, BrokenPromise> {
    let config = SimConfig {
        latency: scenario.latency,
        boots: (Span::seconds(10), Span::seconds(100)),
    };
    let world = World::new(
        scenario.policy.load(),
        scenario.seed,
        scenario.start,
        config,
    )
    .expect("memory has room");
    let mut trial = Trial {
        report,
        scenario,
        policy: scenario.policy.clone(),
        promises: Promises::new(scenario),
        coverage: Coverage::default(),
        rng: Rng::with_seed(scenario.seed ^ 0x5eed),
        delayed: Vec::new(),
        faults_until: scenario.start,
        wrong: false,
        disk_full: false,
        second: None,
        restart_after: None,
        stays_down: false,
        stop_reasons: BTreeMap::new(),
        counted_plan: None,
        world,
    };
    trial.world.wire.lock().followed = true;
    trial.schedule_events();
    trial.run()
}

impl<F: FnMut(&str)> Trial<'_, F> {
    fn schedule_events(&mut self) {
        let mut there: BTreeMap<(usize, u32), Timestamp> = BTreeMap::new();
        for (n, (after, event)) in self.scenario.events.iter().enumerate() {
            let at = self.scenario.start + *after;
            match event {
                ScenarioEvent::Visit {
                    pool,
                    client,
                    length,
                    heartbeats,
                    releases,
                } => {
                    // A name is one client's: whoever gives a session back under it gives it back
                    // for good.
                    let until = there.entry((*pool, *client)).or_insert(at);
                    let name = if *until > at {
                        format!("c{client}-{n}")
                    } else {
                        format!("c{client}")
                    };
                    *until = (*until).max(at + *length);
                    let mut visit =
                        ClientVisit::new(name, self.policy.name(*pool), at, at + *length);
                    (visit.heartbeats, visit.releases) = (*heartbeats, *releases);
                    self.world.add_visit(visit);
                }
                _ => self.world.remind(at, n),
            }
        }
    }

    fn run(mut self) -> Result<TrialResult, BrokenPromise> {
        let end = self.scenario.start + self.scenario.length;
        let most = MOST_PASSES_AN_HOUR
            * u64::try_from(self.scenario.length.as_secs() / 3_600 + 2).unwrap_or(u64::MAX);
        while let Some(event) = self.world.step(end) {
            if let WorldEvent::Reminder(n) = event {
                self.bring_about(n)?;
            }
            self.check_events()?;
            if self.world.passes() > most {
                return Err(broken(
                    0,
                    self.world.now(),
                    "passes follow each other without end".into(),
                ));
            }
        }
        self.world.run_until(end);
        self.check_events()?;
        self.promises.accounts(&self.world)?;
        for (fault, n) in &self.world.wire.lock().met {
            *self
                .coverage
                .faults
                .entry(format!("Requests {fault:?}"))
                .or_default() += n;
        }
        Ok(TrialResult {
            hash: self.world.hash(),
            passes: self.world.passes(),
            coverage: self.coverage,
        })
    }

    fn bring_about(&mut self, n: usize) -> Result<(), BrokenPromise> {
        let Some((_, event)) = self.scenario.events.get(n) else {
            match self.delayed[n - self.scenario.events.len()] {
                Delayed::RoomOnDisk => {
                    self.disk_full = false;
                    self.refuse_writes(false);
                }
                Delayed::SecondDaemonEnds(daemon) => {
                    self.world.kill(daemon);
                    self.second = None;
                }
            }
            self.fault_until(self.world.now());
            return Ok(());
        };
        match event {
            ScenarioEvent::Visit { .. } => Ok(()),
            ScenarioEvent::Person { pool, parks } => {
                self.park_or_wake(*pool, *parks);
                Ok(())
            }
            ScenarioEvent::BadRequest => self.bad_request(),
            ScenarioEvent::Fault(fault) => {
                self.coverage.count_fault(fault.name());
                (self.report)(&format!("{} # {fault:?}", self.world.now()));
                self.fault_until(self.world.now());
                self.inject(fault)
            }
        }
    }
}
