//! Calls that may hang, each on a thread of its own.
//!
//! Promises: the loop is never blocked; no more than [`MOST_HANGING`] threads are ever stuck; a
//! thread that is stuck does not keep the process from ending, as the runtime's own would.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::source::LookError;

/// How many calls of one source may be under way at once, those that hang included.
const MOST_HANGING: usize = 8;

/// Room for calls that may hang.
#[derive(Debug)]
pub(super) struct BlockingCalls(Arc<Semaphore>);

impl Default for BlockingCalls {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_HANGING)))
    }
}

impl BlockingCalls {
    /// Makes a call once there is room for it. Dropping this leaves the call to itself.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, LookError> + Send + 'static,
    ) -> Result<T, LookError> {
        let gone = || LookError::NoAnswer("the look was given up".into());
        let room = self.0.clone().acquire_owned().await.map_err(|_| gone())?;
        let (sender, answer) = oneshot::channel();
        std::thread::Builder::new()
            .name("look".into())
            .spawn(move || {
                // Who does not wait any more has gone on without the answer.
                let _ = sender.send(call());
                drop(room);
            })
            .map_err(|source| LookError::Io {
                doing: "cannot start a thread".into(),
                source,
            })?;
        answer.await.map_err(|_| gone())?
    }
}
