//! Whole minutes, in which the service counts leases and elapsed time.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::span::Span;

/// Whole minutes, the unit in which the service counts leases and elapsed time.
///
/// ```
/// use leasekeeper::units::{Minutes, Span};
///
/// // A lease must cover what has been used, so it is rounded up; what is billed is rounded down.
/// let used = Span::seconds(61);
/// assert_eq!(used.ceil_minutes(), Minutes::new(2));
/// assert_eq!(used.floor_minutes(), Minutes::new(1));
/// // There is no negative lease.
/// assert_eq!(Minutes::new(5).minus(Minutes::new(20)), Minutes::ZERO);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Minutes(u32);

impl Minutes {
    /// No minutes.
    pub const ZERO: Self = Self(0);

    /// `m` whole minutes.
    pub const fn new(m: u32) -> Self {
        Self(m)
    }
    /// The number of minutes.
    pub const fn get(self) -> u32 {
        self.0
    }
    /// The same length as a span.
    pub const fn span(self) -> Span {
        Span::minutes(self.0 as i64)
    }
    /// The sum, saturating.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// The difference, not below zero.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0m");
        }
        self.span().fmt(f)
    }
}

impl Span {
    /// Whole minutes, rounded up; a negative span is zero minutes.
    pub fn ceil_minutes(self) -> Minutes {
        let whole = self.as_millis().max(0).saturating_add(59_999) / 60_000;
        Minutes(u32::try_from(whole).unwrap_or(u32::MAX))
    }
    /// Whole minutes, rounded down; a negative span is zero minutes.
    pub fn floor_minutes(self) -> Minutes {
        Minutes(u32::try_from(self.as_millis().max(0) / 60_000).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_round_up_only_when_something_is_left_over() {
        assert_eq!(Span::millis(60_000).ceil_minutes(), Minutes(1));
        assert_eq!(Span::millis(60_001).ceil_minutes(), Minutes(2));
        assert_eq!(Span::millis(-5).ceil_minutes(), Minutes(0));
        assert_eq!(Span::millis(119_999).floor_minutes(), Minutes(1));
    }
}
