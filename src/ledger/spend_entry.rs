//! One session as a report of spend reckons it: whose it was, and which minutes it billed when.
//!
//! Promises: every report reckons the same sessions and the same minutes on the same days. It knows
//! nothing of rows or sums.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::keeper::{
    KeeperState, LeaseClock, ManagedSession, PeriodKind, Settled, Use, first_date, split_days,
};
use crate::policy::Prices;
use crate::units::{Minutes, Price, Region, SessionId, Size, SlotId, Span, Timestamp};

use super::Ledger;
use super::error::LedgerError;
use super::load::LONGEST_SESSION;
use super::range::DateRange;

/// How far a day's beginning in any time zone is from the same date's in UTC.
const LARGEST_OFFSET: Span = Span::hours(14);

/// One session, as a report reckons it.
pub(super) struct Entry<'a> {
    pub(super) id: &'a SessionId,
    pub(super) slot: &'a SlotId,
    pub(super) region: Option<&'a Region>,
    pub(super) size: &'a Size,
    pub(super) ready: Timestamp,
    pub(super) minutes: Minutes,
    pub(super) price: Price,
    pub(super) live: bool,
    pub(super) certain: bool,
    pub(super) uses: Vec<Use>,
}

impl<'a> Entry<'a> {
    pub(super) fn ended(settled: &'a Settled) -> Self {
        let Settled {
            id,
            slot,
            region,
            size,
            minutes,
            price,
            certain,
            ..
        } = settled;
        let ready = settled.ready_or_guess().latest();
        let region = region.as_ref();
        Self {
            id,
            slot,
            region,
            size,
            ready,
            minutes: *minutes,
            price: *price,
            live: false,
            certain: *certain,
            uses: settled.uses.clone(),
        }
    }

    /// The most that it can have billed: all the time since it was Ready, at most its lease.
    /// Without a lease clock, as in a ledger that is read beside the daemon, all that went by since
    /// it was asked for or found, and what it had billed.
    pub(super) fn live(known: &'a ManagedSession, price: Price, now: Timestamp) -> Self {
        let ManagedSession {
            id,
            slot,
            region,
            size,
            elapsed,
            reserved,
            ..
        } = known;
        let most = known.clock.map_or_else(
            || elapsed.plus((now - known.created).ceil_minutes()),
            |clock| (now - clock.earliest()).floor_minutes(),
        );
        let minutes = most.min(*reserved).max(*elapsed);
        let ready = known.clock.map_or(now - minutes.span(), LeaseClock::latest);
        let region = region.as_ref();
        Self {
            id,
            slot,
            region,
            size,
            ready,
            minutes,
            price,
            live: true,
            certain: true,
            uses: known.uses_until(now).collect(),
        }
    }

    /// Its minutes by day. A session that billed nothing still counts as one, on the day on which
    /// it was over.
    pub(super) fn days(&self, zone: Tz) -> Vec<(NaiveDate, Minutes)> {
        if self.minutes == Minutes::ZERO {
            return vec![(first_date(PeriodKind::Day, self.ready, zone), Minutes::ZERO)];
        }
        split_days(self.ready, self.minutes, zone)
    }
}

impl Ledger {
    /// Takes each session that may have billed in a range: those that ended from the ledger, in
    /// the order of their ends, then those that run in `keeper`, by their ids. Of those that ended
    /// it is told who used them only `with_uses`.
    pub(super) fn each_entry(
        &self,
        range: DateRange,
        prices: &Prices,
        with_uses: bool,
        keeper: &KeeperState,
        now: Timestamp,
        mut take: impl FnMut(&Entry<'_>),
    ) -> Result<(), LedgerError> {
        let first = Timestamp::from_utc(range.from.and_time(NaiveTime::MIN).and_utc());
        let after = first - LARGEST_OFFSET - LONGEST_SESSION;
        let mut uses = match with_uses {
            true => self.uses_of_ended(after)?,
            false => BTreeMap::new(),
        };
        self.each_settled(after, |mut settled| {
            settled.uses = uses.remove(&settled.id).unwrap_or_default();
            take(&Entry::ended(&settled));
        })?;
        for known in keeper.sessions.values().filter(|known| known.is_ready()) {
            take(&Entry::live(known, prices.of(&known.size), now));
        }
        Ok(())
    }
}
