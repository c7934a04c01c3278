//! The id of a hold: `hold-<ulid>`. Ids sort by the order in which clients asked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::id::BadId;

/// The id of a client's claim on a session, from the moment it asked to the moment it gives the
/// session back, whichever sessions it has in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HoldId(Ulid);

const PREFIX: &str = "hold-";

impl HoldId {
    /// The id with a time stamp and 80 bits of its own.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }

    /// The id that sorts right behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(Ulid(self.0.0.saturating_add(1)))
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{PREFIX}{}", self.0))
    }
}

impl FromStr for HoldId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let ulid = text
            .strip_prefix(PREFIX)
            .and_then(|rest| Ulid::from_string(rest).ok())
            .ok_or_else(|| BadId::Hold(text.into()))?;
        Ok(Self(ulid))
    }
}

impl TryFrom<String> for HoldId {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<HoldId> for String {
    fn from(id: HoldId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_its_time() {
        let first = HoldId::new(Ulid::from_parts(1_700_000_000_000, 7));
        assert_eq!(first.to_string(), "hold-01HF7YAT000000000000000007");
        assert_eq!(first.to_string().parse(), Ok(first));
        let later = HoldId::new(Ulid::from_parts(1_700_000_000_001, 0));
        assert!(first < first.next() && first.next() < later);
        for bad in ["01HF7YAT000000000000000007", "hold-", "hold-x", ""] {
            assert_eq!(bad.parse::<HoldId>(), Err(BadId::Hold(bad.into())));
        }
    }
}
