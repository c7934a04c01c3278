//! The promises of the design, checked after every event against the service's own books.
//!
//! What a promise cannot hold by nature has a bound that does; ARCHITECTURE.md says each in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::HostedSession;
use crate::keeper::{Period, PeriodKind, Status};
use crate::units::{PoolName, SessionId, SessionName, Size, SlotId, Span, Timestamp};

use super::scenario::{Rules, Scenario};
use crate::sim::World;
use crate::sim::network::wire::WireState;

/// A promise that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BrokenPromise {
    /// Its number in the design; 0 for what must never happen at all.
    pub(super) promise: u8,
    pub(super) at: Timestamp,
    pub(super) what: String,
}

/// What has happened that bounds a promise by nature.
#[derive(Clone, Debug, Default)]
pub(super) struct Natural {
    /// Somebody else's doing can fill a slot twice: a late effect, a lost ledger, a second daemon,
    /// an imitation.
    pub(super) doubles: bool,
    /// A wall clock was set.
    pub(super) stepped: bool,
    /// A machine slept.
    pub(super) slept: bool,
    /// A ledger was lost, or a second one kept.
    pub(super) forgot: bool,
}

/// The widest bounds of a pool that were ever in force.
#[derive(Clone, Debug)]
struct Bounds {
    lease: Span,
    /// `None` for never.
    idle: Option<Span>,
    life: Span,
    lead: Span,
    boot: Span,
    spare: usize,
    /// In price-minutes; `None` for unbounded.
    daily: Option<i64>,
}

/// What the checks remember.
pub(super) struct Promises {
    pub(super) natural: Natural,
    /// Since when nothing has been wrong.
    pub(super) calm_since: Timestamp,
    interval: Span,
    pools: BTreeMap<PoolName, Bounds>,
    daily: Option<i64>,
    monthly: Option<i64>,
    /// The rules in force.
    present: Rules,
    days: Vec<Period>,
    months: Vec<Period>,
    ledgers: i64,
    days_read: BTreeSet<usize>,
    revision: Option<u64>,
    live: BTreeMap<SessionId, Ours>,
    past: Past,
    double_since: BTreeMap<SlotId, Timestamp>,
    /// The sessions that have an older one beside them in their slot.
    successors: Vec<SessionId>,
    /// Until when a session waited as the successor of another.
    waited: BTreeMap<SessionId, Timestamp>,
}

/// All the time there is.
const WHOLE: Period = Period {
    start: Timestamp::MIN,
    end: Timestamp::MAX,
};
/// How long a request may take that nothing hinders.
const ANSWERED: Span = Span::seconds(10);
/// The longest that a failed request about a session waits for its next try, and a little.
const TRIED_AGAIN: Span = Span::seconds(75);

/// What an hour of a size costs in every story.
const fn price(size: &Size) -> i64 {
    match size {
        Size::Standard => 6,
        _ => 12,
    }
}

fn bound(limit: Option<u32>) -> Option<i64> {
    limit.map(|l| i64::from(l) * 60)
}

/// The wider of two bounds.
fn wider<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    a.zip(b).map(|(a, b)| a.max(b))
}

fn periods(kind: PeriodKind, scenario: &Scenario) -> Vec<Period> {
    let zone = scenario.policy.zone.parse().expect("a zone");
    let mut period = Period::containing(kind, scenario.start - Span::hours(48), zone);
    let mut periods = Vec::new();
    while period.start < scenario.start + scenario.length + Span::hours(96) {
        periods.push(period);
        period = period.next(kind, zone);
    }
    periods
}

/// One session of ours, as the books know it.
#[derive(Clone, Debug)]
struct Ours {
    id: SessionId,
    slot: SlotId,
    size: Size,
    created: Timestamp,
    ready: Option<Timestamp>,
    status: Status,
    /// When it ends if nobody does anything any more, without what outsiders added to its lease.
    end: Timestamp,
    /// Whether a daemon asked for it, and it began when it was asked for.
    regular: bool,
}

impl Ours {
    /// What it costs in a period, in price-minutes.
    fn cost(&self, period: Period) -> i64 {
        let Some(ready) = self.ready else { return 0 };
        i64::from(
            period
                .overlap(ready, self.end.max(ready))
                .floor_minutes()
                .get(),
        ) * price(&self.size)
    }
}

