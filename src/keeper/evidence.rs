//! What activity sources saw: as data, and in words.
//!
//! Evidence says who or what was seen, and decides nothing. It holds no secrets: no output of a
//! command, no content of a file, of a page no more than
//! one figure.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::units::{ByteCount, Span, Timestamp};

/// What an activity source saw when it last said whether a session is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub enum Evidence {
    /// Somebody sent a heartbeat.
    Touched,
    /// A client asked for the session.
    Acquired {
        /// The client's name for itself.
        client: String,
    },
    /// Connections to the session's server.
    Connected {
        /// How the one that is named is carried.
        transport: Transport,
        /// The near end of that one.
        #[cfg_attr(feature = "daemon", schema(value_type = String))]
        from: SocketAddr,
        /// How many there are besides.
        others: u32,
        /// What moved over all of them, where that is counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved: Option<Moved>,
    },
    /// A file was changed.
    FileChanged {
        /// When last.
        at: Timestamp,
    },
    /// There is no such file yet.
    NoFile,
    /// A figure was read.
    Figure {
        /// What it was.
        value: String,
    },
    /// A command ended.
    Exited {
        /// Its exit status.
        status: i32,
    },
}

/// Data that moved, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub struct Moved {
    /// How much.
    pub bytes: ByteCount,
    /// In how many seconds up to when it was looked at, rounded up.
    pub seconds: u32,
}

/// How a connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub enum Transport {
    /// An established connection.
    Tcp,
    /// A socket that is connected to the server's, and sends it datagrams.
    Udp,
}

impl Evidence {
    /// A client of that name asked for the session.
    pub(in crate::keeper) fn acquired_by(client: &str) -> Self {
        Self::Acquired {
            client: client.into(),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Touched => f.write_str("a heartbeat"),
            Self::Acquired { client } => write!(f, "{client}, who acquired it"),
            Self::Connected {
                transport,
                from,
                others,
                moved,
            } => {
                let kind = match transport {
                    Transport::Tcp => "socket",
                    Transport::Udp => "UDP socket",
                };
                write!(f, "{kind} {from}")?;
                match others {
                    0 => {}
                    1 => f.write_str(" and 1 other")?,
                    _ => write!(f, " and {others} others")?,
                }
                moved.map_or(Ok(()), |moved| write!(f, ", {moved}"))
            }
            Self::FileChanged { at } => write!(f, "a file changed at {at}"),
            Self::NoFile => f.write_str("no such file yet"),
            Self::Figure { value } => write!(f, "value {value}"),
            Self::Exited { status } => write!(f, "exit status {status}"),
        }
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, seconds } = self;
        match seconds {
            60 => write!(f, "{bytes} in the last minute"),
            _ => {
                let last = Span::seconds(i64::from(*seconds));
                write!(f, "{bytes} in the last {last}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_reads_as_what_somebody_would_look_for() {
        let connected = |transport, others| Evidence::Connected {
            transport,
            from: "10.0.0.7:51212".parse().expect("an end"),
            others,
            moved: None,
        };
        let moved = |seconds| Evidence::Connected {
            transport: Transport::Tcp,
            from: "10.0.0.7:51212".parse().expect("an end"),
            others: 0,
            moved: Some(Moved {
                bytes: ByteCount::new(3_100_000),
                seconds,
            }),
        };
        for (evidence, words) in [
            (connected(Transport::Tcp, 0), "socket 10.0.0.7:51212"),
            (
                connected(Transport::Udp, 1),
                "UDP socket 10.0.0.7:51212 and 1 other",
            ),
            (
                connected(Transport::Tcp, 2),
                "socket 10.0.0.7:51212 and 2 others",
            ),
            (
                moved(60),
                "socket 10.0.0.7:51212, 3.1 MB in the last minute",
            ),
            (moved(75), "socket 10.0.0.7:51212, 3.1 MB in the last 1m15s"),
            (Evidence::Exited { status: 3 }, "exit status 3"),
        ] {
            assert_eq!(evidence.to_string(), words);
            let json = serde_json::to_string(&evidence).expect("JSON");
            let read: Evidence = serde_json::from_str(&json).expect("reads back");
            assert_eq!(read, evidence);
        }
    }
}
