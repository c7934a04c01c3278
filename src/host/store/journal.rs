//! The thread that writes: changes in the order in which they were made, many in one transaction
//! when many wait.

use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use crate::host::sessions::session::HostedSession;
use crate::units::SessionId;

use super::{StateFile, rows};

/// The most changes of one transaction.
const MOST_TOGETHER: usize = 1_000;

enum Change {
    Write(String, Box<HostedSession>, oneshot::Sender<bool>),
    Ended(String, Box<HostedSession>),
    Forgotten(String, SessionId),
}

/// Word that a change was kept, or could not be.
pub(in super::super) struct PendingWrite(oneshot::Receiver<bool>);

impl PendingWrite {
    /// Whether it is kept.
    pub(in super::super) async fn confirmed(self) -> bool {
        self.0.await.unwrap_or(false)
    }
}

/// Where changes go. As many wait as there are connections, and sessions that ended at once.
#[derive(Debug)]
pub(in super::super) struct Journal(Sender<Change>);

impl Journal {
    /// Starts the thread, which ends when the journal is dropped.
    pub(in super::super) fn start(state: StateFile) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        std::thread::Builder::new()
            .name("state".into())
            .spawn(move || write(state, &receiver))?;
        Ok(Self(sender))
    }

    /// Keeps a session as it is now.
    pub(in super::super) fn write(&self, account: &str, session: &HostedSession) -> PendingWrite {
        let (told, kept) = oneshot::channel();
        self.send(Change::Write(
            account.into(),
            Box::new(session.clone()),
            told,
        ));
        PendingWrite(kept)
    }

    /// Keeps that a session has ended. Nobody waits for it: a restart would find out by itself.
    pub(in super::super) fn ended(&self, account: &str, session: &HostedSession) {
        self.send(Change::Ended(account.into(), Box::new(session.clone())));
    }

    /// Forgets a session.
    pub(in super::super) fn forgotten(&self, account: &str, id: &SessionId) {
        self.send(Change::Forgotten(account.into(), id.clone()));
    }

    fn send(&self, change: Change) {
        // The thread outlives the journal; were it gone, whoever waits would be told that nothing
        // was kept.
        let _ = self.0.send(change);
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the file is closed when the thread ends"
)]
fn write(state: StateFile, changes: &Receiver<Change>) {
    while let Ok(first) = changes.recv() {
        let together: Vec<Change> = std::iter::once(first)
            .chain(changes.try_iter())
            .take(MOST_TOGETHER)
            .collect();
        let done = apply(&state, &together);
        if let Err(error) = &done {
            tracing::error!(
                "could not write the state {}: {error}",
                state.path.display()
            );
        }
        for change in together {
            if let Change::Write(_, _, told) = change {
                // A client that went away needs no word.
                let _ = told.send(done.is_ok());
            }
        }
    }
}

fn apply(state: &StateFile, changes: &[Change]) -> Result<(), rusqlite::Error> {
    // Dropped without a commit, it takes everything back.
    let transaction = state.connection.unchecked_transaction()?;
    for change in changes {
        match change {
            Change::Write(account, session, _) | Change::Ended(account, session) => {
                rows::write(&transaction, account, session)?;
            }
            Change::Forgotten(account, id) => rows::remove(&transaction, account, id)?,
        }
    }
    transaction.commit()
}
