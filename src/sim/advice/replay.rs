//! The same visits with each of several settings of a pool.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::ledger::LedgerError;
use crate::policy::{Policy, Pool};
use crate::sim::report::{Figures, Heading, Report};
use crate::sim::run::run;
use crate::sim::usage::{Days, Visit};
use crate::sim::world::SimConfig;
use crate::units::Span;

use super::{Advice, Trial};

/// What is varied of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How long a session may be idle; `None` for ever.
    pub idle_timeout: Option<Span>,
    /// Sessions kept Ready and unheld.
    pub spare: u32,
}

impl Setting {
    /// The pool's own.
    pub fn of(pool: &Pool) -> Self {
        Self {
            idle_timeout: pool.idle_timeout,
            spare: pool.spare,
        }
    }
}

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Every setting: by idle time-out, the shortest first and none last, and then by spares.
    pub settings: Vec<Setting>,
    /// Which of them is the pool's own.
    now: usize,
}

impl Grid {
    /// Every pair of an idle time-out and a number of spares that the pool has slots for, its own
    /// among them.
    pub fn around(pool: &Pool, idle: &[Option<Span>], spares: &[u32]) -> Self {
        // What is for ever stands behind every span.
        let key = |idle: Option<Span>| (idle.is_none(), idle);
        let own = Setting::of(pool);
        let idle = idle.iter().copied().chain([own.idle_timeout]);
        let idle: BTreeSet<_> = idle.map(key).collect();
        let spares = spares.iter().copied().filter(|n| *n <= pool.max);
        let spares: BTreeSet<u32> = spares.chain([own.spare]).collect();
        let of = |(_, idle_timeout): &(bool, Option<Span>)| {
            let idle_timeout = *idle_timeout;
            let setting = move |spare: &u32| Setting {
                idle_timeout,
                spare: *spare,
            };
            spares.iter().map(setting)
        };
        let settings: Vec<Setting> = idle.iter().flat_map(of).collect();
        // Its own values were put in above.
        let now = settings.iter().position(|s| *s == own).unwrap_or_default();
        Self { settings, now }
    }
}

/// What is replayed.
pub struct Replay<'a> {
    /// The policy as it is.
    pub policy: &'a Policy,
    /// The pool that is advised on.
    pub pool: &'a Pool,
    /// All visits of the policy's pools.
    pub visits: &'a [Visit],
    /// What the figures are of.
    pub heading: Heading,
    /// What is drawn at random.
    pub seed: u64,
    /// How servers boot.
    pub config: SimConfig,
}

impl Replay<'_> {
    /// Tries every setting, on as many threads as there are processors. `progress` is called with
    /// how many are done, from any of them.
    ///
    /// # Errors
    /// If a simulated daemon's ledger, which is kept in memory, cannot be made, read or written.
    pub fn advice(
        &self,
        grid: &Grid,
        progress: impl Fn(usize) + Sync,
    ) -> Result<Advice, LedgerError> {
        let Heading {
            policy,
            usage,
            days,
        } = self.heading.clone();
        let mut advice = Advice {
            policy,
            pool: self.pool.name.clone(),
            usage,
            first_day: days.first,
            days: days.count,
            time_zone: days.zone.name().into(),
            currency: self.policy.prices.known_currency(),
            trials: self.trials(&grid.settings, progress)?,
            now: grid.now,
            knee: None,
        };
        advice.judge();
        Ok(advice)
    }

    fn trials(
        &self,
        settings: &[Setting],
        progress: impl Fn(usize) + Sync,
    ) -> Result<Vec<Trial>, LedgerError> {
        let (policy, visits) = self.part();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let trials = Mutex::new(Vec::with_capacity(settings.len()));
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(setting) = settings.get(at) else {
                    return;
                };
                let trial = self.trial(&policy, &visits, *setting);
                // A thread that panicked ends the whole scope, so nobody sees a poisoned list.
                trials
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((at, trial));
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..threads.min(settings.len()) {
                scope.spawn(work);
            }
        });
        let mut trials = trials.into_inner().unwrap_or_else(PoisonError::into_inner);
        trials.sort_by_key(|(at, _)| *at);
        trials.into_iter().map(|(_, trial)| trial).collect()
    }

    /// What has to be simulated: the pool alone, unless it shares a bound on money with others.
    fn part(&self) -> (Policy, Vec<Visit>) {
        let mut policy = self.policy.clone();
        let mut visits = self.visits.to_vec();
        let budget = &policy.budget;
        let shared = [budget.daily, budget.monthly, budget.max_exposure];
        if shared.iter().all(Option::is_none) {
            policy.pools.retain(|pool| pool.name == self.pool.name);
            visits.retain(|visit| visit.pool == self.pool.name);
        }
        (policy, visits)
    }

    fn trial(
        &self,
        policy: &Policy,
        visits: &[Visit],
        setting: Setting,
    ) -> Result<Trial, LedgerError> {
        let mut policy = policy.clone();
        for pool in policy.pools.iter_mut().filter(|p| p.name == self.pool.name) {
            pool.idle_timeout = setting.idle_timeout;
            pool.spare = setting.spare;
        }
        let days: Days = self.heading.days;
        let record = run(&policy, visits, days, self.seed, self.config, |_| ())?;
        let report = Report::of(&record, &policy, &self.heading);
        let pool = report.pools.iter().find(|p| p.pool == self.pool.name);
        let none = Figures::default();
        let figures = pool.map_or(&none, |pool| &pool.figures);
        let own = report.visits.iter().filter(|v| v.pool == self.pool.name);
        let waits = own.map(|v| v.waited_seconds.unwrap_or((v.to - v.from).as_secs()));
        Ok(Trial::of(setting, figures, waits.sum(), report.priced))
    }
}
