//! Where a client connects to a session: a host, and ports that the service has names for.
//!
//! Which ports there are is the service's business; the keeper only passes them on.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// Where a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub struct Address {
    /// Host name.
    pub hostname: String,
    /// Its ports.
    #[serde(flatten)]
    pub ports: Ports,
}

/// The ports of a server by name; as data, members like `handshake_port`.
///
/// The first in the order of their names is the one that a client connects to.
///
/// ```
/// use leasekeeper::keeper::Ports;
///
/// let ports = Ports::new([("handshake", Some(50_000)), ("inspector", None)]);
/// assert_eq!(serde_json::to_string(&ports)?, r#"{"handshake_port":50000}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(BTreeMap<String, u16>);

/// What the name of a port ends with where it is a member of data.
const SUFFIX: &str = "_port";

impl Ports {
    /// The ports that are known.
    pub fn new<'n>(ports: impl IntoIterator<Item = (&'n str, Option<u16>)>) -> Self {
        let known = ports
            .into_iter()
            .filter_map(|(name, port)| Some((name.to_owned(), port?)));
        Self(known.collect())
    }

    /// The port that a client connects to.
    pub fn main(&self) -> Option<u16> {
        self.0.values().next().copied()
    }

    /// Every port with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u16)> {
        self.0.iter().map(|(name, port)| (name.as_str(), *port))
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, port) in self.iter() {
            map.serialize_entry(&format!("{name}{SUFFIX}"), &port)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// An address stands flat among other members, so beside ports there may be anything.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Member {
            Port(u16),
            Other(IgnoredAny),
        }
        let members = BTreeMap::<String, Member>::deserialize(deserializer)?;
        let known = members
            .into_iter()
            .filter_map(|(name, member)| match member {
                Member::Port(port) => Some((name.strip_suffix(SUFFIX)?.to_owned(), port)),
                Member::Other(_) => None,
            });
        Ok(Self(known.collect()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hostname)?;
        for (nth, (name, port)) in self.ports.iter().enumerate() {
            match nth {
                0 => write!(f, ":{port}")?,
                _ => write!(f, " ({name} {port})")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written_and_takes_ports_that_are_not_there() {
        let address = Address {
            hostname: "vm".into(),
            ports: Ports::new([("inspector", Some(2)), ("handshake", Some(1))]),
        };
        assert_eq!(address.to_string(), "vm:1 (inspector 2)");
        assert_eq!(address.ports.main(), Some(1));
        assert_eq!(Ports::default().main(), None);
        let text = serde_json::to_string(&address).expect("text");
        assert_eq!(
            text,
            r#"{"hostname":"vm","handshake_port":1,"inspector_port":2}"#
        );
        assert_eq!(
            serde_json::from_str::<Address>(&text).expect("reads"),
            address
        );
        let old = r#"{"hostname":"vm","handshake_port":1,"inspector_port":null,"x":[]}"#;
        let read: Address = serde_json::from_str(old).expect("reads");
        assert_eq!(read.ports, Ports::new([("handshake", Some(1))]));
    }
}
