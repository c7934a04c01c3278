//! What the checks remember: the bounds in force, and the sessions as the registries had them last.

use std::collections::{BTreeMap, BTreeSet};

use crate::keeper::{Period, PeriodKind};
use crate::sim::network::wire::WireState;
use crate::sim::scenarios::policy::ScenarioPolicy;
use crate::sim::scenarios::scenario::Scenario;
use crate::units::{PoolName, SessionId, SlotId, Span, Timestamp};

use super::bounds::{ALL_TIME, Exemptions, PoolBounds, bound, periods, wider};
use super::session::{OwnSession, PastCosts, own_slot};

/// What the checks remember.
pub(in crate::sim::scenarios) struct Promises {
    pub(in crate::sim::scenarios) exempt: Exemptions,
    /// Since when nothing has been wrong.
    pub(in crate::sim::scenarios) calm_since: Timestamp,
    pub(super) interval: Span,
    pub(super) pools: BTreeMap<PoolName, PoolBounds>,
    pub(super) daily: Option<i64>,
    pub(super) monthly: Option<i64>,
    pub(super) max_exposure: Option<i64>,
    /// The rules in force.
    pub(super) present: ScenarioPolicy,
    pub(super) days: Vec<Period>,
    pub(super) months: Vec<Period>,
    pub(super) ledgers: i64,
    pub(super) days_read: BTreeSet<usize>,
    pub(super) revision: Option<u64>,
    pub(super) live: BTreeMap<SessionId, OwnSession>,
    pub(super) past: PastCosts,
    pub(super) double_since: BTreeMap<SlotId, Timestamp>,
    /// The sessions that have an older one beside them in their slot.
    pub(super) successors: Vec<SessionId>,
    /// Until when a session waited as the successor of another.
    pub(super) waited: BTreeMap<SessionId, Timestamp>,
}

impl Promises {
    /// The checks of a scenario that is about to begin.
    pub(in crate::sim::scenarios) fn new(scenario: &Scenario) -> Self {
        let mut promises = Self {
            exempt: Exemptions::default(),
            calm_since: scenario.start,
            interval: scenario.policy.interval,
            pools: BTreeMap::new(),
            daily: bound(scenario.policy.daily),
            monthly: bound(scenario.policy.monthly),
            max_exposure: bound(scenario.policy.max_exposure),
            present: scenario.policy.clone(),
            days: periods(PeriodKind::Day, scenario),
            months: periods(PeriodKind::Month, scenario),
            ledgers: 1,
            days_read: BTreeSet::new(),
            revision: None,
            live: BTreeMap::new(),
            past: PastCosts::default(),
            double_since: BTreeMap::new(),
            successors: Vec::new(),
            waited: BTreeMap::new(),
        };
        promises.widen(&scenario.policy);
        promises
    }

    /// Other rules are in force from now on.
    pub(in crate::sim::scenarios) fn widen(&mut self, rules: &ScenarioPolicy) {
        self.present = rules.clone();
        self.daily = wider(self.daily, bound(rules.daily));
        self.monthly = wider(self.monthly, bound(rules.monthly));
        self.max_exposure = wider(self.max_exposure, bound(rules.max_exposure));
        for (n, pool) in rules.pools.iter().enumerate() {
            let name: PoolName = format!("p{n}").parse().expect("a name");
            let life = Span::minutes(i64::from(pool.life.min(1_439)));
            let new = PoolBounds {
                lease: Span::minutes(i64::from(pool.lease)),
                idle: pool.idle,
                life,
                lead: pool.boot.min(life.div(4)),
                boot: pool.boot,
                spare: pool.spare as usize,
                is_watched: pool.watched.is_some(),
                unknown_limit: pool.unknown_limit(),
                daily: bound(pool.daily),
                max_exposure: bound(pool.max_exposure),
            };
            let bounds = self.pools.entry(name).or_insert_with(|| new.clone());
            bounds.lease = bounds.lease.max(new.lease);
            bounds.daily = wider(bounds.daily, new.daily);
            bounds.max_exposure = wider(bounds.max_exposure, new.max_exposure);
            bounds.spare = bounds.spare.max(new.spare);
        }
    }

    /// A ledger begins that knows nothing.
    pub(in crate::sim::scenarios) fn another_ledger(&mut self) {
        self.ledgers += 1;
        self.exempt.forgot = true;
        self.exempt.doubles = true;
    }

    /// Reads the registries: what is new or changed, and what has ended since.
    pub(super) fn observe(&mut self, now: Timestamp, wire: &mut WireState) {
        let ids: BTreeSet<SessionId> = std::mem::take(&mut wire.touched)
            .into_iter()
            .chain(self.live.keys().cloned())
            .collect();
        for id in ids {
            let Some(session) = self.own_session(now, wire, &id) else {
                continue;
            };
            if session.status.is_terminal() {
                if self.live.remove(&id).is_some() || session.created == now {
                    self.add_costs(&session);
                }
            } else {
                self.live.insert(id, session);
            }
        }
    }

    fn own_session(&self, now: Timestamp, wire: &WireState, id: &SessionId) -> Option<OwnSession> {
        let slot = match self.live.get(id) {
            Some(known) => known.slot.clone(),
            None => own_slot(id)?,
        };
        let hosted = wire.sites.get(id).ok()?;
        let asked = wire.log.sessions.get(id);
        let lease = asked.map_or(Span::ZERO, |a| a.lease.min(hosted.lease).span());
        let ready = hosted.boots();
        let end = hosted
            .end()
            .0
            .min(ready.map_or(Timestamp::MAX, |r| r + lease));
        let boot = self.pools.get(&slot.pool).map_or(Span::ZERO, |p| p.boot);
        let regular = asked
            .zip(ready)
            .is_some_and(|(a, ready)| a.first <= hosted.created && ready <= a.first + boot);
        let (size, created, status) = (hosted.size.clone(), hosted.created, hosted.status(now));
        Some(OwnSession {
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
    fn add_costs(&mut self, session: &OwnSession) {
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
        *self.past.whole.entry(pool.clone()).or_default() += session.cost(ALL_TIME);
    }
}
