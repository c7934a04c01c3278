//! Distances in time, in milliseconds, as people write them.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A distance in time, in milliseconds; it may be negative.
///
/// ```
/// use leasekeeper::units::Span;
///
/// let timeout: Span = "1h30m".parse()?;
/// assert_eq!(timeout, Span::minutes(90));
/// assert_eq!((timeout - Span::hours(2)).to_string(), "-30m");
/// // A number without a unit is refused.
/// assert!("90".parse::<Span>().is_err());
/// # Ok::<(), leasekeeper::units::BadSpan>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `ms` milliseconds.
    pub const fn millis(ms: i64) -> Self {
        Self(ms)
    }
    /// A span of `s` seconds.
    pub const fn seconds(s: i64) -> Self {
        Self(s.saturating_mul(1_000))
    }
    /// A span of `m` minutes.
    pub const fn minutes(m: i64) -> Self {
        Self(m.saturating_mul(60_000))
    }
    /// A span of `h` hours.
    pub const fn hours(h: i64) -> Self {
        Self(h.saturating_mul(3_600_000))
    }
    /// The span in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    /// The span in whole seconds, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    /// The span as a standard duration; a negative span is zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
    /// The span nearest to a standard duration, rounded down to milliseconds.
    pub fn from_std(d: std::time::Duration) -> Self {
        Self(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }
    /// The size of the span without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
    /// The span divided by a positive whole number.
    pub const fn div(self, by: i64) -> Self {
        Self(self.0 / if by == 0 { 1 } else { by })
    }
    /// The span multiplied by a whole number, saturating.
    pub const fn times(self, by: i64) -> Self {
        Self(self.0.saturating_mul(by))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0.saturating_add(o.0))
    }
}
impl Sub for Span {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self(self.0.saturating_sub(o.0))
    }
}
impl AddAssign for Span {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl SubAssign for Span {
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Display for Span {
    /// As people write it: `1h30m`, `45s`, `2d`, `1.5s`, `-20m`; nothing is `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from(if self.0 < 0 { "-" } else { "" });
        let mut rest = self.0.unsigned_abs();
        for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)] {
            if rest >= ms {
                text += &format!("{}{unit}", rest / ms);
                rest %= ms;
            }
        }
        if rest > 0 || self.0 == 0 {
            let (whole, part) = (rest / 1_000, rest % 1_000);
            text += &whole.to_string();
            if part > 0 {
                text += format!(".{part:03}").trim_end_matches('0');
            }
            text.push('s');
        }
        f.pad(&text)
    }
}

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// Nothing was written.
    #[error("a length of time is missing; write it like \"90s\", \"20m\" or \"1h30m\"")]
    Empty,
    /// A number stands without its unit.
    #[error("{0:?} has no unit; write it like \"90s\", \"20m\" or \"1h30m\"")]
    NoUnit(String),
    /// A unit that is not known.
    #[error("{unit:?} in {text:?} is not a unit of time; the units are d, h, m, s and ms")]
    Unit {
        /// The whole text.
        text: String,
        /// The part that is not a unit.
        unit: String,
    },
    /// Longer than a hundred years, or not a number.
    #[error("{0:?} is not a length of time; write it like \"90s\", \"20m\" or \"1h30m\"")]
    Number(String),
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        /// Longer spans are mistakes, and would overflow sums.
        const LONGEST_MS: i64 = 100 * 366 * 86_400_000;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(BadSpan::Empty);
        }
        let mut total = 0i64;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let number: i64 = rest[..digits]
                .parse()
                .map_err(|_| BadSpan::Number(text.into()))?;
            rest = rest[digits..].trim_start();
            let letters = rest
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(rest.len());
            let unit = &rest[..letters];
            let ms = match unit {
                "" => return Err(BadSpan::NoUnit(text.into())),
                "ms" => 1,
                "s" | "sec" => 1_000,
                "m" | "min" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                other => {
                    return Err(BadSpan::Unit {
                        text: text.into(),
                        unit: other.into(),
                    });
                }
            };
            total = number
                .checked_mul(ms)
                .and_then(|n| total.checked_add(n))
                .filter(|n| *n <= LONGEST_MS)
                .ok_or_else(|| BadSpan::Number(text.into()))?;
            rest = rest[letters..].trim_start();
        }
        Ok(Self(total))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match text.strip_prefix('-') {
            Some(rest) => parse_shown(rest)
                .map(|s| -s)
                .map_err(serde::de::Error::custom),
            None => parse_shown(&text).map_err(serde::de::Error::custom),
        }
    }
}

/// Reads what [`Span`]'s `Display` writes: the policy's form, with a fraction of a second allowed
/// at the end.
fn parse_shown(text: &str) -> Result<Span, BadSpan> {
    let Some((head, fraction)) = text.split_once('.') else {
        return text.parse();
    };
    let bad = || BadSpan::Number(text.into());
    let digits = fraction
        .strip_suffix('s')
        .filter(|d| !d.is_empty() && d.len() <= 3)
        .ok_or_else(bad)?;
    let part: i64 = format!("{digits:0<3}").parse().map_err(|_| bad())?;
    Ok(format!("{head}s").parse::<Span>()? + Span(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_the_way_people_write_them() {
        for (text, ms) in [
            ("20m", 1_200_000),
            ("1h30m", 5_400_000),
            ("90s", 90_000),
            ("1 h 30 min", 5_400_000),
            ("0s", 0),
            ("250ms", 250),
            ("2d", 172_800_000),
        ] {
            assert_eq!(text.parse(), Ok(Span(ms)), "{text}");
        }
    }

    #[test]
    fn a_span_without_a_unit_is_refused_with_the_way_out() {
        let said = |t: &str| t.parse::<Span>().expect_err("not a span").to_string();
        assert_eq!(
            said("20"),
            "\"20\" has no unit; write it like \"90s\", \"20m\" or \"1h30m\""
        );
        assert_eq!(
            said("20x"),
            "\"x\" in \"20x\" is not a unit of time; the units are d, h, m, s and ms"
        );
        assert!(said("99999999999999999999m").contains("is not a length of time"));
        assert!(said("-5m").contains("is not a length of time"));
        assert!(said("").contains("missing"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Span>();
        }

        #[test]
        fn a_span_survives_the_trip_through_json(ms in -10_000_000_000i64..10_000_000_000) {
            let json = serde_json::to_string(&Span(ms)).expect("a span is a string");
            let back: Span = serde_json::from_str(&json).expect("reads back");
            proptest::prop_assert_eq!(back, Span(ms));
        }
    }
}
