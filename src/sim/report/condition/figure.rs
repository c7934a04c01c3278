//! The figures that a condition can be about, and what they are counted in.

use rust_decimal::Decimal;
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use crate::sim::report::figures::{Report, Waits};
use crate::units::{Money, Span};

/// What a condition is about. A wait or an exposure that there was none of is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Figure {
    Cost,
    WastedCost,
    Ready,
    Held,
    Idle,
    Wasted,
    OverBudget,
    Sessions,
    AtOnce,
    Waited,
    Never,
    Lost,
    MedianWait,
    P95Wait,
    LongestWait,
    Exposure,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Money,
    Seconds,
    Count,
}

impl Figure {
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    pub(super) fn names() -> String {
        Self::iter().map(Self::name).collect::<Vec<_>>().join(", ")
    }

    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::Cost | Self::WastedCost => Unit::Money,
            Self::Ready
            | Self::Held
            | Self::Idle
            | Self::Wasted
            | Self::OverBudget
            | Self::MedianWait
            | Self::P95Wait
            | Self::LongestWait
            | Self::Exposure => Unit::Seconds,
            Self::Sessions | Self::AtOnce | Self::Waited | Self::Never | Self::Lost => Unit::Count,
        }
    }

    pub(super) fn of(self, report: &Report) -> Decimal {
        let total = &report.total;
        let clients = &total.clients;
        let wait = |of: fn(&Waits) -> i64| clients.cold_wait.as_ref().map_or(0, of);
        match self {
            Self::Cost => total.cost.decimal(),
            Self::WastedCost => total.wasted_cost.decimal(),
            Self::Ready => seconds(total.ready_minutes),
            Self::Held => seconds(total.held_minutes),
            Self::Idle => seconds(total.idle_minutes),
            Self::Wasted => seconds(total.wasted_minutes),
            Self::OverBudget => seconds(total.over_budget_minutes),
            Self::Sessions => total.sessions.into(),
            Self::AtOnce => clients.warm.into(),
            Self::Waited => clients.cold.into(),
            Self::Never => clients.never.into(),
            Self::Lost => clients.lost.into(),
            Self::MedianWait => wait(|w| w.median_seconds).into(),
            Self::P95Wait => wait(|w| w.p95_seconds).into(),
            Self::LongestWait => wait(|w| w.max_seconds).into(),
            Self::Exposure => report.exposure.as_ref().map_or(0, |e| e.seconds).into(),
        }
    }

    pub(super) fn shown(self, report: &Report) -> String {
        let value = self.of(report);
        match self.unit() {
            Unit::Money => format!("{value} {}", report.currency),
            // Seconds of a figure are whole and were an i64 before.
            Unit::Seconds => Span::seconds(value.try_into().unwrap_or(i64::MAX)).to_string(),
            Unit::Count => value.to_string(),
        }
    }
}

fn seconds(minutes: u64) -> Decimal {
    Decimal::from(minutes) * Decimal::from(60)
}

impl Unit {
    pub(super) fn read(self, text: &str) -> Option<Decimal> {
        match self {
            Self::Money => text.parse::<Money>().ok().map(Money::decimal),
            Self::Seconds => text.parse::<Span>().ok().map(|s| s.as_secs().into()),
            Self::Count => text.parse::<u32>().ok().map(Decimal::from),
        }
    }

    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Money => "100, +12.50 or +10%",
            Self::Seconds => "2h, +30m or +10%",
            Self::Count => "0, +5 or +10%",
        }
    }
}
