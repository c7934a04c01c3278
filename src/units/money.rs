//! Prices, money, and the exact sum between them.
//!
//! Money is never rounded on the way: what is added up is [`Cost`], whole minutes times an hourly
//! price, and it becomes [`Money`] once, at the edge. Decimals throughout, never floats.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::minutes::Minutes;

/// An amount of money in the policy's currency.
///
/// ```
/// use leasekeeper::units::{Minutes, Money, Price};
///
/// let budget: Money = "60".parse()?;
/// let price: Price = "2.99".parse()?;
/// // Costs are exact sums of minutes × price; they become money once, at the edge.
/// let cost = price.cost(Minutes::new(90));
/// assert_eq!(cost.to_money(2).to_string(), "4.49");
/// assert!(cost < budget.as_cost());
/// // A sign, an exponent or a thousands separator is refused.
/// assert!("1,000".parse::<Money>().is_err());
/// # Ok::<(), leasekeeper::units::BadMoney>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Money(Decimal);

/// A price per hour in the policy's currency.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Price(Decimal);

/// Σ minutes × hourly price: sixtieths of the money, and exact.
///
/// Counted in whole millionths, which no amount is finer than: a plan adds up thousands of costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(i128);

/// The name of a currency, as in `EUR`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(pub String);

/// Text that is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an amount; write it like \"2.99\" \
     (at most 6 decimal places, not negative, below a billion)"
)]
pub struct BadMoney(String);

/// The largest amount: a billion. It keeps every sum far inside a decimal's 28 digits.
const LARGEST: i64 = 1_000_000_000;
/// The most decimal places an amount may have.
const PLACES: u32 = 6;
/// The most decimal places that a cost is shown with.
const FINEST: u32 = 12;

/// An amount in whole millionths.
fn millionths(amount: Decimal) -> i128 {
    amount
        .mantissa()
        .saturating_mul(10_i128.pow(PLACES.saturating_sub(amount.scale())))
}

fn parse_amount(text: &str) -> Result<Decimal, BadMoney> {
    let trimmed = text.trim();
    // Only the plain form: a sign, an exponent or a thousands separator is more likely a slip than
    // a wish.
    let plain = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain
        .then(|| Decimal::from_str(trimmed).ok())
        .flatten()
        .filter(|d| d.scale() <= PLACES && *d < Decimal::from(LARGEST))
        .ok_or_else(|| BadMoney(text.into()))
}

