//! The board: which sessions are to be watched, and the latest answer of each source about each.
//!
//! Passes put sessions on it and read answers from it; watchers do the reverse. Neither waits for
//! the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::keeper::{ActivityAnswer, ActivityReading};
use crate::policy::ActivitySource;
use crate::units::{SessionId, Span, Timestamp};

use super::source::Watched;

/// What one source is to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The sessions.
    pub sessions: Vec<Watched>,
    /// The longest time between two looks at them.
    pub every: Span,
}

/// What every source is to watch.
pub type Assignments = BTreeMap<ActivitySource, Assignment>;

type Answers = BTreeMap<SessionId, BTreeMap<ActivitySource, (Timestamp, ActivityAnswer)>>;

/// Who is watched, and what was seen last.
#[derive(Debug, Default)]
pub struct ActivityBoard {
    assignments: watch::Sender<Assignments>,
    answers: Mutex<Answers>,
}

impl ActivityBoard {
    /// Says what is to be watched from now on. Answers about other sessions are forgotten.
    pub fn assign(&self, assignments: Assignments) {
        let ids: BTreeSet<&SessionId> = assignments
            .values()
            .flat_map(|assignment| assignment.sessions.iter().map(|s| &s.id))
            .collect();
        self.lock().retain(|id, _| ids.contains(id));
        self.assignments.send_if_modified(|before| {
            let changed = *before != assignments;
            if changed {
                *before = assignments;
            }
            changed
        });
    }

    /// What is to be watched, also whenever that changes.
    pub(super) fn assignments(&self) -> watch::Receiver<Assignments> {
        self.assignments.subscribe()
    }

    /// What is to be watched now.
    pub fn assignments_now(&self) -> Assignments {
        self.assignments.borrow().clone()
    }

    /// Puts an answer that was given at an instant in the place of the one before.
    pub(super) fn put(
        &self,
        session: &SessionId,
        source: &ActivitySource,
        at: Timestamp,
        answer: ActivityAnswer,
    ) {
        self.lock()
            .entry(session.clone())
            .or_default()
            .insert(source.clone(), (at, answer));
    }

    /// The latest answers.
    pub fn readings(&self) -> Vec<ActivityReading> {
        let answers = self.lock();
        let all = answers.iter().flat_map(|(session, of_sources)| {
            of_sources
                .iter()
                .map(|(source, (at, answer))| ActivityReading {
                    session: session.clone(),
                    source: source.clone(),
                    at: *at,
                    answer: answer.clone(),
                })
        });
        all.collect()
    }

    /// Forgets every answer: the line of time that they stand on was moved.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        // A panic ends the process (`panic = "abort"`).
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
