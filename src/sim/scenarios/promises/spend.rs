//! Promise 2: spend never exceeds a budget, whenever the daemon dies.

use crate::host::HostedSession;
use crate::keeper::Period;
use crate::sim::network::wire::WireState;
use crate::units::{PoolName, Span, Timestamp};

use super::bounds::{ALL_TIME, price};
use super::broken::{BrokenPromise, broken};
use super::state::Promises;

impl Promises {
    /// What is spent in a period, or on the whole, and would be if nobody did anything any more.
    fn worst(&self, past: i64, period: Period, of: Option<&PoolName>) -> i64 {
        let live = self
            .live
            .values()
            .filter(|s| s.regular && of.is_none_or(|pool| s.slot.pool == *pool));
        past + live.map(|s| s.cost(period)).sum::<i64>()
    }

    /// Promise 2: what everything costs if nobody does anything any more fits every budget.
    pub(super) fn spend(&self, now: Timestamp) -> Result<(), BrokenPromise> {
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
            let included = |name: &PoolName| pool.is_none_or(|pool| name == pool);
            if self.exempt.stepped {
                // Spend falls on the days that the clocks showed; together they bound the whole.
                let past = self
                    .past
                    .whole
                    .iter()
                    .filter(|(name, _)| included(name))
                    .map(|(_, cost)| cost)
                    .sum();
                let (total, days) = (self.worst(past, ALL_TIME, pool), self.days_read.len() + 1);
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
                    .filter(|((m, name), _)| *m == n && included(name))
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

    /// Whether every budget has room for one more lease of everything that lives, as a daemon
    /// reckons that started at `begun`.
    pub(super) fn affordable(&self, now: Timestamp, begun: Timestamp, wire: &WireState) -> bool {
        let rules = &self.present;
        let daily: Vec<u32> = rules
            .pools
            .iter()
            .filter_map(|p| p.daily)
            .chain(rules.daily)
            .collect();
        if rules.team.is_some() {
            return false;
        }
        let caps = rules.pools.iter().map(|p| p.max_exposure);
        if caps.chain([rules.max_exposure]).flatten().next().is_some() {
            // Leases shorten to fit a cap, down to nothing where others take all of it.
            return false;
        }
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
            && !self.exempt.forgot
            && !self.exempt.stepped
    }
}
