//! The watchers: a task for each source, which looks at the sessions that it is to watch and puts
//! what it saw on the board.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::keeper::ActivityAnswer;
use crate::policy::ActivitySource;
use crate::report::detail;
use crate::units::{Span, Timestamp};

use super::board::{ActivityBoard, Assignment};
use super::open::open;
use super::source::{LookError, Seen, Source};
use super::{CONCURRENT_LOOKS, LOOK_TIMEOUT};

/// How far in the future a source's instant may be, for clocks that are not quite the same.
const CLOCK_SKEW: Span = Span::minutes(1);
/// How long [`look_once`] may take.
const ONCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Watches what the board says, with a task for each source, until it is dropped.
pub async fn watch(board: Arc<ActivityBoard>, clock: Arc<dyn Clock>) {
    let mut assignments = board.assignments();
    let mut tasks = JoinSet::new();
    let mut running = BTreeMap::new();
    loop {
        let wanted = assignments.borrow_and_update().clone();
        running.retain(|source, task: &mut tokio::task::AbortHandle| {
            let stays = wanted.contains_key(source);
            if !stays {
                task.abort();
            }
            stays
        });
        for source in wanted.into_keys() {
            if running.contains_key(&source) {
                continue;
            }
            let watching = watch_source(source.clone(), board.clone(), clock.clone());
            running.insert(source, tasks.spawn(watching));
        }
        while tasks.try_join_next().is_some() {}
        // The board outlives its watchers.
        if assignments.changed().await.is_err() {
            return;
        }
    }
}

async fn watch_source(kind: ActivitySource, board: Arc<ActivityBoard>, clock: Arc<dyn Clock>) {
    let Some(source) = open(&kind) else { return };
    let mut assignments = board.assignments();
    loop {
        let assignment = assignments.borrow_and_update().get(&kind).cloned();
        let assignment = assignment.unwrap_or_default();
        round(&kind, &*source, &assignment, &board, &*clock, time_out).await;
        let changed = assignments.changed();
        // Whichever comes first, it is time to look again.
        let _ = tokio::time::timeout(assignment.every.to_std(), changed).await;
    }
}

/// The time that one look may take.
#[expect(
    clippy::disallowed_methods,
    reason = "a look that hangs sends no event"
)]
fn time_out() -> impl Future<Output = ()> {
    tokio::time::sleep(LOOK_TIMEOUT)
}

/// Looks at everything once, for a daemon that makes one pass. Takes no longer than `ONCE`.
pub async fn look_once(board: &ActivityBoard, clock: &dyn Clock) {
    let assignments = board.assignments_now();
    let rounds = assignments.iter().filter_map(|(kind, assignment)| {
        let source = open(kind)?;
        Some(async move { round(kind, &*source, assignment, board, clock, time_out).await })
    });
    // What has not answered by then has not answered.
    let _ = tokio::time::timeout(ONCE, futures_util::future::join_all(rounds)).await;
}

/// Lets a source look once at each session that it is to watch. No look takes longer than
/// `time_out`, nor does what they share.
pub async fn round<F: Future<Output = ()>>(
    kind: &ActivitySource,
    source: &dyn Source,
    assignment: &Assignment,
    board: &ActivityBoard,
    clock: &dyn Clock,
    time_out: impl Fn() -> F,
) {
    if assignment.sessions.is_empty() {
        return;
    }
    if let Err(error) = within(source.prepare(&assignment.sessions, clock.now()), &time_out).await {
        for session in &assignment.sessions {
            board.put(&session.id, kind, clock.now(), unknown(&error));
        }
        return;
    }
    stream::iter(&assignment.sessions)
        .for_each_concurrent(CONCURRENT_LOOKS, async |session| {
            let seen = within(source.look(session), &time_out).await;
            let now = clock.now();
            board.put(&session.id, kind, now, answer(seen, now));
        })
        .await;
}

