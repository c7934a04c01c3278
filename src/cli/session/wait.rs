//! Waits for a session, showing how far it is.

use crate::cli::output;
use crate::clock::Clock;
use crate::keeper::{SessionReading, Status};
use crate::service::Service;
use crate::units::{SessionId, Size, Span};

use super::error::SessionError;

/// The pause between two looks at a Standard session that boots.
const POLL_STANDARD: Span = Span::seconds(2);
/// The pause between two looks at any other session that boots: larger servers take longer.
const POLL_OTHER: Span = Span::seconds(10);
/// The longest that `--wait` waits.
const LONGEST_WAIT: Span = Span::minutes(30);
/// How progress is shown.
const PROGRESS: &str = "{spinner} {msg}";

/// Looks until a session is Ready (or, if it is to end, has ended), showing progress on a terminal.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at a service that cannot call back"
)]
pub(super) async fn until_settled<S: Service>(
    service: &S,
    clock: &dyn Clock,
    id: &SessionId,
    ending: bool,
) -> Result<SessionReading, SessionError> {
    let begun = clock.now();
    let progress = output::progress(PROGRESS, 0);
    loop {
        let answer = service.get(None, id).await?;
        let session = &answer.session;
        let waited = clock.now() - begun;
        let settled =
            session.status.is_terminal() || (!ending && session.status != Status::Starting);
        let waited_seconds = Span::seconds(waited.as_secs());
        progress.set_message(format!("{} for {waited_seconds}", session.status));
        progress.tick();
        if session.status.is_terminal() && !ending {
            return Err(SessionError::Ended {
                id: id.clone(),
                status: session.status.clone(),
                error: session.error.clone(),
            });
        }
        if settled {
            progress.finish();
            return Ok(answer);
        }
        if waited > LONGEST_WAIT {
            return Err(SessionError::TooLong {
                id: id.clone(),
                status: session.status.clone(),
                waited: LONGEST_WAIT,
            });
        }
        let pause = if session.size == Size::Standard {
            POLL_STANDARD
        } else {
            POLL_OTHER
        };
        tokio::time::sleep(pause.to_std()).await;
    }
}
