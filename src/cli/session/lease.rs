//! A lease as people and the sample scripts write it.

use crate::policy::minutes_of_clock_text;
use crate::units::{Minutes, Span};

use super::error::SessionError;

/// Reads `20m`, `1h30m` or `hh:mm:ss`, in whole minutes.
pub(super) fn lease_of(text: &str) -> Result<Minutes, SessionError> {
    let bad = || SessionError::Lease { text: text.into() };
    if text.contains(':') {
        return minutes_of_clock_text(text).ok_or_else(bad);
    }
    let span: Span = text.parse().map_err(|_| bad())?;
    let minutes = span.floor_minutes();
    (minutes.span() == span).then_some(minutes).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_reads_as_people_and_the_sample_script_write_it() {
        for (text, minutes) in [
            ("20m", 20),
            ("1h30m", 90),
            ("01:30:00", 90),
            ("00:05:00", 5),
            ("24:00:00", 1440),
        ] {
            assert_eq!(lease_of(text).expect(text), Minutes::new(minutes), "{text}");
        }
        for bad in ["", "20", "90s", "1:2", "00:00:30", "99:00:00", "x"] {
            assert!(lease_of(bad).is_err(), "{bad}");
        }
    }
}
