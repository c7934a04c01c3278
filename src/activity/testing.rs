//! One session that is watched, and one look at it.

use crate::clock::{Clock, SystemClock};
use crate::policy::ActivitySource;
use crate::units::{SessionId, Span};

use super::board::{ActivityBoard, Assignment};
use super::open::open;
use super::source::{LookError, Seen, Watched};

/// A session on this machine.
pub(super) fn watched(port: u16) -> Watched {
    Watched {
        id: SessionId::new("st-a-0-x").expect("an id"),
        pool: "a".parse().expect("a pool"),
        hostname: Some("localhost".into()),
        ports: vec![port],
    }
}

/// One look at a session.
pub(super) async fn look(source: &ActivitySource, session: &Watched) -> Result<Seen, LookError> {
    let source = open(source).expect("it looks");
    let sessions = std::slice::from_ref(session);
    source.prepare(sessions, SystemClock::new().now()).await?;
    source.look(session).await
}

/// Has a source watch one session, once.
pub(super) fn board_of(board: &ActivityBoard, source: &ActivitySource, session: &Watched) {
    let assignment = Assignment {
        sessions: vec![session.clone()],
        every: Span::hours(1),
    };
    board.assign([(source.clone(), assignment)].into());
}
