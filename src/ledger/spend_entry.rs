//! One session as a report of spend reckons it: whose it was, and which minutes it billed when.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::keeper::{LeaseClock, ManagedSession, PeriodKind, Settled, Use, first_date, split_days};
use crate::units::{Minutes, Price, Region, SessionId, SlotId, Timestamp};

/// One session, as a report reckons it.
pub(super) struct Entry<'a> {
    pub(super) id: &'a SessionId,
    pub(super) slot: &'a SlotId,
    pub(super) region: Option<&'a Region>,
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
