//! `[[pool]]`: sessions of one kind with one set of rules, and how an entry of the policy becomes
//! one. What a key means and how it is read stand in one file, so that a new key is one edit.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use crate::units::{Minutes, PoolName, Region, Size, Span};

use super::activity::{ActivitySource, activity};
use super::budget::budget;
use super::dates::except_on;
use super::hook::hook;
use super::pool_values::{
    counts, drain_limit, fallback_sizes, max_hold, minutes, paths, regions, schedule, size,
    span_or_never,
};
use super::pool_window::windows;
use super::reader::Table;
use crate::policy::{Budget, Hook, PoolWindow, Reservation, Schedule, ServiceConfig};

/// Sessions of one kind with one set of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name, unique in the policy.
    pub name: PoolName,
    /// The name that it had before: what that pool has is this one's.
    pub renamed_from: Option<PoolName>,
    /// The size to ask for.
    pub size: Size,
    /// Sizes to ask for when the one before it cannot be had, in order.
    pub fallback_sizes: Vec<Size>,
    /// Where to ask, in order, when the region before it has no servers or does not answer; none
    /// for `service.region`.
    pub regions: Vec<Region>,
    /// Slots kept filled while the schedule is open, outside its windows.
    pub min: u32,
    /// The most sessions the pool may have outside its windows. Never below `min`.
    pub max: u32,
    /// Sessions kept Ready and unheld, for instant acquire, outside its windows.
    pub spare: u32,
    /// Times with counts of their own; of two that overlap the first counts.
    pub windows: Vec<PoolWindow>,
    /// Whether sessions are to be Ready when the schedule or a window opens.
    pub prewarm: bool,
    /// How long stock may wait for somebody; `None` for ever.
    pub spare_ttl: Option<Span>,
    /// How long what is not needed any more stays, since it is not.
    pub scale_down_delay: Span,
    /// How far ahead each lease reaches, 1 to 1439 minutes.
    pub lease: Minutes,
    /// How long a session may be idle; `None` for ever.
    pub idle_timeout: Option<Span>,
    /// How long an activity source that cannot say counts as use; `None` for `idle_timeout` again.
    pub unknown_limit: Option<Span>,
    /// How long a session that became Ready may wait for its first use; `None` for ever.
    pub first_use_timeout: Option<Span>,
    /// How long one client may hold a session, over rollovers too; `None` for ever.
    pub max_hold: Option<Span>,
    /// How long a client may hold a session without a sign of it; `None` for as long as the session
    /// is not idle.
    pub hold_timeout: Option<Span>,
    /// How long before a hold ends its client is warned; `None` for never.
    pub warn_before: Option<Span>,
    /// How long a session may live; never above the service's cap.
    pub max_lifetime: Minutes,
    /// How long a session may be Starting before it is given up.
    pub boot_timeout: Span,
    /// When the pool is open.
    pub schedule: Schedule,
    /// The iCalendar files whose events close it. Whoever reads them gives their events to the
    /// schedule.
    pub holidays: Vec<PathBuf>,
    /// The iCalendar files whose events are reservations. Whoever reads them books these.
    pub reservations: Vec<PathBuf>,
    /// How long a session is kept that was reserved and that nobody uses, from the end on.
    pub reservation_grace: Span,
    /// The reservations, in the order in which they begin. They are only ever set by `Pool::book`.
    pub booked: Vec<Reservation>,
    /// The schedule as it is without reservations, where there are any.
    pub hours: Option<Schedule>,
    /// How long a session in use may go on once the schedule has closed.
    pub drain_limit: Option<Span>,
    /// Bounds on what this pool may spend.
    pub budget: Budget,
    /// What to do with sessions that no longer fit the budget.
    pub over_budget: OverBudget,
    /// What to do with sessions when the daemon ends.
    pub on_exit: OnExit,
    /// What is run before a session is stopped.
    pub before_stop: Option<Hook>,
    /// What counts as activity, besides a client's acquire.
    pub activity: BTreeSet<ActivitySource>,
}

impl Pool {
    /// A pool of a name, with the default of every key.
    pub fn new(name: PoolName) -> Self {
        Self {
            name,
            renamed_from: None,
            size: Size::Standard,
            fallback_sizes: Vec::new(),
            regions: Vec::new(),
            min: 1,
            max: 1,
            spare: 0,
            windows: Vec::new(),
            prewarm: false,
            spare_ttl: None,
            scale_down_delay: Span::ZERO,
            lease: Minutes::new(20),
            idle_timeout: Some(IDLE_TIMEOUT),
            unknown_limit: None,
            first_use_timeout: None,
            max_hold: None,
            hold_timeout: None,
            warn_before: None,
            max_lifetime: LONGEST_LIFETIME,
            boot_timeout: Span::minutes(10),
            schedule: Schedule::always(),
            holidays: Vec::new(),
            reservations: Vec::new(),
            reservation_grace: RESERVATION_GRACE,
            booked: Vec::new(),
            hours: None,
            drain_limit: None,
            budget: Budget::default(),
            over_budget: OverBudget::default(),
            on_exit: OnExit::default(),
            before_stop: None,
            activity: [ActivitySource::Heartbeat].into(),
        }
    }

    /// How long an activity source that cannot say counts as use; `None` for as long as nobody is
    /// idle here.
    pub fn unknown_limit(&self) -> Option<Span> {
        self.unknown_limit.or(self.idle_timeout)
    }

    /// All sizes to ask for, in order.
    pub fn sizes(&self) -> impl Iterator<Item = &Size> {
        std::iter::once(&self.size).chain(&self.fallback_sizes)
    }
}

/// What to do with sessions that no longer fit the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverBudget {
    /// Stop them until the rest fits.
    #[default]
    Stop,
    /// Let their leases run out.
    LetLeaseEnd,
}

