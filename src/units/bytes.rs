//! Amounts of data, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount of data in bytes.
///
/// ```
/// use leasekeeper::units::ByteCount;
///
/// let least: ByteCount = "64KB".parse()?;
/// assert_eq!(least, ByteCount::new(64_000));
/// assert_eq!("1 MiB".parse(), Ok(ByteCount::new(1 << 20)));
/// assert_eq!(ByteCount::new(3_140_000).to_string(), "3.1 MB");
/// // A number without a unit is refused.
/// assert!("64".parse::<ByteCount>().is_err());
/// # Ok::<(), leasekeeper::units::BadByteCount>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ByteCount(u64);

/// What is wrong with an amount of data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount of data: write a whole number and B, KB, MB, GB, KiB, MiB or GiB")]
pub struct BadByteCount(String);

const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl ByteCount {
    /// An amount of so many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes it is.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteCount {
    type Err = BadByteCount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadByteCount(text.into());
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let (_, size) = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(bad)?;
        number.checked_mul(*size).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for ByteCount {
    /// At most one decimal, rounded down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, size): &&(&str, u64)| *size <= self.0.max(1);
        let (unit, size) = UNITS[..4].iter().rev().find(fits).unwrap_or(&UNITS[0]);
        let (whole, tenth) = (self.0 / size, self.0 % size * 10 / size);
        match tenth {
            0 => write!(f, "{whole} {unit}"),
            _ => write!(f, "{whole}.{tenth} {unit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_shown_in_the_largest_unit_that_fits() {
        for (bytes, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 KB"),
            (1_999, "1.9 KB"),
            (64_000, "64 KB"),
            (999_999, "999.9 KB"),
            (1_000_000, "1 MB"),
            (u64::MAX, "18446744073.7 GB"),
        ] {
            assert_eq!(ByteCount(bytes).to_string(), words);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "KB",
            "64",
            "64kb",
            "-1KB",
            "1.5MB",
            "64  KB",
            "64 KB ",
            "99999999999GB",
        ] {
            let read = text.parse::<ByteCount>();
            assert_eq!(read, Err(BadByteCount(text.into())));
        }
    }

    proptest! {
        #[test]
        fn a_whole_number_of_units_reads_back(number in 1..1_000_u64, unit in 0..4_usize) {
            let amount = ByteCount(number * UNITS[unit].1);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
}
