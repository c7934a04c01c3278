//! Instants, spans and whole minutes.
//!
//! A [`Timestamp`] is a point in time, a [`Span`] a distance between two, and [`Minutes`] the whole
//! minutes in which the service counts leases. Reads no clock: instants come in as values.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A distance in time, in milliseconds; it may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Whole minutes, the unit in which the service counts leases and elapsed time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Minutes(u32);

/// The largest distance from the epoch that still has a four-digit year on both sides of it.
const LIMIT_MS: i64 = 62_000_000_000_000;

impl Timestamp {
    /// The earliest instant that can be told.
    pub const MIN: Self = Self(-LIMIT_MS);
    /// The latest instant that can be told.
    pub const MAX: Self = Self(LIMIT_MS);

    /// The instant `ms` milliseconds after the Unix epoch, clamped to
    /// [`Self::MIN`]..=[`Self::MAX`].
    pub const fn from_millis(ms: i64) -> Self {
        Self(if ms > LIMIT_MS {
            LIMIT_MS
        } else if ms < -LIMIT_MS {
            -LIMIT_MS
        } else {
            ms
        })
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The same instant as a calendar date and time in UTC.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
    }

    /// The instant of a calendar date and time.
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self::from_millis(at.timestamp_millis())
    }
}

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
    /// Whole minutes, rounded up; a negative span is zero minutes.
    pub fn ceil_minutes(self) -> Minutes {
        Minutes(u32::try_from((self.0.max(0).saturating_add(59_999)) / 60_000).unwrap_or(u32::MAX))
    }
    /// Whole minutes, rounded down; a negative span is zero minutes.
    pub fn floor_minutes(self) -> Minutes {
        Minutes(u32::try_from(self.0.max(0) / 60_000).unwrap_or(u32::MAX))
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

impl Minutes {
    /// No minutes.
    pub const ZERO: Self = Self(0);
    /// The service's own cap on a session: 24 hours.
    pub const SERVICE_CAP: Self = Self(1440);

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

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, d: Span) -> Self {
        Self::from_millis(self.0.saturating_add(d.0))
    }
}
impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, d: Span) -> Self {
        Self::from_millis(self.0.saturating_sub(d.0))
    }
}
impl AddAssign<Span> for Timestamp {
    fn add_assign(&mut self, d: Span) {
        *self = *self + d;
    }
}
impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
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

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the second: for people. As data it keeps its milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// Text that is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 instant, such as 2026-03-02T08:00:00Z")]
pub struct BadTimestamp(String);

impl FromStr for Timestamp {
    type Err = BadTimestamp;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(s)
            .map(|at| Self::from_utc(at.with_timezone(&Utc)))
            .map_err(|_| BadTimestamp(s.into()))
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

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0m");
        }
        self.span().fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let form = if self.0.rem_euclid(1_000) == 0 {
            SecondsFormat::Secs
        } else {
            SecondsFormat::Millis
        };
        s.serialize_str(&self.to_utc().to_rfc3339_opts(form, true))
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
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

    #[test]
    fn minutes_round_up_only_when_something_is_left_over() {
        assert_eq!(Span(60_000).ceil_minutes(), Minutes(1));
        assert_eq!(Span(60_001).ceil_minutes(), Minutes(2));
        assert_eq!(Span(-5).ceil_minutes(), Minutes(0));
        assert_eq!(Span(119_999).floor_minutes(), Minutes(1));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Span>();
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn an_instant_keeps_its_milliseconds_through_json(ms in -10_000_000_000i64..10_000_000_000_000) {
            let at = Timestamp::from_millis(ms);
            let json = serde_json::to_string(&at).expect("an instant is a string");
            proptest::prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("reads back"), at);
        }

        #[test]
        fn a_span_survives_the_trip_through_json(ms in -10_000_000_000i64..10_000_000_000) {
            let json = serde_json::to_string(&Span(ms)).expect("a span is a string");
            proptest::prop_assert_eq!(serde_json::from_str::<Span>(&json).expect("reads back"), Span(ms));
        }
    }
}
