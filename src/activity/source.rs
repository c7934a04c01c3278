//! What an activity source is, and what it answers.

use crate::keeper::Evidence;
use crate::units::{PoolName, SessionId, Timestamp};

/// A Ready session that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The session.
    pub id: SessionId,
    /// Its pool.
    pub pool: PoolName,
    /// Its server's name.
    pub hostname: Option<String>,
    /// The ports that a client connects to.
    pub ports: Vec<u16>,
}

/// What a source saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The session is used now, by whom or what.
    Used(Option<Evidence>),
    /// It was used at this instant of the wall clock.
    UsedAt(Timestamp, Option<Evidence>),
    /// Nobody uses it, as far as this source can see, and what it saw instead.
    Unused(Option<Evidence>),
    /// It has nothing yet to compare what it saw with, and will have it soon: no silence, and no
    /// fault either.
    NotYet,
}

/// Why a source cannot say.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Something that it needs cannot be read or started.
    #[error("{doing}")]
    Io {
        /// What failed.
        doing: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it read cannot be an answer.
    #[error("{0}")]
    NoAnswer(String),
    /// It took too long.
    #[error("it did not answer within {} seconds", super::LOOK_TIMEOUT.as_secs())]
    TimedOut,
}

/// One kind of evidence that a session is used. A look may be dropped at any wait, and must not
/// leave anything running then.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// Reads what the looks of one round share, which begins `now`, on the daemon's line of time.
    /// What is remembered of other sessions than these can be forgotten.
    ///
    /// # Errors
    /// If nothing can be said of any session.
    async fn prepare(&self, sessions: &[Watched], now: Timestamp) -> Result<(), LookError> {
        let _ = (sessions, now);
        Ok(())
    }

    /// Looks whether a session is used.
    ///
    /// # Errors
    /// If the source cannot say, which is not the same as silence.
    async fn look(&self, session: &Watched) -> Result<Seen, LookError>;
}

/// A text of the policy, with `{session}` and `{pool}` replaced by those of a session.
pub(super) fn filled(text: &str, session: &Watched) -> String {
    text.replace("{session}", session.id.as_str())
        .replace("{pool}", session.pool.as_str())
}
