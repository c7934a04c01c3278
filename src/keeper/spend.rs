//! What ended sessions cost, by period and pool.
//!
//! A session that crossed midnight is charged, in each period, with the largest part of it that can
//! fall there, so a budget is never exceeded by not knowing the second. A report that must add up
//! splits exactly instead ([`split_days`]).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::units::{Cost, Minutes, PoolName, Price, Span, TeamName, Timestamp};

use super::period::{Period, PeriodKind, first_date};
use super::scope::BudgetScope;
use super::settled::Settled;

/// The longest account that is split over days. No lease is nearly as long, so what a ledger holds
/// beyond it was never true, and would take for ever to go through.
const LONGEST: Minutes = Minutes::new(366 * 24 * 60);

/// What ended sessions cost. It is kept for one time zone, and is made again from the
/// ledger for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    zone: Tz,
    costs: BTreeMap<(PeriodKind, Timestamp), BTreeMap<PoolName, Cost>>,
    /// What their holds cost the teams that they counted to.
    teams: BTreeMap<(PeriodKind, Timestamp), BTreeMap<TeamName, Cost>>,
}

impl Default for Spent {
    fn default() -> Self {
        Self::new(Tz::UTC)
    }
}

impl Spent {
    /// No spend yet, for budgets of a time zone.
    pub const fn new(zone: Tz) -> Self {
        Self {
            zone,
            costs: BTreeMap::new(),
            teams: BTreeMap::new(),
        }
    }

    /// The time zone whose days and months it counts.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Adds the account of one ended session.
    pub fn add(&mut self, settled: &Settled) {
        if settled.minutes == Minutes::ZERO {
            return;
        }
        let ready = settled.ready_or_guess();
        let length = settled.minutes.min(LONGEST).span();
        let whole = (ready.earliest(), ready.latest(), length);
        for (period, cost) in costs(whole, settled.price, self.zone) {
            let pools = self.costs.entry(period).or_default();
            *pools.entry(settled.slot.pool.clone()).or_default() += cost;
        }
        for used in &settled.uses {
            let Some(team) = &used.team else { continue };
            let part = (used.from, used.from, (used.to - used.from).min(length));
            for (period, cost) in costs(part, settled.price, self.zone) {
                let teams = self.teams.entry(period).or_default();
                *teams.entry(team.clone()).or_default() += cost;
            }
        }
    }

    /// What a pool's ended sessions cost in the period that starts at an instant.
    pub fn of_pool(&self, kind: PeriodKind, start: Timestamp, pool: &PoolName) -> Cost {
        self.costs
            .get(&(kind, start))
            .and_then(|pools| pools.get(pool))
            .copied()
            .unwrap_or_default()
    }

    /// What all ended sessions cost in the period that starts at an instant, pools of older
    /// policies included.
    pub fn total(&self, kind: PeriodKind, start: Timestamp) -> Cost {
        self.costs
            .get(&(kind, start))
            .map(|pools| pools.values().copied().sum())
            .unwrap_or_default()
    }

    /// What the ended sessions of a scope cost in the period that starts at an instant.
    pub fn in_scope(&self, kind: PeriodKind, start: Timestamp, scope: &BudgetScope) -> Cost {
        match scope {
            BudgetScope::Policy => self.total(kind, start),
            BudgetScope::Pool(pool) => self.of_pool(kind, start, pool),
            BudgetScope::Team(team) => {
                let teams = self.teams.get(&(kind, start));
                let cost = teams.and_then(|teams| teams.get(team));
                cost.copied().unwrap_or_default()
            }
        }
    }

    /// Counts what one pool's sessions cost as another one's. Whether there was anything.
    pub(super) fn rename(&mut self, from: &PoolName, to: &PoolName) -> bool {
        let mut any = false;
        for pools in self.costs.values_mut() {
            if let Some(cost) = pools.remove(from) {
                any = true;
                *pools.entry(to.clone()).or_default() += cost;
            }
        }
        any
    }

    /// Forgets periods that ended before an instant; no budget asks for them again.
    pub fn forget_before(&mut self, instant: Timestamp) {
        let is_kept = |(kind, start): &(PeriodKind, Timestamp)| match kind {
            PeriodKind::Day => *start + Span::hours(48) > instant,
            PeriodKind::Month => *start + Span::hours(33 * 24) > instant,
        };
        self.costs.retain(|period, _| is_kept(period));
        self.teams.retain(|period, _| is_kept(period));
    }
}

/// The most that a stretch of time can cost in each day and month that it can touch. It begins
/// between two instants, and has a length.
fn costs(
    (earliest, latest, length): (Timestamp, Timestamp, Span),
    price: Price,
    zone: Tz,
) -> Vec<((PeriodKind, Timestamp), Cost)> {
    let mut costs = Vec::new();
    for kind in [PeriodKind::Day, PeriodKind::Month] {
        let mut period = Period::containing(kind, earliest, zone);
        while period.start < latest + length {
            let cost = price.cost(period.most(earliest, latest, length));
            if cost > Cost::ZERO {
                costs.push(((kind, period.start), cost));
            }
            period = period.next(kind, zone);
        }
    }
    costs
}

