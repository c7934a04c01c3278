//! `activity` of a pool: what counts as use, and how its entries are read.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::units::ByteCount;

use super::metric::{Metric, metric};
use super::reader::{Table, Value};

/// One thing that counts as activity. In paths and words, `{session}` and `{pool}` stand for those
/// of the session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivitySource {
    /// `leasekeeper touch` and the control API's touch.
    Heartbeat,
    /// A connection from this machine to the session's server.
    Sockets,
    /// Connections from this machine to the session's server that move so much in a minute.
    BusySockets(ByteCount),
    /// A file was changed.
    File(PathBuf),
    /// A command ends with exit status 0.
    Command(Vec<String>),
    /// A figure of a page on the network.
    Metric(Box<Metric>),
}

impl ActivitySource {
    /// What it looks for, in words, as in "15m without …".
    pub fn sign(&self) -> String {
        match self {
            Self::Heartbeat => "a heartbeat or an acquire".into(),
            Self::Sockets => "a connection to its server".into(),
            Self::BusySockets(least) => format!("{least} a minute over connections to its server"),
            Self::File(path) => format!("a change of {}", path.display()),
            Self::Command(words) => format!("exit status 0 of {}", words.join(" ")),
            Self::Metric(metric) => metric.sign(),
        }
    }
}

impl fmt::Display for ActivitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heartbeat => f.write_str("heartbeat"),
            Self::Sockets => f.write_str("sockets"),
            Self::BusySockets(least) => write!(f, "sockets that move {least} a minute"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(words) => write!(f, "command {}", words.join(" ")),
            Self::Metric(metric) => metric.fmt(f),
        }
    }
}

/// What counts as use: one source an entry.
pub(super) fn activity(value: &Value<'_, '_>) -> BTreeSet<ActivitySource> {
    let mut sources = BTreeSet::new();
    for entry in value.array().unwrap_or_default() {
        let Some(table) = entry.table() else { continue };
        let on = |key| table.get(key).and_then(|v| v.bool()) == Some(true);
        sources.extend(on("heartbeat").then_some(ActivitySource::Heartbeat));
        sources.extend(sockets(&table, on("sockets")));
        sources.extend(
            table
                .get("file")
                .and_then(|v| v.str())
                .map(|path| ActivitySource::File(path.into())),
        );
        sources.extend(table.get("command").and_then(|v| command(&v)));
        let metric = table.get("metric").and_then(|v| metric(&v));
        sources.extend(metric.map(|metric| ActivitySource::Metric(Box::new(metric))));
        table.end();
    }
    sources
}

fn sockets(table: &Table<'_, '_>, on: bool) -> Option<ActivitySource> {
    let least = table.get("min_bytes");
    match least {
        None => on.then_some(ActivitySource::Sockets),
        Some(least) if on => {
            let bytes: ByteCount = least.parse()?;
            if bytes == ByteCount::default() {
                least.error(
                    "`min_bytes` must be at least 1B",
                    "every idle connection moves that",
                    None,
                );
                return None;
            }
            Some(ActivitySource::BusySockets(bytes))
        }
        Some(least) => {
            let help = "write it like { sockets = true, min_bytes = \"64KB\" }".to_owned();
            least.error(
                "`min_bytes` belongs to `sockets = true`",
                "without sockets",
                Some(help),
            );
            None
        }
    }
}

fn command(value: &Value<'_, '_>) -> Option<ActivitySource> {
    let words: Vec<String> = value
        .array()?
        .iter()
        .filter_map(|word| word.str().map(Into::into))
        .collect();
    if words.is_empty() {
        value.error(
            "the command has no words",
            "write it like [\"/usr/local/bin/is-used\", \"{session}\"]",
            None,
        );
        return None;
    }
    Some(ActivitySource::Command(words))
}
