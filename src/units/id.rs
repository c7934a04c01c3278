//! Names and ids: owner, pool, slot, session, size.
//!
//! A session id of ours reads `<owner>-<pool>-<ordinal>-<ulid>`. An owner has no hyphen, so no
//! owner's prefix can be the beginning of another's, and a session id tells its owner, pool and
//! ordinal without asking anyone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::report::is_printable;

/// Why a text is not a valid name or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Longer or shorter than allowed.
    #[error("{what} must have 1 to {max} characters, not {found}")]
    Length {
        /// What was being named.
        what: &'static str,
        /// The most characters it may have.
        max: usize,
        /// How many it has.
        found: usize,
    },
    /// A character that is not allowed.
    #[error("{what} {text:?} has the character {found:?}; only {allowed} are allowed")]
    Character {
        /// What was being named.
        what: &'static str,
        /// The whole text.
        text: String,
        /// The first character that is not allowed.
        found: char,
        /// The characters that are.
        allowed: &'static str,
    },
    /// Not of the form `<pool>/<ordinal>`.
    #[error("{0:?} is not a slot; a slot reads <pool>/<ordinal>, such as design-review/0")]
    Slot(String),
    /// Not of the form `hold-<ulid>`.
    #[error("{0:?} is not a hold; a hold reads hold-<id>, as `acquire` prints it")]
    Hold(String),
}

impl crate::report::Hint for BadId {}

fn checked(
    what: &'static str,
    text: &str,
    max: usize,
    allowed: &'static str,
    ok: fn(char) -> bool,
) -> Result<Arc<str>, BadId> {
    let found = text.chars().count();
    if found == 0 || found > max {
        return Err(BadId::Length { what, max, found });
    }
    match text.chars().find(|c| !ok(*c)) {
        Some(found) => Err(BadId::Character {
            what,
            text: text.into(),
            found,
            allowed,
        }),
        None => Ok(text.into()),
    }
}

/// The characters that the protocol allows in a session id.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and makes it a name.
            ///
            /// # Errors
            /// If the text is empty, too long, or has a character that is not allowed.
            pub fn new(text: &str) -> Result<Self, BadId> {
                checked($what, text, $max, $allowed, $ok).map(Self)
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(s: &str) -> Result<Self, BadId> {
                Self::new(s)
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(s: String) -> Result<Self, BadId> {
                Self::new(&s)
            }
        }
        impl From<$name> for String {
            fn from(n: $name) -> Self {
                n.0.as_ref().into()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name that a client gives itself when it asks for a session.
    ClientName, "a client name", 128, "printable characters", is_printable
);
name!(
    /// What a client calls one request of its own, so that it is carried out once however often it
    /// arrives (the `Idempotency-Key` header of draft-ietf-httpapi-idempotency-key-header).
    HoldKey, "an idempotency key", 255, "printable ASCII characters", |c| matches!(c, ' '..='~')
);
name!(
    /// Prefix of every session that a daemon owns.
    Owner, "an owner", 32, "A-Z a-z 0-9 _", |c| c.is_ascii_alphanumeric() || c == '_'
);
name!(
    /// The name of a `[[pool]]`.
    PoolName, "a pool name", 64, "A-Z a-z 0-9 - _", is_word
);
name!(
    /// The name of a `[[team]]`.
    TeamName, "a team name", 64, "A-Z a-z 0-9 - _", is_word
);
name!(
    /// The id of a session: 1–256 characters of `A-Za-z0-9_-`, case sensitive (session management
    /// REST API).
    SessionId, "a session id", 256, "A-Z a-z 0-9 - _", is_word
);

impl SessionId {
    /// What of an id tells its age among those of one slot: the ULID at its end, which begins with
    /// the time at which it was drawn. The name before it may be one that the pool has no more.
    pub fn drawn(&self) -> &str {
        let at = self.0.len().saturating_sub(ulid::ULID_LEN);
        self.0.get(at..).unwrap_or(&self.0)
    }
}

/// Whether a text has the form of a UUID, which account ids have.
pub fn is_uuid(text: &str) -> bool {
    let groups = text
        .split('-')
        .map(|g| g.bytes().all(|b| b.is_ascii_hexdigit()).then_some(g.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

name!(
    /// The name of a region: one place where the service has servers, with an endpoint of its own.
    Region, "a region", 64, "A-Z a-z 0-9 - _", is_word
);

/// One place in a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotId {
    /// The pool.
    pub pool: PoolName,
    /// The place in it, from 0.
    pub ordinal: u32,
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.pool, self.ordinal))
    }
}
impl FromStr for SlotId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        let bad = || BadId::Slot(s.into());
        let (pool, ordinal) = s.rsplit_once('/').ok_or_else(bad)?;
        Ok(Self {
            pool: PoolName::new(pool)?,
            ordinal: ordinal.parse().map_err(|_| bad())?,
        })
    }
}
impl TryFrom<String> for SlotId {
    type Error = BadId;
    fn try_from(s: String) -> Result<Self, BadId> {
        s.parse()
    }
}
impl From<SlotId> for String {
    fn from(s: SlotId) -> Self {
        s.to_string()
    }
}