/// Splits the minutes of a session over the days it ran in, so that the parts add up to the whole:
/// each midnight falls at a whole minute counted from `ready`.
pub fn split_days(ready: Timestamp, minutes: Minutes, zone: Tz) -> Vec<(NaiveDate, Minutes)> {
    let minutes = minutes.min(LONGEST);
    let mut parts = Vec::new();
    let mut counted = Minutes::ZERO;
    let mut day = Period::containing(PeriodKind::Day, ready, zone);
    while counted < minutes {
        let until_midnight = (day.end - ready).floor_minutes().min(minutes);
        if until_midnight > counted {
            parts.push((
                first_date(PeriodKind::Day, day.start, zone),
                until_midnight.minus(counted),
            ));
            counted = until_midnight;
        }
        day = day.next(PeriodKind::Day, zone);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keeper::lease::LeaseClock;
    use crate::keeper::session::Status;
    use crate::units::{SessionId, Size};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn settled(ready: Timestamp, minutes: u32) -> Settled {
        Settled {
            id: SessionId::new("s").expect("an id"),
            slot: "a/0".parse().expect("a slot"),
            region: None,
            size: Size::Standard,
            status: Status::Stopped,
            ready: LeaseClock::new(ready - Span::seconds(40), ready),
            minutes: Minutes::new(minutes),
            certain: true,
            price: "6".parse().expect("a price"),
            ended: ready + Span::minutes(i64::from(minutes)),
            why: None,
            uses: Vec::new(),
        }
    }

    #[test]
    fn a_session_over_midnight_is_charged_with_the_most_that_can_fall_into_each_day() {
        let mut spent = Spent::new(Tz::UTC);
        spent.add(&settled(at("2026-03-01T23:50:00Z"), 30));
        let day = |t: &str| spent.total(PeriodKind::Day, at(t)).to_money(2).to_string();
        // Ready between 23:49:20 and 23:50:00: at most 11 minutes before midnight and 20 after it.
        assert_eq!(day("2026-03-01T00:00:00Z"), "1.10");
        assert_eq!(day("2026-03-02T00:00:00Z"), "2.00");
        assert_eq!(
            spent
                .total(PeriodKind::Month, at("2026-03-01T00:00:00Z"))
                .to_money(2)
                .to_string(),
            "3.00"
        );
    }

    #[test]
    fn what_costs_nothing_is_not_remembered() {
        let mut spent = Spent::new(Tz::UTC);
        let mut free = settled(at("2026-03-01T23:50:00Z"), 30);
        free.price = "0".parse().expect("a price");
        spent.add(&free);
        assert_eq!(spent, Spent::new(Tz::UTC));
    }

    #[test]
    fn an_account_that_was_never_true_counts_for_a_year_and_a_day() {
        let mut spent = Spent::new(Tz::UTC);
        let begins = at("2026-03-01T00:00:00Z");
        spent.add(&settled(begins, u32::MAX));
        let day = |n: i64| {
            let start = begins + Span::hours(24 * n);
            spent.total(PeriodKind::Day, start).to_money(2).to_string()
        };
        assert_eq!([364, 365, 366].map(day), ["144.00", "144.00", "0.00"]);
        let parts = split_days(begins, Minutes::new(u32::MAX), Tz::UTC);
        assert_eq!(parts.len(), 366);
    }

    #[test]
    fn a_day_of_which_less_than_a_minute_is_left_has_no_part_of_a_session() {
        let parts = split_days(at("2026-03-01T23:59:30Z"), Minutes::new(10), Tz::UTC);
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        assert_eq!(parts, [(date("2026-03-02"), Minutes::new(10))]);
    }

    #[test]
    fn old_periods_are_forgotten_and_present_ones_kept() {
        let mut spent = Spent::new(Tz::UTC);
        spent.add(&settled(at("2026-03-01T10:00:00Z"), 30));
        spent.forget_before(at("2026-03-31T23:59:00Z"));
        assert_eq!(
            spent.total(PeriodKind::Day, at("2026-03-01T00:00:00Z")),
            Cost::ZERO
        );
        assert_ne!(
            spent.total(PeriodKind::Month, at("2026-03-01T00:00:00Z")),
            Cost::ZERO
        );
        // A day is kept for two, a month for 33.
        let kept = |until: Timestamp| {
            let mut spent = Spent::new(Tz::UTC);
            spent.add(&settled(at("2026-03-01T10:00:00Z"), 30));
            spent.forget_before(until);
            spent.costs.len()
        };
        let first = at("2026-03-01T00:00:00Z");
        let instant = Span::millis(1);
        assert_eq!(kept(first + Span::hours(48) - instant), 2);
        assert_eq!(kept(first + Span::hours(48)), 1);
        assert_eq!(kept(first + Span::hours(33 * 24) - instant), 1);
        assert_eq!(kept(first + Span::hours(33 * 24)), 0);
    }

    proptest! {
        #[test]
        fn the_days_of_a_session_add_up_to_the_session(
            start in 0i64..100_000_000_000, minutes in 0u32..5_000,
        ) {
            let (start, zone) = (Timestamp::from_millis(start), chrono_tz::Europe::Berlin);
            let parts = split_days(start, Minutes::new(minutes), zone);
            prop_assert_eq!(parts.iter().map(|(_, m)| m.get()).sum::<u32>(), minutes);
            prop_assert!(parts.windows(2).all(|w| w[0].0 < w[1].0));
        }
    }
}
