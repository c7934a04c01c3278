//! The bounds that the promises are checked against: the widest that were ever in force, and what
//! exempts from them.

use crate::keeper::{Period, PeriodKind};
use crate::sim::scenarios::scenario::Scenario;
use crate::units::{Size, Span, Timestamp};

/// What has happened that a promise cannot hold against by nature; ARCHITECTURE.md says what holds
/// instead.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::scenarios) struct Exemptions {
    /// Somebody else's doing can fill a slot twice: a late effect, a lost ledger, a second daemon,
    /// an imitation.
    pub(in crate::sim::scenarios) doubles: bool,
    /// A wall clock was set.
    pub(in crate::sim::scenarios) stepped: bool,
    /// A machine slept.
    pub(in crate::sim::scenarios) slept: bool,
    /// A ledger was lost, or a second one kept.
    pub(in crate::sim::scenarios) forgot: bool,
}

/// The widest bounds of a pool that were ever in force.
#[derive(Clone, Debug)]
pub(super) struct PoolBounds {
    pub(super) lease: Span,
    /// `None` for never.
    pub(super) idle: Option<Span>,
    pub(super) life: Span,
    pub(super) lead: Span,
    pub(super) boot: Span,
    pub(super) spare: usize,
    /// Whether an activity source besides heartbeats is looked at.
    pub(super) is_watched: bool,
    /// How long a source that cannot say counts as use; `None` for ever.
    pub(super) unknown_limit: Option<Span>,
    /// In price-minutes; `None` for unbounded.
    pub(super) daily: Option<i64>,
    /// In price-minutes; `None` for unbounded.
    pub(super) max_exposure: Option<i64>,
}

/// All the time there is.
pub(super) const ALL_TIME: Period = Period {
    start: Timestamp::MIN,
    end: Timestamp::MAX,
};
/// How long a request may take that nothing hinders.
pub(super) const ANSWER_TIME: Span = Span::seconds(10);
/// The longest that a failed request about a session waits for its next try, and a little.
pub(super) const RETRY_TIME: Span = Span::seconds(75);

/// What an hour of a size costs in every scenario.
pub(super) const fn price(size: &Size) -> i64 {
    match size {
        Size::Standard => 6,
        _ => 12,
    }
}

/// A budget in price-minutes.
pub(super) fn bound(limit: Option<u32>) -> Option<i64> {
    limit.map(|l| i64::from(l) * 60)
}

/// The wider of two bounds.
pub(super) fn wider<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// Every day or month that a scenario can touch.
pub(super) fn periods(kind: PeriodKind, scenario: &Scenario) -> Vec<Period> {
    let zone = scenario.policy.zone.parse().expect("a zone");
    let mut period = Period::containing(kind, scenario.start - Span::hours(48), zone);
    let mut periods = Vec::new();
    while period.start < scenario.start + scenario.length + Span::hours(96) {
        periods.push(period);
        period = period.next(kind, zone);
    }
    periods
}
