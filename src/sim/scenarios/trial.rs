//! A trial: one story run from its beginning to its end, with every promise checked after every
//! event.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use crate::daemon::{Shared, reload_text};
use crate::keeper::{EventKind, Reason, Target};
use crate::units::{Minutes, PoolName, Region, SessionId, Size, Span, Timestamp};

use super::coverage::Coverage;
use super::promises::{BrokenPromise, Promises, broken};
use super::scenario::{Edit, Fault, Happening, REGIONS, Rules, Scenario};
use crate::sim::world::{WorldEvent, at_once};
use crate::sim::{Guest, NetworkFault, NetworkFaults, Servers, SimConfig, World};

/// What a story came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) hash: u64,
    pub(super) passes: u64,
    pub(super) coverage: Coverage,
}

/// More passes than this in an hour, taken over all of a story, are a daemon that spins.
const MOST_PASSES_AN_HOUR: u64 = 360;
/// How long after the last late effect was sent it can land.
const LATE: Span = Span::seconds(640);

/// Something that a fault brings about later.
#[derive(Clone, Copy, Debug)]
enum Later {
    RoomOnDisk,
    SecondDaemonEnds(usize),
}

struct Trial<'a, F> {
    aloud: F,
    scenario: &'a Scenario,
    world: World,
    rules: Rules,
    promises: Promises,
    coverage: Coverage,
    rng: Rng,
    later: Vec<Later>,
    /// Until when a fault is in force.
    trouble: Timestamp,
    /// Whether anything was wrong at the last event.
    wrong: bool,
    full: bool,
    second: Option<usize>,
    back: Option<Span>,
    gone: bool,
    stopped_for: BTreeMap<SessionId, &'static str>,
    planned: Option<Timestamp>,
}

/// Runs a story.
pub(super) fn run(scenario: &Scenario) -> Result<Came, BrokenPromise> {
    run_aloud(scenario, |_| {})
}

/// Runs a story, and says each event as it happens.
pub(super) fn run_aloud(
    scenario: &Scenario,
    aloud: impl FnMut(&str),
) -> Result<Came, BrokenPromise> {
    let climate = SimConfig {
        latency: scenario.latency,
        boots: (Span::seconds(10), Span::seconds(100)),
    };
    let world = World::new(
        scenario.policy.load(),
        scenario.seed,
        scenario.start,
        climate,
    )
    .expect("memory has room");
    let mut trial = Trial {
        aloud,
        scenario,
        rules: scenario.policy.clone(),
        promises: Promises::new(scenario),
        coverage: Coverage::default(),
        rng: Rng::with_seed(scenario.seed ^ 0x5eed),
        later: Vec::new(),
        trouble: scenario.start,
        wrong: false,
        full: false,
        second: None,
        back: None,
        gone: false,
        stopped_for: BTreeMap::new(),
        planned: None,
        world,
    };
    trial.world.wire.lock().followed = true;
    trial.tell_story();
    trial.run()
}

