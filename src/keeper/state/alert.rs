//! An alert of a budget that was told.

use rust_decimal::Decimal;

use crate::units::{Money, Timestamp};

/// An alert that was told: another bound, or another period, is another alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToldAlert {
    /// Of which budget, by its name in words.
    pub budget: String,
    /// When its period began.
    pub start: Timestamp,
    /// The share of its bound that was reached.
    pub share: Decimal,
    /// The bound.
    pub limit: Money,
}