async fn within<T, F: Future<Output = ()>>(
    look: impl Future<Output = Result<T, LookError>>,
    time_out: impl Fn() -> F,
) -> Result<T, LookError> {
    match select(std::pin::pin!(look), std::pin::pin!(time_out())).await {
        Either::Left((seen, _)) => seen,
        Either::Right(_) => Err(LookError::TimedOut),
    }
}

fn unknown(error: &LookError) -> ActivityAnswer {
    ActivityAnswer::Unknown { why: detail(error) }
}

fn answer(seen: Result<Seen, LookError>, now: Timestamp) -> ActivityAnswer {
    match seen {
        Ok(Seen::Used(saw)) => ActivityAnswer::Used { at: now, saw },
        Ok(Seen::Unused(saw)) => ActivityAnswer::Unused { saw },
        Ok(Seen::NotYet) => ActivityAnswer::NotYet,
        Ok(Seen::UsedAt(at, saw)) if at <= now + CLOCK_SKEW => {
            let at = at.min(now);
            ActivityAnswer::Used { at, saw }
        }
        Ok(Seen::UsedAt(at, _)) => ActivityAnswer::Unknown {
            why: format!("it names an instant that has not come yet: {at}"),
        },
        Err(error) => unknown(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{board_of, watched};
    use super::*;
    use crate::clock::SystemClock;
    use crate::keeper::ActivityReading;

    struct Scripted(fn() -> Result<Seen, LookError>);

    #[async_trait::async_trait]
    impl Source for Scripted {
        async fn look(&self, _: &super::super::Watched) -> Result<Seen, LookError> {
            (self.0)()
        }
    }

    struct Hangs;

    #[async_trait::async_trait]
    impl Source for Hangs {
        async fn look(&self, _: &super::super::Watched) -> Result<Seen, LookError> {
            std::future::pending().await
        }
    }

    async fn reading(source: &dyn Source) -> ActivityAnswer {
        let board = ActivityBoard::default();
        let assignment = Assignment {
            sessions: vec![watched(1)],
            every: Span::seconds(1),
        };
        let clock = SystemClock::new();
        let at_once = || std::future::ready(());
        let kind = ActivitySource::Sockets;
        round(&kind, source, &assignment, &board, &clock, at_once).await;
        let [ActivityReading { answer, .. }] = &board.readings()[..] else {
            panic!("one answer")
        };
        answer.clone()
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_given_up_and_says_nothing() {
        let ActivityAnswer::Unknown { why } = reading(&Hangs).await else {
            panic!("it cannot say")
        };
        assert!(why.contains("did not answer within"), "{why}");
    }

    #[tokio::test]
    async fn an_instant_that_has_not_come_is_no_answer_and_one_that_is_almost_here_is() {
        let says = async |source| reading(&Scripted(source)).await;
        let ahead = says(|| Ok(Seen::UsedAt(Timestamp::MAX, None))).await;
        assert!(matches!(ahead, ActivityAnswer::Unknown { .. }), "{ahead:?}");
        let almost = says(|| {
            let now = SystemClock::new().now();
            Ok(Seen::UsedAt(now + Span::seconds(30), None))
        });
        assert!(matches!(almost.await, ActivityAnswer::Used { .. }));
    }

    #[tokio::test]
    async fn the_watchers_follow_the_board() {
        let used = ActivitySource::Command(vec!["true".into()]);
        let unused = ActivitySource::Command(vec!["false".into()]);
        let (board, clock) = (Arc::new(ActivityBoard::default()), SystemClock::new());
        let mut watching = std::pin::pin!(watch(board.clone(), Arc::new(clock)));
        for (source, wanted) in [(used, true), (unused, false)] {
            board_of(&board, &source, &watched(1));
            let answered = async {
                loop {
                    let readings = board.readings();
                    if let Some(found) = readings.iter().find(|r| r.source == source) {
                        break matches!(found.answer, ActivityAnswer::Used { .. });
                    }
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                () = &mut watching => panic!("they watch for ever"),
                used = answered => assert_eq!(used, wanted),
            }
        }
    }
}
