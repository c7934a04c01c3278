//! The board: which sessions are to be watched, and the latest answer of each source about each,
//! with the last use that it saw.
//!
//! Passes put sessions on it and read answers from it; watchers do the reverse. Neither waits for
//! the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::keeper::{ActivityAnswer, ActivityReading, SignOfUse};
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

type Answers = BTreeMap<SessionId, BTreeMap<ActivitySource, LastAnswer>>;

/// What a source said last, and the last use that it saw.
#[derive(Debug)]
struct LastAnswer {
    at: Timestamp,
    answer: ActivityAnswer,
    used: Option<SignOfUse>,
}

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
        let mut answers = self.lock();
        let of_sources = answers.entry(session.clone()).or_default();
        let before = of_sources.remove(source).and_then(|before| before.used);
        // Several looks may come between two passes: what one of them saw is not lost by the next.
        let used = answer.sign().or(before);
        let last = LastAnswer { at, answer, used };
        of_sources.insert(source.clone(), last);
    }

    /// The latest answers.
    pub fn readings(&self) -> Vec<ActivityReading> {
        let answers = self.lock();
        let all = answers.iter().flat_map(|(session, of_sources)| {
            of_sources.iter().map(|(source, last)| ActivityReading {
                session: session.clone(),
                source: source.clone(),
                at: last.at,
                answer: last.answer.clone(),
                used: last.used.clone(),
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

#[cfg(test)]
mod tests {
    use super::super::testing::{board_of, watched};
    use super::*;

    #[test]
    fn use_that_a_look_saw_outlasts_the_next_look_until_the_session_is_watched_no_more() {
        let (board, session) = (ActivityBoard::default(), watched(1));
        let source = ActivitySource::Sockets;
        board_of(&board, &source, &session);
        let at = Timestamp::from_millis;
        let say = |now, answer| {
            board.put(&session.id, &source, at(now), answer);
            let reading = board.readings().remove(0);
            (reading.at, reading.used.map(|used| used.at))
        };
        let used = |now| ActivityAnswer::Used {
            at: at(now),
            saw: None,
        };
        let unused = || ActivityAnswer::Unused { saw: None };
        assert_eq!(say(1, unused()), (at(1), None));
        assert_eq!(say(2, used(2)), (at(2), Some(at(2))));
        assert_eq!(say(3, unused()), (at(3), Some(at(2))));
        assert_eq!(say(4, ActivityAnswer::NotYet), (at(4), Some(at(2))));
        assert_eq!(say(5, used(5)), (at(5), Some(at(5))));
        board.assign(Assignments::new());
        assert_eq!(board.readings(), []);
        board.put(&session.id, &source, at(6), unused());
        assert_eq!(board.readings().remove(0).used, None);
    }
}
