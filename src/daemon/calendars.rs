//! The calendars of the policy in force, looked at as often as the service.
//!
//! Promises: a pass waits for no calendar; a file that hangs keeps one thread, and nothing else;
//! what cannot be read any more changes nothing, and is told once.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::calendar::{CalendarBook, News};
use crate::policy::Policy;
use crate::report::line;
use crate::units::{Span, Timestamp};

use super::shared::Shared;

/// Looks at the calendars, and puts what they say in force, until it is dropped.
pub(super) async fn watch_calendars(shared: Arc<Shared>, policy_file: PathBuf) {
    let mut book = CalendarBook::beside(&policy_file);
    loop {
        let (policy, interval) = {
            let state = shared.lock();
            (state.policy.clone(), state.policy.reconcile.interval)
        };
        let Some(looked) = look(book, policy.clone(), shared.clock.now()).await else {
            tracing::error!("calendars are not looked at any more: no thread can be started");
            return;
        };
        book = looked.book;
        looked.news.iter().for_each(tell);
        if let Some(new) = looked.policy {
            put_in_force(&shared, &policy, new);
        }
        pause(interval).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a file does not call")]
async fn pause(length: Span) {
    tokio::time::sleep(length.to_std()).await;
}

/// What came of a look.
struct Looked {
    book: CalendarBook,
    policy: Option<Policy>,
    news: Vec<News>,
}

/// Looks on a thread of its own, which does not keep the process from ending.
async fn look(mut book: CalendarBook, policy: Arc<Policy>, now: Timestamp) -> Option<Looked> {
    let (sender, answer) = oneshot::channel();
    let look = move || {
        let (policy, news) = book.refresh(&policy, now);
        // Who does not wait any more has ended.
        let _ = sender.send(Looked { book, policy, news });
    };
    let thread = std::thread::Builder::new().name("calendars".into());
    thread.spawn(look).ok()?;
    answer.await.ok()
}

fn tell(news: &News) {
    match news {
        News::Changed(path) => {
            tracing::info!("the calendar {} has changed", path.display());
        }
        News::Failed(error) => {
            tracing::warn!("{}; what it said before stays in force", line(error));
        }
        News::Recovered(path) => tracing::info!("the calendar {} is read again", path.display()),
    }
}

/// Puts a policy in the place of the one that was looked at. Where another one is in force by now,
/// the next look is at that.
fn put_in_force(shared: &Shared, looked_at: &Arc<Policy>, new: Policy) {
    let mut state = shared.lock();
    if !Arc::ptr_eq(&state.policy, looked_at) {
        return;
    }
    state.policy = Arc::new(new);
    drop(state);
    shared.wake.notify_one();
}
