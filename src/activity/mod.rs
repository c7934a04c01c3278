//! Activity sources: what shows that somebody uses a session, besides acquire and the heartbeat.
//!
//! Three are looked at before each pass, because nobody reports them: connections from this machine
//! to the session's server, how fresh a file is, and what a command says. Promises: a look is
//! bounded in time whatever a name server or a command does; a source that does not work is told
//! once, and counts as silence. Knows nothing of what follows from it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::policy::ActivitySource;
use crate::units::{PoolName, SessionId, Timestamp};

mod command;
mod file;
mod sockets;

/// How many looks are under way at once.
const CONCURRENT_LOOKS: usize = 8;

/// A Ready session that is looked at.
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
    /// What counts.
    pub sources: BTreeSet<ActivitySource>,
}

/// The sources, and which of them are known not to work.
#[derive(Debug, Default)]
pub struct Sources {
    told: Mutex<BTreeSet<String>>,
}

impl Sources {
    /// Looks at every source of every session. Returns the sessions that are in use, or were, and
    /// when last.
    pub async fn look(
        &self,
        watched: Vec<Watched>,
        clock: &dyn Clock,
    ) -> Vec<(SessionId, Timestamp)> {
        let by_socket = |w: &Watched| w.sources.contains(&ActivitySource::Sockets);
        let connected = if watched.iter().any(by_socket) {
            sockets::remote_ends()
        } else {
            BTreeSet::new()
        };
        let sessions_to_get = watched
            .iter()
            .flat_map(|w| w.sources.iter().map(move |source| (w, source)));
        let mut seen: Vec<(SessionId, Timestamp)> = stream::iter(sessions_to_get)
            .map(|(session, source)| self.look_at(session, source, &connected, clock))
            .buffer_unordered(CONCURRENT_LOOKS)
            .filter_map(async |seen| seen)
            .collect()
            .await;
        seen.sort();
        seen
    }

    async fn look_at(
        &self,
        session: &Watched,
        source: &ActivitySource,
        connected: &BTreeSet<std::net::SocketAddr>,
        clock: &dyn Clock,
    ) -> Option<(SessionId, Timestamp)> {
        let now = |used: bool| used.then(|| clock.now());
        let at = match source {
            // Told by whoever works, not looked for.
            ActivitySource::Heartbeat => None,
            ActivitySource::Sockets => now(sockets::leads_to(session, connected).await),
            ActivitySource::File(path) => {
                let changed = file::changed(path, session);
                self.tell(&path.display().to_string(), changed.as_ref().err());
                changed.ok().flatten().map(|at| at.min(clock.now()))
            }
            ActivitySource::Command(words) => {
                let used = command::says_used(words, session).await;
                self.tell(&words.join(" "), used.as_ref().err());
                now(used.unwrap_or(false))
            }
        };
        at.map(|at| (session.id.clone(), at))
    }

    /// Says once that a source does not work, and is ready to say it again once it has worked.
    fn tell(&self, source: &str, trouble: Option<&std::io::Error>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(error) if told.insert(source.into()) => {
                tracing::warn!(
                    "the activity source `{source}` does not work and counts as silence: {error}"
                );
            }
            Some(_) => {}
            None => {
                told.remove(source);
            }
        }
    }
}

/// A text of the policy, with `{session}` and `{pool}` replaced by those of a session.
fn filled(text: &str, session: &Watched) -> String {
    text.replace("{session}", session.id.as_str())
        .replace("{pool}", session.pool.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn watched(source: ActivitySource, port: u16) -> Watched {
        Watched {
            id: SessionId::new("st-a-0-x").expect("an id"),
            pool: "a".parse().expect("a pool"),
            hostname: Some("localhost".into()),
            ports: vec![port],
            sources: [source].into(),
        }
    }

    async fn is_seen(source: ActivitySource, port: u16) -> bool {
        !Sources::default()
            .look(vec![watched(source, port)], &SystemClock::new())
            .await
            .is_empty()
    }

    #[tokio::test]
    async fn a_connection_from_this_machine_to_the_server_is_use_and_its_end_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        assert!(!is_seen(ActivitySource::Sockets, port).await);
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let server = listener.accept().expect("accepted");
        assert!(is_seen(ActivitySource::Sockets, port).await);
        drop((client, server));
        assert!(!is_seen(ActivitySource::Sockets, port).await);
    }

    #[tokio::test]
    async fn a_file_tells_when_it_was_changed_and_a_missing_one_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = || ActivitySource::File(folder.path().join("{pool}-{session}"));
        assert!(!is_seen(source(), 1).await);
        std::fs::write(folder.path().join("a-st-a-0-x"), "").expect("written");
        assert!(is_seen(source(), 1).await);
    }

    #[tokio::test]
    async fn a_command_that_succeeds_says_that_the_session_is_used() {
        let command = |words: &[&str]| {
            ActivitySource::Command(words.iter().map(|w| (*w).to_owned()).collect())
        };
        assert!(is_seen(command(&["true"]), 1).await);
        assert!(!is_seen(command(&["false"]), 1).await);
        assert!(!is_seen(command(&["/no/such/command"]), 1).await);
        let asks = "test \"$LEASEKEEPER_POOL/$1\" = a/st-a-0-x && test \"$LEASEKEEPER_PORT\" = 7";
        assert!(is_seen(command(&["sh", "-c", asks, "sh", "{session}"]), 7).await);
    }
}
