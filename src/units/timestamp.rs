//! Instants. Reads no clock: they come in as values.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::span::Span;

/// A point in time, in milliseconds since the Unix epoch.
///
/// ```
/// use leasekeeper::units::{Span, Timestamp};
///
/// let ready: Timestamp = "2026-03-02T08:00:00Z".parse()?;
/// let expiry = ready + Span::minutes(20);
/// assert_eq!(expiry.to_string(), "2026-03-02T08:20:00Z");
/// assert_eq!(expiry - ready, Span::minutes(20));
/// # Ok::<(), leasekeeper::units::BadTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

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

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, d: Span) -> Self {
        Self::from_millis(self.0.saturating_add(d.as_millis()))
    }
}
impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, d: Span) -> Self {
        Self::from_millis(self.0.saturating_sub(d.as_millis()))
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
        Span::millis(self.0.saturating_sub(other.0))
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
#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn an_instant_keeps_its_milliseconds_through_json(
            ms in -10_000_000_000i64..10_000_000_000_000,
        ) {
            let at = Timestamp::from_millis(ms);
            let json = serde_json::to_string(&at).expect("an instant is a string");
            let back: Timestamp = serde_json::from_str(&json).expect("reads back");
            proptest::prop_assert_eq!(back, at);
        }
    }
}