impl<F: FnMut(&str)> Trial<'_, F> {
    fn tell_story(&mut self) {
        let mut there: BTreeMap<(usize, u32), Timestamp> = BTreeMap::new();
        for (n, (after, happening)) in self.scenario.happens.iter().enumerate() {
            let at = self.scenario.start + *after;
            match happening {
                Happening::Visit {
                    pool,
                    client,
                    length,
                    beats,
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
                    let mut guest = Guest::new(name, pool_name(*pool), at, at + *length);
                    (guest.beats, guest.releases) = (*beats, *releases);
                    self.world.add_guest(guest);
                }
                _ => self.world.remind(at, n),
            }
        }
    }

    fn run(mut self) -> Result<Came, BrokenPromise> {
        let end = self.scenario.start + self.scenario.length;
        let most = MOST_PASSES_AN_HOUR
            * u64::try_from(self.scenario.length.as_secs() / 3_600 + 2).unwrap_or(u64::MAX);
        while let Some(happens) = self.world.step(end) {
            if let WorldEvent::Reminder(n) = happens {
                self.happen(n)?;
            }
            self.follow()?;
            if self.world.passes() > most {
                return Err(broken(
                    0,
                    self.world.now(),
                    "passes follow each other without end".into(),
                ));
            }
        }
        self.world.run_until(end);
        self.follow()?;
        self.promises.accounts(&self.world)?;
        for (trouble, n) in &self.world.wire.lock().met {
            *self
                .coverage
                .faults
                .entry(format!("Requests {trouble:?}"))
                .or_default() += n;
        }
        Ok(Came {
            hash: self.world.hash(),
            passes: self.world.passes(),
            coverage: self.coverage,
        })
    }

    /// Looks at what the last event brought.
    fn follow(&mut self) -> Result<(), BrokenPromise> {
        let now = self.world.now();
        for daemon in std::mem::take(&mut self.world.killed) {
            match self.back.take() {
                Some(back) if daemon == 0 && !self.gone => self.world.start_at(0, now + back),
                _ => self.gone |= daemon == 0,
            }
        }
        if let Some(error) = self.world.ledger_trouble.take() {
            return Err(broken(0, now, format!("a daemon could not start: {error}")));
        }
        self.keep_calm();
        for event in self.world.take_events() {
            self.coverage.hear(&event);
            let place = event
                .slot
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let id = event
                .session
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            (self.aloud)(&format!(
                "{now} {place} …{} {}",
                &id[id.len().saturating_sub(4)..],
                event.what
            ));
            match (&event.what, &event.session) {
                (EventKind::AuditFailed { message }, _) => {
                    return Err(broken(0, now, message.clone()));
                }
                (EventKind::ClockReset, _)
                    if !self.promises.natural.stepped && !self.promises.natural.slept =>
                {
                    return Err(broken(
                        0,
                        now,
                        format!("{:?} {}", event.session, event.what),
                    ));
                }
                (EventKind::Stopping { why }, Some(id)) => {
                    self.stopped_for.insert(id.clone(), short(why));
                }
                _ => {}
            }
        }
        self.see_plan();
        for (guest, id) in std::mem::take(&mut self.world.losses) {
            if self.world.guests[guest].beats {
                self.promises
                    .lost(&self.world, &id, self.stopped_for.get(&id).copied())?;
            }
        }
        self.promises.check(&self.world)
    }

    fn see_plan(&mut self) {
        let Some(shared) = self.world.daemons[0].shared() else {
            return;
        };
        let state = shared.lock();
        if let Some(plan) = state.plan.as_ref().filter(|p| self.planned != Some(p.now)) {
            self.coverage.see(plan);
            let wait = plan.next_wake - plan.now;
            if wait < Span::seconds(20) {
                (self.aloud)(&format!("{} looks again in {wait}", plan.now));
            }
            self.planned = Some(plan.now);
        }
    }

    /// Notes whether anything is wrong just now.
    fn keep_calm(&mut self) {
        let now = self.world.now();
        let daemon = &self.world.daemons[0];
        let wrong = !daemon.is_alive() || daemon.is_ending() || self.full || self.second.is_some();
        // What was wrong until now was wrong all the time since the last event.
        let was_wrong = std::mem::replace(&mut self.wrong, wrong);
        let since = if wrong || was_wrong {
            now
        } else {
            self.trouble.min(now)
        };
        self.promises.calm_since = self.promises.calm_since.max(since);
    }

    fn wrong_until(&mut self, until: Timestamp) {
        self.trouble = self.trouble.max(until);
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        self.world.daemons[0].shared().cloned()
    }

    fn remind(&mut self, at: Timestamp, later: Later) {
        self.world
            .remind(at, self.scenario.happens.len() + self.later.len());
        self.later.push(later);
    }

    fn happen(&mut self, n: usize) -> Result<(), BrokenPromise> {
        let Some((_, happening)) = self.scenario.happens.get(n) else {
            match self.later[n - self.scenario.happens.len()] {
                Later::RoomOnDisk => {
                    self.full = false;
                    self.refuse_writes(false);
                }
                Later::SecondDaemonEnds(daemon) => {
                    self.world.kill(daemon);
                    self.second = None;
                }
            }
            self.wrong_until(self.world.now());
            return Ok(());
        };
        match happening {
            Happening::Visit { .. } => Ok(()),
            Happening::Person { pool, parks } => {
                self.person(*pool, *parks);
                Ok(())
            }
            Happening::BadRequest => self.bad_request(),
            Happening::Fault(fault) => {
                self.coverage.struck(fault.name());
                (self.aloud)(&format!("{} # {fault:?}", self.world.now()));
                self.wrong_until(self.world.now());
                self.strike(fault)
            }
        }
    }

    fn person(&mut self, pool: usize, parks: bool) {
        let Some(shared) = self.shared() else { return };
        let target = Target::Pool(pool_name(pool));
        // A pool that an edit has removed is refused, as it should be.
        let _ = at_once(shared.grant(|keeper, now, policy| match parks {
            true => keeper.park(now, policy, &target).map(|()| ((), Vec::new())),
            false => keeper.wake(now, policy, &target).map(|events| ((), events)),
        }));
        self.world.nudge(0);
    }

    /// Promise 8: what cannot be granted is refused, and changes nothing.
    fn bad_request(&mut self) -> Result<(), BrokenPromise> {
        let Some(shared) = self.shared() else {
            return Ok(());
        };
        let kept = |shared: &Shared| {
            let state = shared.lock();
            (state.keeper.sessions.clone(), state.keeper.slots.clone())
        };
        let before = kept(&shared);
        let nowhere: PoolName = "nowhere".parse().expect("a name");
        let nobody = SessionId::new("st-p0-0-nobody").expect("an id");
        let granted = [
            at_once(shared.grant(|m, now, policy| m.acquire(now, policy, &nowhere, "c"))).is_ok(),
            at_once(shared.grant(|m, now, policy| {
                m.touch(now, policy, &Target::Session(nobody.clone()))
                    .map(|e| ((), e))
            }))
            .is_ok(),
            at_once(shared.grant(|m, now, _| m.release(now, &nobody, "c").map(|e| ((), vec![e]))))
                .is_ok(),
            at_once(shared.grant(|m, now, policy| {
                m.wake(now, policy, &Target::Pool(nowhere.clone()))
                    .map(|e| ((), e))
            }))
            .is_ok(),
        ];
        if granted.contains(&true) || kept(&shared) != before {
            return Err(broken(
                8,
                self.world.now(),
                format!("a request that cannot be granted was: {granted:?}"),
            ));
        }
        Ok(())
    }

    fn refuse_writes(&self, refuse: bool) {
        self.world.daemons[0].with_ledger(|ledger| {
            ledger
                .refuse_writes(refuse)
                .expect("SQLite takes the setting")
        });
    }

    fn strike(&mut self, fault: &Fault) -> Result<(), BrokenPromise> {
        let now = self.world.now();
        match fault {
            Fault::Kill { waits, back } => {
                self.world.daemons[0].fuse = Some(*waits);
                self.back = *back;
            }
            Fault::End { back } => {
                self.back = Some(*back);
                self.world.end(0);
            }
            Fault::LoseLedger { back } => {
                self.world.kill(0);
                self.world.lose_ledger(0);
                self.promises.another_ledger();
                if !self.gone {
                    self.world.start_at(0, now + *back);
                }
            }
            Fault::DiskFull { length } => {
                self.full = true;
                self.refuse_writes(true);
                self.remind(now + *length, Later::RoomOnDisk);
            }
            Fault::Requests {
                trouble,
                percent,
                length,
            } => {
                let until = now + *length;
                self.world
                    .wire
                    .lock()
                    .network
                    .inject(*trouble, until, *percent);
                self.promises.natural.doubles |= *trouble == NetworkFault::LateEffect;
                self.wrong_until(
                    until
                        + if *trouble == NetworkFault::LateEffect {
                            LATE
                        } else {
                            Span::minutes(2)
                        },
                );
            }
            Fault::Outage { length } => {
                self.world.wire.lock().network.cut(now + *length);
                self.wrong_until(now + *length + Span::seconds(20));
            }
            Fault::Boot { how, length } => {
                self.each_servers(|servers| servers.trouble(*how, now + *length))
            }
            Fault::Exhausted { premium, length } => {
                let size = if *premium {
                    Size::Premium
                } else {
                    Size::Standard
                };
                self.each_servers(|servers| servers.exhaust(size.clone(), now + *length));
            }
            Fault::RegionExhausted { second, length } => {
                let region = self.region(*second);
                if let Some(site) = self.world.wire.lock().sites.at(region.as_ref()) {
                    for size in [Size::Standard, Size::Premium] {
                        site.servers.exhaust(size, now + *length);
                    }
                }
            }
            Fault::RegionOutage { second, length } => {
                let region = self.region(*second);
                let cut = |network: &mut NetworkFaults| match region {
                    Some(region) => network.cut_region(region, now + *length),
                    None => network.cut(now + *length),
                };
                cut(&mut self.world.wire.lock().network);
                self.wrong_until(now + *length + Span::seconds(20));
            }
            Fault::ClockStep { by } => {
                self.world.daemons[0].wall.step(*by);
                self.promises.natural.stepped = true;
                self.wrong_until(now + self.rules.interval);
            }
            Fault::Suspend { length } => {
                self.world.suspend(0, now + *length);
                self.promises.natural.slept = true;
                self.wrong_until(now + *length + Span::seconds(20));
            }
            Fault::SecondDaemon { length } => {
                if self.second.is_none() {
                    let policy = self.world.daemons[0].policy.clone();
                    let number = self.world.add_daemon(policy).expect("memory has room");
                    self.second = Some(number);
                    self.promises.another_ledger();
                    self.remind(now + *length, Later::SecondDaemonEnds(number));
                }
            }
            Fault::OutsiderCreates
            | Fault::OutsiderImitates { .. }
            | Fault::OutsiderExtends { .. }
            | Fault::OutsiderStops => {
                self.outsider(fault);
            }
            Fault::Edit(edit) => return self.edit(*edit),
        }
        Ok(())
    }

    /// The first region or the second, in a story that has two.
    fn region(&self, second: bool) -> Option<Region> {
        self.rules
            .regions
            .then(|| REGIONS[usize::from(second)].parse().expect("a region"))
    }

    fn each_servers(&self, change: impl Fn(&mut Servers)) {
        self.world
            .wire
            .lock()
            .sites
            .all()
            .for_each(|site| change(&mut site.servers));
    }

    fn outsider(&mut self, fault: &Fault) {
        let draw = self.rng.u128(..);
        let ulid = ulid::Ulid::from(draw);
        let which = self.rng.usize(..);
        self.world.outsider(|sites, now| {
            let ours: Vec<SessionId> = sites
                .live(now)
                .filter(|s| s.id.as_str().starts_with("st-"))
                .map(|s| s.id.clone())
                .collect();
            let one = (!ours.is_empty()).then(|| ours[which % ours.len()].clone());
            let create = match fault {
                Fault::OutsiderCreates => Some(format!("other-p0-0-{ulid}")),
                Fault::OutsiderImitates { pool } => Some(format!("st-p{pool}-0-{ulid}")),
                _ => None,
            };
            if let Some(id) = create {
                let id = SessionId::new(&id).expect("an id");
                let site = sites.all().next().expect("a site");
                site.book
                    .create(
                        &mut site.servers,
                        &id,
                        &Size::Standard,
                        Minutes::new(60),
                        now,
                    )
                    .ok()?;
                return Some(id);
            }
            let id = one?;
            let site = sites.of(&id)?;
            match fault {
                Fault::OutsiderExtends { by } => {
                    let lease = site.book.get(&id).ok()?.lease.plus(Minutes::new(*by));
                    site.book.extend(&mut site.servers, &id, lease, now).ok()?;
                }
                _ => site.book.stop(&mut site.servers, &id, now).ok()?,
            }
            Some(id)
        });
        self.promises.natural.doubles |= matches!(fault, Fault::OutsiderImitates { .. });
    }

    /// Promise 8: a policy that cannot be used is refused, and the old one stays.
    fn edit(&mut self, edit: Edit) -> Result<(), BrokenPromise> {
        let refused = match edit {
            Edit::Nonsense => Some("owner = \"st\"\n[[pool]\nname = 7".to_owned()),
            Edit::OtherOwner => Some(self.rules.text().replacen("\"st\"", "\"ts\"", 1)),
            _ => None,
        };
        let shared = self.shared();
        if let Some(text) = refused {
            let Some(shared) = shared else { return Ok(()) };
            let before = shared.lock().policy.clone();
            let taken = at_once(reload_text(&shared, "policy.toml", &text));
            if taken.is_ok() || !Arc::ptr_eq(&before, &shared.lock().policy) {
                return Err(broken(
                    8,
                    self.world.now(),
                    format!("a policy that cannot be used was taken: {edit:?}"),
                ));
            }
            return Ok(());
        }
        self.rules = self.rules.edited(edit);
        self.promises.widen(&self.rules);
        self.world.daemons[0].policy = Arc::new(self.rules.load());
        if let Some(shared) = shared {
            if let Err(error) = at_once(reload_text(&shared, "policy.toml", &self.rules.text())) {
                return Err(broken(
                    8,
                    self.world.now(),
                    format!("a good policy was refused: {error}"),
                ));
            }
            self.world.nudge(0);
        }
        Ok(())
    }
}

fn pool_name(pool: usize) -> PoolName {
    format!("p{pool}").parse().expect("a name")
}

/// The reasons of a stop that promise 4 asks about.
const fn short(why: &Reason) -> &'static str {
    match why {
        Reason::Idle { .. } => "Idle",
        Reason::Surplus => "Surplus",
        Reason::RolledOver { .. } => "RolledOver",
        Reason::BootTimeout { .. } => "BootTimeout",
        Reason::Duplicate { .. } => "Duplicate",
        _ => "another reason",
    }
}