/// What ended sessions cost: in every day, in every month, and on the whole, by pool.
#[derive(Clone, Debug, Default)]
struct Past {
    days: BTreeMap<(usize, PoolName), i64>,
    months: BTreeMap<(usize, PoolName), i64>,
    whole: BTreeMap<PoolName, i64>,
}

impl Promises {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut promises = Self {
            natural: Natural::default(),
            calm_since: scenario.start,
            interval: scenario.policy.interval,
            pools: BTreeMap::new(),
            daily: bound(scenario.policy.daily),
            monthly: bound(scenario.policy.monthly),
            present: scenario.policy.clone(),
            days: periods(PeriodKind::Day, scenario),
            months: periods(PeriodKind::Month, scenario),
            ledgers: 1,
            days_read: BTreeSet::new(),
            revision: None,
            live: BTreeMap::new(),
            past: Past::default(),
            double_since: BTreeMap::new(),
            successors: Vec::new(),
            waited: BTreeMap::new(),
        };
        promises.widen(&scenario.policy);
        promises
    }

    /// Other rules are in force from now on.
    pub(super) fn widen(&mut self, rules: &Rules) {
        self.present = rules.clone();
        self.daily = wider(self.daily, bound(rules.daily));
        self.monthly = wider(self.monthly, bound(rules.monthly));
        for (n, pool) in rules.pools.iter().enumerate() {
            let name: PoolName = format!("p{n}").parse().expect("a name");
            let life = Span::minutes(i64::from(pool.life.min(1_439)));
            let new = Bounds {
                lease: Span::minutes(i64::from(pool.lease)),
                idle: pool.idle,
                life,
                lead: pool.boot.min(life.div(4)),
                boot: pool.boot,
                spare: pool.spare as usize,
                daily: bound(pool.daily),
            };
            let bounds = self.pools.entry(name).or_insert_with(|| new.clone());
            bounds.lease = bounds.lease.max(new.lease);
            bounds.daily = wider(bounds.daily, new.daily);
            bounds.spare = bounds.spare.max(new.spare);
        }
    }

    /// A ledger begins that knows nothing.
    pub(super) fn another_ledger(&mut self) {
        self.ledgers += 1;
        self.natural.forgot = true;
        self.natural.doubles = true;
    }

    /// Checks what must hold after every event.
    pub(super) fn check(&mut self, world: &World) -> Result<(), BrokenPromise> {
        let now = world.now();
        let mut wire = world.wire.lock();
        for daemon in &world.daemons {
            for reading in [daemon.reads(), now + daemon.ahead()] {
                self.days_read.extend(
                    self.days
                        .iter()
                        .position(|d| d.start <= reading && reading < d.end),
                );
            }
        }
        if let Some(trespass) = wire.log.trespasses.first() {
            return Err(broken(5, now, trespass.clone()));
        }
        if let Some(id) = wire.scattered.first() {
            return Err(broken(1, now, format!("{id} was created in two regions")));
        }
        if self.revision != Some(wire.revision) {
            self.revision = Some(wire.revision);
            self.look(now, &mut wire);
            self.exposure(now)?;
            self.spend(now)?;
            self.doubles(now)?;
        }
        self.lasting_doubles(now)?;
        for id in &self.successors {
            self.waited.insert(id.clone(), now);
        }
        self.idle(now, world, &wire)
    }

    /// Reads the books: what is new or changed, and what has ended since.
    fn look(&mut self, now: Timestamp, wire: &mut WireState) {
        let ids: BTreeSet<SessionId> = std::mem::take(&mut wire.touched)
            .into_iter()
            .chain(self.live.keys().cloned())
            .collect();
        for id in ids {
            let Some(session) = self.ours(now, wire, &id) else {
                continue;
            };
            if session.status.is_terminal() {
                if self.live.remove(&id).is_some() || session.created == now {
                    self.bury(&session);
                }
            } else {
                self.live.insert(id, session);
            }
        }
    }

    fn ours(&self, now: Timestamp, wire: &WireState, id: &SessionId) -> Option<Ours> {
        let slot = match self.live.get(id) {
            Some(known) => known.slot.clone(),
            None => SessionName::parse(&"st".parse().expect("an owner"), id)?.slot,
        };
        let rented = wire.sites.get(id).ok()?;
        let asked = wire.log.sessions.get(id);
        let lease = asked.map_or(Span::ZERO, |a| a.lease.min(rented.lease).span());
        let ready = rented.boots();
        let end = rented
            .end()
            .0
            .min(ready.map_or(Timestamp::MAX, |r| r + lease));
        let boot = self.pools.get(&slot.pool).map_or(Span::ZERO, |p| p.boot);
        let regular = asked
            .zip(ready)
            .is_some_and(|(a, ready)| a.first <= rented.created && ready <= a.first + boot);
        let (size, created, status) = (rented.size.clone(), rented.created, rented.status(now));
        Some(Ours {
            id: id.clone(),
            slot,
            size,
            created,
            ready,
            status,
            end,
            regular,
        })
    }

    /// Adds up what a session that has ended cost.
    fn bury(&mut self, session: &Ours) {
        if !session.regular {
            return;
        }
        let pool = &session.slot.pool;
        for (into, periods) in [
            (&mut self.past.days, &self.days),
            (&mut self.past.months, &self.months),
        ] {
            for (n, period) in periods.iter().enumerate() {
                let cost = session.cost(*period);
                if cost > 0 {
                    *into.entry((n, pool.clone())).or_default() += cost;
                }
            }
        }
        *self.past.whole.entry(pool.clone()).or_default() += session.cost(WHOLE);
    }

    /// Promise 3: whenever the daemon dies, nothing lives longer than its lease and a minute.
    fn exposure(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        for session in self.live.values().filter(|s| s.status == Status::Ready) {
            let Some(pool) = self.pools.get(&session.slot.pool) else {
                continue;
            };
            let exposure = session.end - now;
            if exposure > pool.lease + Span::minutes(1) {
                let what = format!(
                    "{} would go on for {exposure}, its lease is {}",
                    session.id, pool.lease
                );
                return Err(broken(3, now, what));
            }
        }
        Ok(())
    }

    /// What is spent in a period, or on the whole, and would be if nobody did anything any more.
    fn worst(&self, past: i64, period: Period, of: Option<&PoolName>) -> i64 {
        let live = self
            .live
            .values()
            .filter(|s| s.regular && of.is_none_or(|pool| s.slot.pool == *pool));
        past + live.map(|s| s.cost(period)).sum::<i64>()
    }

    /// Promise 2: what everything costs if nobody does anything any more fits every budget.
    fn spend(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        let pools = self
            .pools
            .iter()
            .map(|(name, bounds)| (bounds.daily, true, Some(name)));
        for (limit, daily, pool) in [(self.daily, true, None), (self.monthly, false, None)]
            .into_iter()
            .chain(pools)
        {
            let Some(limit) = limit.map(|l| l * self.ledgers) else {
                continue;
            };
            let ours = |name: &PoolName| pool.is_none_or(|pool| name == pool);
            if self.natural.stepped {
                // Spend falls on the days that the clocks showed; together they bound the whole.
                let past = self
                    .past
                    .whole
                    .iter()
                    .filter(|(name, _)| ours(name))
                    .map(|(_, cost)| cost)
                    .sum();
                let (total, days) = (self.worst(past, WHOLE, pool), self.days_read.len() + 1);
                if total > limit * i64::try_from(days).unwrap_or(i64::MAX) {
                    return Err(broken(
                        2,
                        now,
                        format!("{total} of {limit} × {days} days ({pool:?})"),
                    ));
                }
                continue;
            }
            let (periods, past) = if daily {
                (&self.days, &self.past.days)
            } else {
                (&self.months, &self.past.months)
            };
            for (n, period) in periods
                .iter()
                .enumerate()
                .filter(|(_, p)| p.end > now - Span::hours(1))
            {
                let past = past
                    .iter()
                    .filter(|((m, name), _)| *m == n && ours(name))
                    .map(|(_, cost)| cost)
                    .sum();
                let total = self.worst(past, *period, pool);
                if total > limit {
                    let what = format!(
                        "{total} of {limit} price-minutes ({pool:?}) from {}",
                        period.start
                    );
                    return Err(broken(2, now, what));
                }
            }
        }
        Ok(())
    }

    /// Promise 1: no slot has two live sessions, except old and successor.
    fn doubles(&mut self, now: Timestamp) -> Result<(), BrokenPromise> {
        let mut slots: BTreeMap<&SlotId, Vec<&Ours>> = BTreeMap::new();
        for session in self.live.values() {
            slots.entry(&session.slot).or_default().push(session);
        }
        slots.retain(|_, sessions| sessions.len() > 1);
        let younger = slots.values().flat_map(|s| {
            let oldest = s.iter().map(|s| s.created).min();
            s.iter().filter(move |s| Some(s.created) > oldest)
        });
        let successors = younger.map(|s| s.id.clone()).collect();
        let mut doubles = BTreeMap::new();
        for (slot, sessions) in slots {
            if sessions.len() == 2 && self.is_rollover(now, &sessions) {
                continue;
            }
            if !self.natural.doubles {
                let ids: Vec<&str> = sessions.iter().map(|s| s.id.as_str()).collect();
                return Err(broken(1, now, format!("{slot} has {}", ids.join(" and "))));
            }
            doubles.insert(
                slot.clone(),
                self.double_since.get(slot).copied().unwrap_or(now),
            );
        }
        (self.successors, self.double_since) = (successors, doubles);
        Ok(())
    }

    fn is_rollover(&self, now: Timestamp, sessions: &[&Ours]) -> bool {
        let old = sessions.iter().min_by_key(|s| s.created);
        let bounds = old.and_then(|old| self.pools.get(&old.slot.pool));
        let ready = old.and_then(|old| old.ready);
        let Some((bounds, ready)) = bounds.zip(ready) else {
            return false;
        };
        // The keeper reckons from the earliest possible ready time, which is up to a minute or an
        // interval before.
        let early = self.interval.max(Span::minutes(1)) + ANSWERED;
        ready + bounds.life - bounds.lead - early <= now
    }

    /// Where nature filled a slot twice, the rest is stopped once the service answers again.
    fn lasting_doubles(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        let patience = self.interval + self.interval + TRIED_AGAIN + Span::minutes(1);
        for (slot, since) in &self.double_since {
            if (*since).max(self.calm_since) + patience < now {
                return Err(broken(
                    1,
                    now,
                    format!("{slot} has had two live sessions since {since}"),
                ));
            }
        }
        Ok(())
    }

    /// Promise 6: an idle session is asked to stop by its time-out and one interval.
    fn idle(&self, now: Timestamp, world: &World, wire: &WireState) -> Result<(), BrokenPromise> {
        let mut late: BTreeMap<PoolName, Vec<SessionId>> = BTreeMap::new();
        if self.calm_since >= now {
            return Ok(());
        }
        for session in self.live.values().filter(|s| s.status == Status::Ready) {
            let Some(asked) = wire
                .log
                .sessions
                .get(&session.id)
                .filter(|a| a.stop.is_none())
            else {
                continue;
            };
            let Some(idle) = self.pools.get(&session.slot.pool).and_then(|p| p.idle) else {
                continue;
            };
            let waited = self.waited.get(&session.id).copied();
            let used = world
                .clients
                .last_used
                .get(&session.id)
                .copied()
                .max(session.ready)
                .max(waited)
                .unwrap_or(asked.first);
            // After a disturbance the daemon may first have to find the session, and count it as
            // active then.
            let calm = self.calm_since + self.interval + TRIED_AGAIN;
            if used.max(calm.min(now)) + idle + self.interval + ANSWERED < now {
                late.entry(session.slot.pool.clone())
                    .or_default()
                    .push(session.id.clone());
            }
        }
        for (pool, late) in late {
            if late.len() > self.pools.get(&pool).map_or(0, |p| p.spare) {
                return Err(broken(
                    6,
                    now,
                    format!("nobody uses {late:?} of {pool}, and none was asked to stop"),
                ));
            }
        }
        Ok(())
    }

    /// Promise 4: a session in use that ended while nothing was wrong. `stopped_for` is the reason
    /// that a daemon gave.
    pub(super) fn lost(
        &self,
        world: &World,
        id: &SessionId,
        stopped_for: Option<&str>,
    ) -> Result<(), BrokenPromise> {
        let now = world.now();
        let wire = world.wire.lock();
        let (Ok(rented), Some(asked)) = (wire.sites.get(id), wire.log.sessions.get(id)) else {
            return Ok(());
        };
        let Some(name) = SessionName::parse(&"st".parse().expect("an owner"), id) else {
            return Ok(());
        };
        let Some(bounds) = self.pools.get(&name.slot.pool) else {
            return Ok(());
        };
        let calm = self.calm_since <= rented.created
            || self.calm_since + bounds.lease + TRIED_AGAIN <= now;
        if !calm {
            return Ok(());
        }
        let wrong = match (rented.status(now), asked.stop) {
            (Status::Expired, None) => {
                rented.lease.span() < bounds.life
                    && self.affordable(now, world.daemons[0].started, &wire)
            }
            // A lost ledger forgets who holds a session.
            (Status::Stopped, Some(_)) if !self.natural.forgot => {
                matches!(
                    stopped_for,
                    Some("Idle" | "Surplus" | "RolledOver" | "BootTimeout" | "Duplicate")
                )
            }
            _ => false,
        };
        if wrong {
            let what = format!(
                "{id} was in use and ended {} ({stopped_for:?})",
                rented.status(now)
            );
            return Err(broken(4, now, what));
        }
        Ok(())
    }

    /// Whether every budget has room for one more lease of everything that lives, as a daemon
    /// reckons that started at `begun`.
    fn affordable(&self, now: Timestamp, begun: Timestamp, wire: &WireState) -> bool {
        let rules = &self.present;
        let daily: Vec<u32> = rules
            .pools
            .iter()
            .filter_map(|p| p.daily)
            .chain(rules.daily)
            .collect();
        if daily.is_empty() && rules.monthly.is_none() {
            return true;
        }
        let lease = self
            .pools
            .values()
            .map(|p| p.lease)
            .max()
            .unwrap_or_default();
        let live = i64::try_from(self.live.len() + 1).unwrap_or(i64::MAX);
        let more = 12 * i64::from(lease.ceil_minutes().get() + 3) * live;
        let from = self
            .days
            .iter()
            .rev()
            .find(|d| d.start <= now)
            .map_or(now, |d| d.start);
        let month = self
            .months
            .iter()
            .rev()
            .find(|d| d.start <= now)
            .map_or(now, |d| d.start);
        let spent = |since: Timestamp| -> i64 {
            let ids = wire.log.sessions.keys();
            // What outsiders added to a lease is paid for like the rest. Of a session that ended
            // while no daemon ran, only its length is known, and not on which side of midnight it
            // lies.
            let of = |s: &HostedSession| {
                let end = s.end().0;
                let ready = s.boots().unwrap_or(end);
                let part = (end.max(begun) - ready.max(since)).min(end - ready);
                (i64::from(part.ceil_minutes().get()) + 1) * price(&s.size)
            };
            ids.filter_map(|id| wire.sites.get(id).ok()).map(of).sum()
        };
        let room = |limit: u32, since| spent(since) + more <= i64::from(limit) * 60;
        daily.into_iter().all(|limit| room(limit, from))
            && rules.monthly.is_none_or(|limit| room(limit, month))
            && !self.natural.forgot
            && !self.natural.stepped
    }

    /// Promise 7: what a ledger knows for certain is what the service says, and what it does not
    /// know is a bound.
    pub(super) fn accounts(&self, world: &World) -> Result<(), BrokenPromise> {
        let now = world.now();
        let wire = world.wire.lock();
        let mut settled = BTreeSet::new();
        for daemon in &world.daemons {
            let mut wrong = None;
            daemon.with_ledger(|ledger| {
                let owner = "st".parse().expect("an owner");
                let read = ledger.each_settled(&owner, Timestamp::MIN, |account| {
                    settled.insert(account.id.clone());
                    let Ok(rented) = wire.sites.get(&account.id) else {
                        return;
                    };
                    let (truth, noted) = (rented.elapsed(now), account.minutes);
                    let ended = rented.status(now).is_terminal();
                    if !ended || (account.certain && truth != noted) || truth > noted {
                        wrong = Some(format!(
                            "{} has {noted} in the ledger and {truth} at the service",
                            account.id
                        ));
                    }
                });
                read.expect("the ledger can be read");
            });
            if let Some(what) = wrong {
                return Err(broken(7, now, what));
            }
        }
        let patience = self.interval + self.interval + TRIED_AGAIN;
        if self.natural.forgot || self.calm_since + patience > now {
            return Ok(());
        }
        for id in wire.log.sessions.keys() {
            let Ok(rented) = wire.sites.get(id) else {
                continue;
            };
            let over = rented.end().0.max(self.calm_since) + patience < now;
            if over && rented.elapsed(now).get() > 0 && !settled.contains(id) {
                return Err(broken(7, now, format!("{id} has ended and has no account")));
            }
        }
        Ok(())
    }
}

pub(super) fn broken(promise: u8, at: Timestamp, what: String) -> BrokenPromise {
    BrokenPromise { promise, at, what }
}
