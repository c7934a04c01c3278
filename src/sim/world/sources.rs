//! Activity sources of the world: they see which sessions clients are connected to, unless they
//! break, hang or lie.
//!
//! A look takes no time here, and one that hangs is given up at once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::activity::{LookError, Seen, Source, Watched, round};
use crate::daemon::Shared;
use crate::units::{SessionId, Timestamp};

use super::daemon::at_once;

/// What is wrong with every activity source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::sim) enum SourceFault {
    /// Each look fails.
    Breaks,
    /// No look ends.
    Hangs,
    /// Everything is used.
    LiesUsed,
    /// Nothing is used.
    LiesUnused,
}

#[cfg(test)]
impl SourceFault {
    /// All of them.
    pub(in crate::sim) const ALL: [Self; 4] =
        [Self::Breaks, Self::Hangs, Self::LiesUsed, Self::LiesUnused];

    /// Whether a source says nothing then.
    pub(in crate::sim) const fn is_unknown(self) -> bool {
        matches!(self, Self::Breaks | Self::Hangs)
    }
}

/// What the sources of the world see.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct SimSources {
    /// The sessions that a client is connected to.
    pub(super) connected: BTreeSet<SessionId>,
    /// What is wrong with them, since when and until when.
    pub(in crate::sim) fault: Option<(SourceFault, Timestamp, Timestamp)>,
}

/// The sources at one instant.
struct SourcesNow<'a> {
    fault: Option<SourceFault>,
    connected: &'a BTreeSet<SessionId>,
}

#[async_trait::async_trait]
impl Source for SourcesNow<'_> {
    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        match self.fault {
            Some(SourceFault::Breaks) => Err(LookError::NoAnswer("it is broken".into())),
            Some(SourceFault::Hangs) => std::future::pending().await,
            Some(SourceFault::LiesUsed) => Ok(Seen::Used(None)),
            Some(SourceFault::LiesUnused) => Ok(Seen::Unused(None)),
            None if self.connected.contains(&session.id) => Ok(Seen::Used(None)),
            None => Ok(Seen::Unused(None)),
        }
    }
}

impl SimSources {
    /// What is wrong with them at an instant.
    pub(in crate::sim) fn fault_at(&self, now: Timestamp) -> Option<SourceFault> {
        self.fault
            .filter(|(_, since, until)| *since <= now && now < *until)
            .map(|(fault, ..)| fault)
    }

    /// Lets a daemon's sources look once at all that they are to watch. Returns the sessions that
    /// they saw in use.
    pub(super) fn look(&self, now: Timestamp, shared: &Shared) -> Vec<SessionId> {
        let source = SourcesNow {
            fault: self.fault_at(now),
            connected: &self.connected,
        };
        let (board, mut used) = (&shared.activity, Vec::new());
        for (kind, assignment) in board.assignments_now() {
            let at_once_over = || std::future::ready(());
            at_once(round(
                &kind,
                &source,
                &assignment,
                board,
                &*shared.clock,
                at_once_over,
            ));
            let ids = assignment.sessions.into_iter().map(|s| s.id);
            used.extend(ids.filter(|id| self.connected.contains(id)));
        }
        used
    }
}
