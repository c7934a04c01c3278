//! What an activity source last said of a session, for whoever asks why it is kept.
//!
//! It decides nothing: rules go by when a session was last active and by what cannot be said. It is
//! not written to the ledger. Reads no clock.

use crate::keeper::evidence::Evidence;
use crate::keeper::observation::ActivityAnswer;
use crate::units::{Span, Timestamp};

/// What an activity source last said of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// When it said so.
    pub at: Timestamp,
    /// What it said.
    pub answer: ActivityAnswer,
    /// The last use that it saw, whatever it has said since.
    pub usage: Option<Usage>,
}

/// A time for which a session was used: no gap in it is longer than the pool's `idle_timeout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The first sign of it.
    pub since: Timestamp,
    /// The last sign of it.
    pub last: Timestamp,
    /// By whom or what, where the source can name it.
    pub by: Option<Evidence>,
}

impl SourceReport {
    /// The line of time was moved by `step`.
    pub(super) fn move_by(&mut self, step: Span) {
        self.at += step;
        if let ActivityAnswer::Used { at, .. } = &mut self.answer {
            *at += step;
        }
        if let Some(usage) = &mut self.usage {
            usage.since += step;
            usage.last += step;
        }
    }
}

impl Usage {
    /// What this use has become by one more sign of it.
    pub(in crate::keeper) fn with(
        former: Option<Self>,
        last: Timestamp,
        by: Option<Evidence>,
        gap: Span,
    ) -> Self {
        match former {
            // A source that looks again at what it saw before says nothing new.
            Some(former) if last < former.last => former,
            Some(former) if last <= former.last + gap => Self {
                since: former.since,
                last,
                by,
            },
            _ => Self {
                since: last,
                last,
                by,
            },
        }
    }
}
