//! Which source an entry of the policy names.

use crate::policy::ActivitySource;

use super::command::CommandSource;
use super::file::FileSource;
use super::metric::MetricSource;
use super::sockets::SocketSource;
use super::source::Source;

/// The source that an entry of the policy names; `None` for heartbeats, which are reported and not
/// looked for.
pub(super) fn open(source: &ActivitySource) -> Option<Box<dyn Source>> {
    match source {
        ActivitySource::Heartbeat => None,
        ActivitySource::Sockets => Some(Box::<SocketSource>::default()),
        ActivitySource::BusySockets(least) => Some(Box::new(SocketSource::busy(*least))),
        ActivitySource::File(path) => Some(Box::new(FileSource::new(path))),
        ActivitySource::Metric(metric) => Some(Box::new(MetricSource::new(metric))),
        ActivitySource::Command(words) => Some(Box::new(CommandSource::new(words))),
    }
}