/// What to do with sessions when the daemon ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// Leave them: each lives until its lease ends, or until the daemon is back.
    #[default]
    Leave,
    /// Stop them.
    Stop,
}

/// How long a session stays that nobody uses, unless the pool says otherwise: nothing bills
/// unattended for long.
const IDLE_TIMEOUT: Span = Span::minutes(30);
/// How long a reserved session waits after its time, unless the pool says otherwise.
const RESERVATION_GRACE: Span = Span::minutes(10);
/// A lease can be extended to one minute below the service's cap.
const LONGEST_LEASE: Span = Span::minutes(1439);
/// The longest that a policy lets a session live, and the default.
const LONGEST_LIFETIME: Minutes = Minutes::new(1440);

/// A pool, and where its entry stands in the file.
pub(super) type PlacedPool = (Pool, Range<usize>);

pub(super) fn pool(table: Table<'_, '_>, service: Option<&ServiceConfig>) -> Option<Pool> {
    let name = table
        .must("name", "\"design-review\"")
        .and_then(|v| v.parse());
    let size = table.get("size").map_or(Some(Size::Standard), |v| size(&v));
    let fallback_sizes = fallback_sizes(&table, size.as_ref());
    let regions = table
        .get("regions")
        .map(|v| regions(&v, service))
        .unwrap_or_default();
    let lease = table
        .get("lease")
        .map_or(Some(Minutes::new(20)), |v| minutes(&v, LONGEST_LEASE));
    let max_lifetime = table
        .get("max_lifetime")
        .map_or(Some(LONGEST_LIFETIME), |v| {
            minutes(&v, LONGEST_LIFETIME.span())
        });
    let renamed_from = table
        .get("renamed_from")
        .map_or(Some(None), |v| v.parse().map(Some));
    let idle_timeout = table
        .get("idle_timeout")
        .map_or(Some(Some(IDLE_TIMEOUT)), |v| span_or_never(&v));
    let unknown_limit = table.get("unknown_limit").map_or(Some(None), |v| {
        v.span_within(Span::seconds(1), Span::hours(24)).map(Some)
    });
    let first_use_timeout = table
        .get("first_use_timeout")
        .map_or(Some(None), |v| span_or_never(&v));
    let max_hold = table.get("max_hold").map_or(Some(None), |v| max_hold(&v));
    let hold_timeout = table
        .get("hold_timeout")
        .map_or(Some(None), |v| span_or_never(&v));
    let warn_before = table
        .get("warn_before")
        .map_or(Some(None), |v| span_or_never(&v));
    let boot_timeout = table
        .get("boot_timeout")
        .map_or(Some(Span::minutes(10)), |v| {
            v.span_within(Span::seconds(10), Span::hours(1))
        });
    let base = counts(&table, None);
    let windows = windows(&table, base);
    let prewarm = table.get("prewarm").map_or(Some(false), |v| v.bool());
    let spare_ttl = table
        .get("spare_ttl")
        .map_or(Some(None), |v| span_or_never(&v));
    let scale_down_delay = table.get("scale_down_delay").map_or(Some(Span::ZERO), |v| {
        v.span_within(Span::ZERO, Span::hours(24))
    });
    let drain_limit = drain_limit(&table);
    let schedule = table
        .get("schedule")
        .map_or(Some(Schedule::always()), |v| schedule(&v))
        .and_then(|schedule| except_on(schedule, &table));
    let files = |key| table.get(key).map(|v| paths(&v)).unwrap_or_default();
    let (holidays, reservations) = (files("holidays"), files("reservations"));
    let reservation_grace = table
        .get("reservation_grace")
        .map_or(Some(RESERVATION_GRACE), |v| {
            v.span_within(Span::ZERO, Span::hours(24))
        });
    let pool_budget =
        table
            .get("budget")
            .and_then(|v| v.table())
            .map_or_else(Budget::default, |t| {
                let budget = budget(&t);
                t.end();
                budget
            });
    let over = [
        ("stop", OverBudget::Stop),
        ("let-lease-end", OverBudget::LetLeaseEnd),
    ];
    let over_budget = table
        .get("over_budget")
        .map_or(Some(OverBudget::Stop), |v| v.one_of(&over));
    let ends = [("leave", OnExit::Leave), ("stop", OnExit::Stop)];
    let on_exit = table.get("on_exit");
    let on_exit = on_exit.map_or(Some(OnExit::Leave), |v| v.one_of(&ends));
    let before_stop = table
        .get("before_stop")
        .map_or(Some(None), |v| hook(&v).map(Some));
    let activity = table
        .get("activity")
        .map_or_else(|| [ActivitySource::Heartbeat].into(), |v| activity(&v));
    table.end();
    Some(Pool {
        name: name?,
        renamed_from: renamed_from?,
        size: size?,
        fallback_sizes,
        regions,
        min: base.min,
        max: base.max,
        spare: base.spare,
        windows,
        prewarm: prewarm?,
        spare_ttl: spare_ttl?,
        scale_down_delay: scale_down_delay?,
        lease: lease?,
        idle_timeout: idle_timeout?,
        unknown_limit: unknown_limit?,
        first_use_timeout: first_use_timeout?,
        max_hold: max_hold?,
        hold_timeout: hold_timeout?,
        warn_before: warn_before?,
        max_lifetime: max_lifetime?,
        boot_timeout: boot_timeout?,
        schedule: schedule?,
        holidays,
        reservations,
        reservation_grace: reservation_grace?,
        booked: Vec::new(),
        hours: None,
        drain_limit: drain_limit?,
        budget: pool_budget,
        over_budget: over_budget?,
        on_exit: on_exit?,
        before_stop: before_stop?,
        activity,
    })
}