/// What the id of one of our sessions says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName {
    /// The slot that the session was made for.
    pub slot: SlotId,
    /// When it was planned, and 80 bits that make it unique.
    pub ulid: Ulid,
}

impl SessionName {
    /// Reads the id of a session that `owner` owns; `None` for every other id.
    pub fn parse(owner: &Owner, id: &SessionId) -> Option<Self> {
        let rest = id
            .as_str()
            .strip_prefix(owner.as_str())?
            .strip_prefix('-')?;
        let (rest, ulid) = rest.rsplit_once('-')?;
        let (pool, ordinal) = rest.rsplit_once('-')?;
        // Only the one way to write a number and a ULID counts.
        let canonical = ordinal == "0" || !ordinal.starts_with(['0', '+']);
        let ordinal = ordinal.parse().ok().filter(|_| canonical)?;
        let mut text = [0; ulid::ULID_LEN];
        let ulid = Ulid::from_string(ulid)
            .ok()
            .filter(|u| u.array_to_str(&mut text) == ulid)?;
        Some(Self {
            slot: SlotId {
                pool: PoolName::new(pool).ok()?,
                ordinal,
            },
            ulid,
        })
    }

    /// The id of this session for `owner`.
    pub fn id(&self, owner: &Owner) -> SessionId {
        // The parts are at most 32 + 64 + 10 + 26 characters of the id alphabet, and three hyphens.
        SessionId(
            format!(
                "{owner}-{}-{}-{}",
                self.slot.pool, self.slot.ordinal, self.ulid
            )
            .into(),
        )
    }
}

/// The kind of server, by the service's own word for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Size {
    /// `Standard`.
    Standard,
    /// `Premium`.
    Premium,
    /// A size from a newer service; billed at the highest price known.
    Other(Arc<str>),
}

impl Size {
    /// The service's word, capitalised as the service writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Standard => "Standard",
            Self::Premium => "Premium",
            Self::Other(word) => word,
        }
    }
}
impl From<String> for Size {
    fn from(word: String) -> Self {
        if word.eq_ignore_ascii_case("standard") {
            Self::Standard
        } else if word.eq_ignore_ascii_case("premium") {
            Self::Premium
        } else {
            Self::Other(word.into())
        }
    }
}
impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.as_str().into()
    }
}
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner::new(name).expect("an owner")
    }

    #[test]
    fn an_id_says_whose_it_is_and_which_slot_it_fills() {
        let name = SessionName {
            slot: "design-review-2/13".parse().expect("a slot"),
            ulid: Ulid::from_parts(1_700_000_000_000, 7),
        };
        let id = name.id(&owner("studio7"));
        assert_eq!(
            id.as_str(),
            "studio7-design-review-2-13-01HF7YAT000000000000000007"
        );
        assert_eq!(SessionName::parse(&owner("studio7"), &id), Some(name));
    }

    #[test]
    fn no_id_of_another_owner_is_taken_for_ours() {
        for id in [
            "studio70-a-0-01HF7YAT000000000000000007",
            "Studio7-a-0-01HF7YAT000000000000000007",
            "studio7",
            "studio7-a-0",
            "studio7-a-00-01HF7YAT000000000000000007",
            "studio7-a-0-nonsense",
            "a-studio7-0-01HF7YAT000000000000000007",
        ] {
            assert_eq!(
                SessionName::parse(&owner("studio7"), &SessionId::new(id).expect("valid")),
                None,
                "{id}"
            );
        }
        assert!(Owner::new("studio-7").is_err());
    }

    #[test]
    fn session_ids_are_1_to_256_of_the_allowed_characters() {
        assert!(SessionId::new("").is_err());
        assert!(SessionId::new(&"a".repeat(256)).is_ok());
        assert!(SessionId::new(&"a".repeat(257)).is_err());
        assert_eq!(
            SessionId::new("a b").expect_err("a space").to_string(),
            "a session id \"a b\" has the character ' '; only A-Z a-z 0-9 - _ are allowed"
        );
    }
}