/// The same amount with two decimals at least, and no more than it needs.
fn with_cents(amount: Decimal) -> Decimal {
    let mut amount = amount.normalize();
    amount.rescale(amount.scale().max(2));
    amount
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(Decimal::from_parts(0, 0, 0, false, 2));

    /// The cost that this much money pays for: money × 60.
    pub fn as_cost(self) -> Cost {
        Cost(millionths(self.0).saturating_mul(60))
    }
    /// The amount as a decimal.
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

impl Price {
    /// What so many minutes cost at this price.
    pub fn cost(self, minutes: Minutes) -> Cost {
        Cost(millionths(self.0).saturating_mul(minutes.get().into()))
    }
    /// The price per hour as a decimal.
    pub const fn decimal(self) -> Decimal {
        self.0
    }
    /// How many decimals it needs.
    pub fn places(self) -> u32 {
        self.0.normalize().scale()
    }
}

impl Currency {
    /// How many decimals its amounts have (ISO 4217); `None` for what is no currency of a state.
    pub fn places(&self) -> Option<u32> {
        let known = iso_currency::Currency::from_code(&self.0)?;
        known.exponent().map(u32::from)
    }
}

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The money, rounded half up to so many decimals. Only for showing: sums are made of costs.
    pub fn to_money(self, places: u32) -> Money {
        Money(self.to_decimal(places.min(PLACES)))
    }
    /// The amount as a decimal, rounded half up to so many decimals, which may be more than money
    /// has: at most 12.
    pub fn to_decimal(self, places: u32) -> Decimal {
        let places = places.min(FINEST);
        // Nothing that can be billed comes near the largest decimal.
        let sixtieths = Decimal::try_from_i128_with_scale(self.0, PLACES).unwrap_or(Decimal::MAX);
        let mut amount = (sixtieths / Decimal::from(60))
            .round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        amount.rescale(places);
        amount
    }
    /// How many whole minutes it pays for at a price; as many as there can be where nothing costs
    /// anything.
    pub fn minutes_at(self, price: Price) -> Minutes {
        let minutes = self.0.checked_div(millionths(price.0)).unwrap_or(i128::MAX);
        Minutes::new(u32::try_from(minutes.max(0)).unwrap_or(u32::MAX))
    }
    /// The part `fraction` of this cost, as in the alert lines of a budget; rounded up, so that a
    /// cost below the part is below what this says, and no other is.
    pub fn part(self, fraction: Decimal) -> Self {
        let (mantissa, scale) = (fraction.mantissa(), 10_i128.pow(fraction.scale()));
        Self(
            self.0
                .saturating_mul(mantissa)
                .saturating_add(scale - 1)
                .div_euclid(scale),
        )
    }
    /// How many whole hundredths of `whole` this cost is; 100 where the whole is nothing.
    pub fn percent_of(self, whole: Self) -> u32 {
        let percent = self.0.saturating_mul(100).checked_div(whole.0);
        percent.map_or(100, |p| u32::try_from(p).unwrap_or(u32::MAX))
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0.saturating_add(o.0))
    }
}
impl Sub for Cost {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self(self.0.saturating_sub(o.0))
    }
}
impl AddAssign for Cost {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl FromStr for Money {
    type Err = BadMoney;
    /// Reads what a person writes: `60` is as good as `60.00`.
    fn from_str(s: &str) -> Result<Self, BadMoney> {
        parse_amount(s).map(|amount| Self(with_cents(amount)))
    }
}
impl FromStr for Price {
    type Err = BadMoney;
    fn from_str(s: &str) -> Result<Self, BadMoney> {
        parse_amount(s).map(Self)
    }
}
impl TryFrom<String> for Money {
    type Error = BadMoney;
    /// Reads what was shown, with the decimals that it has.
    fn try_from(s: String) -> Result<Self, BadMoney> {
        parse_amount(&s).map(Self)
    }
}
impl TryFrom<String> for Price {
    type Error = BadMoney;
    fn try_from(s: String) -> Result<Self, BadMoney> {
        s.parse()
    }
}
impl From<Money> for String {
    fn from(m: Money) -> Self {
        m.to_string()
    }
}
impl From<Price> for String {
    fn from(p: Price) -> Self {
        p.0.normalize().to_string()
    }
}

impl fmt::Display for Money {
    /// With the decimals that it was rounded to, or at least two: `60.00`, `0.125`, `143`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Money(with_cents(self.0)).fmt(f)
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_once_and_only_when_shown() {
        let price: Price = "2.99".parse().expect("a price");
        let once: Cost = (0..3).map(|_| price.cost(Minutes::new(7))).sum();
        assert_eq!(once, price.cost(Minutes::new(21)));
        assert_eq!(once.to_money(2).to_string(), "1.05");
    }

    #[test]
    fn amounts_that_are_slips_are_refused() {
        for bad in [
            "",
            "-1",
            "1e3",
            "1,50",
            "NaN",
            "0.1234567",
            "99999999999999999999",
            "1.2.3",
        ] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
        assert_eq!("60".parse::<Money>().expect("fine").to_string(), "60.00");
    }

    #[test]
    fn parts_and_percentages_are_of_the_whole() {
        let limit = "2.99".parse::<Money>().expect("money").as_cost();
        let price: Price = "2.99".parse().expect("a price");
        let half: Decimal = "0.5".parse().expect("a share");
        assert_eq!(price.cost(Minutes::new(30)), limit.part(half));
        assert_eq!(
            (
                price.cost(Minutes::new(29)).percent_of(limit),
                Cost::ZERO.percent_of(Cost::ZERO)
            ),
            (48, 100)
        );
        // A third of it falls between two millionths: what is below it stays below, what is above
        // stays above.
        let third = limit.part("0.3333333333333".parse().expect("a share"));
        assert!(price.cost(Minutes::new(19)) < third && price.cost(Minutes::new(20)) >= third);
    }

    #[test]
    fn a_budget_compares_exactly_with_what_it_pays_for() {
        let budget: Money = "2.99".parse().expect("money");
        let price: Price = "2.99".parse().expect("price");
        assert_eq!(price.cost(Minutes::new(60)), budget.as_cost());
        assert!(price.cost(Minutes::new(61)) > budget.as_cost());
    }
}
