//! What the service keeps across restarts: its sessions and the key of its tokens, in one SQLite
//! file.
//!
//! Promises: an answer that says a session was made, extended or stopped is sent only when that
//! survives `kill -9` and power loss; one process keeps a file at a time; a file of another kind is
//! left as it is.

mod journal;
mod rows;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use crate::files::{self, FileError, Lock, holder};
use crate::host::sessions::session::HostedSession;
use crate::report::Hint;
use crate::units::Secret;

use super::auth::account::HostAccount;
use super::auth::key::{KeyError, random};

pub(super) use journal::{Journal, PendingWrite};

/// Marks a SQLite file as the state of a session service: "LKSS".
const APPLICATION_ID: u32 = 0x4c4b_5353;
/// How every SQLite file begins, and where the mark stands in it.
const MAGIC: &[u8] = b"SQLite format 3\0";
const MARK: std::ops::Range<usize> = 68..72;
/// The form of the file that this program reads and writes.
const VERSION: u32 = 1;
const FORM: &str = include_str!("form.sql");
/// How long a statement waits for another process that reads the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the state cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process keeps it.
    #[error("another service ({}) uses the state {}", holder(*pid), path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process, where it says so.
        pid: Option<u32>,
    },
    /// The file is something else.
    #[error("{} is not the state of a session service and was left as it is", .0.display())]
    Foreign(PathBuf),
    /// A newer program has written it.
    #[error("the state {} was written by a newer leasekeeper", .0.display())]
    Newer(PathBuf),
    /// The folder or file cannot be made.
    #[error("could not {doing} {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refuses.
    #[error("could not use the state {}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// No key can be made for a new one.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Hint for StateError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::InUse { .. } => Some("stop it, or give this one its own --state".into()),
            Self::Foreign(_) => Some("give another --state".into()),
            Self::Newer(_) => Some("run that one, or give another --state".into()),
            Self::File { .. } => Some("check who may write there, or give another --state".into()),
            Self::Sqlite { .. } => None,
            Self::Key(error) => error.hint(),
        }
    }
}

impl From<FileError> for StateError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Kept { path, pid } => Self::InUse { path, pid },
            FileError::Refused {
                doing,
                path,
                source,
            } => Self::File {
                doing,
                path,
                source,
            },
        }
    }
}

/// An open state file.
#[derive(Debug)]
pub struct StateFile {
    // Closed before the lock is let go: fields are dropped in order.
    connection: Connection,
    _lock: Lock,
    path: PathBuf,
}

impl StateFile {
    /// Opens a state file, or makes it with keys of its own, and keeps every other process out.
    ///
    /// # Errors
    /// If another process keeps it, if it is not such a file, or if it cannot be made or written.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::open_for(path, None)
    }

    /// The same; a state that is made now serves this account, if one is given, when no other is.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for(path: &Path, account: Option<&HostAccount>) -> Result<Self, StateError> {
        files::refuse_link(path)?;
        let path = files::make(path)?;
        // Before anything is made or changed beside it.
        if !is_state(&path)? {
            return Err(StateError::Foreign(path));
        }
        let lock = Lock::take(&path)?;
        files::narrow(&path)?;
        let failed = |source| sorted(&path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let number = |name| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, u32>(0))
                .map_err(failed)
        };
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables = connection
            .query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        match (application, version, tables) {
            (APPLICATION_ID, VERSION, _) => {}
            (APPLICATION_ID, VERSION.., _) => return Err(StateError::Newer(path)),
            (0, 0, 0u32) => make(&mut connection, &path, account)?,
            _ => return Err(StateError::Foreign(path)),
        }
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(failed)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(failed)?;
        Ok(Self {
            connection,
            _lock: lock,
            path,
        })
    }

    /// The account that is served when none is given: the same at every start.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn account(&self) -> Result<HostAccount, StateError> {
        let read =
            self.connection
                .query_one("SELECT account_id, account_key FROM service", [], |row| {
                    Ok(HostAccount {
                        id: row.get(0)?,
                        key: Secret::new(&row.get::<_, String>(1)?),
                    })
                });
        read.map_err(|source| sorted(&self.path, source))
    }

    /// The key that signs tokens.
    pub(super) fn signing_key(&self) -> Result<Vec<u8>, StateError> {
        let read = self
            .connection
            .query_one("SELECT signing_key FROM service", [], |row| row.get(0));
        read.map_err(|source| sorted(&self.path, source))
    }

    /// Every session that was kept, with its account.
    pub(super) fn sessions(&self) -> Result<Vec<(String, HostedSession)>, StateError> {
        rows::read(&self.connection).map_err(|source| sorted(&self.path, source))
    }
}

/// Whether a file is the state of a service, by its first bytes, or empty.
fn is_state(path: &Path) -> Result<bool, StateError> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MARK.end as u64).read_to_end(&mut head));
    read.map_err(|source| StateError::File {
        doing: "read",
        path: path.into(),
        source,
    })?;
    let marked = head.get(MARK) == Some(&APPLICATION_ID.to_be_bytes());
    let ours = head.starts_with(MAGIC) && marked;
    Ok(head.is_empty() || ours)
}

/// Gives an empty file its form and its keys.
fn make(
    connection: &mut Connection,
    path: &Path,
    account: Option<&HostAccount>,
) -> Result<(), StateError> {
    let account = account.map_or_else(HostAccount::fresh, |account| Ok(account.clone()))?;
    let key = random()?;
    let mut make = || -> Result<(), rusqlite::Error> {
        let transaction = connection.transaction()?;
        transaction.execute_batch(FORM)?;
        let row = params![key, account.id, account.key.expose()];
        transaction.execute(
            "INSERT INTO service (signing_key, account_id, account_key) VALUES (?1, ?2, ?3)",
            row,
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()
    };
    make().map_err(|source| sorted(path, source))
}

fn sorted(path: &Path, source: rusqlite::Error) -> StateError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StateError::Foreign(path.into()),
        _ => StateError::Sqlite {
            path: path.into(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::engine::Simulated;
    use crate::host::sessions::registry::SessionRegistry;
    use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

    fn engine() -> Simulated {
        Simulated {
            boot_delay: Span::seconds(10),
            capacity: 2,
        }
    }

    /// Opens the state, writes what the registry has of these sessions, and closes it again.
    async fn keep(path: &Path, registry: &SessionRegistry, ids: &[&SessionId]) {
        let journal = Journal::start(StateFile::open(path).expect("opens")).expect("starts");
        for id in ids {
            assert!(
                journal
                    .write("account", registry.get(id).expect("there"))
                    .confirmed()
                    .await
            );
        }
    }

    /// The registry that a restart finds. The former service may still be closing its file.
    fn restart(path: &Path) -> SessionRegistry {
        let state = loop {
            match StateFile::open(path) {
                Err(StateError::InUse { .. }) => std::thread::yield_now(),
                opened => break opened.expect("opens"),
            }
        };
        let mut registry = SessionRegistry::default();
        state
            .sessions()
            .expect("reads")
            .into_iter()
            .for_each(|(_, session)| registry.restore(session));
        registry
    }

    #[tokio::test]
    async fn a_restart_neither_revives_an_ended_session_nor_loses_a_running_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let (mut registry, mut engine) = (SessionRegistry::default(), engine());
        let [running, ended, failed] =
            ["running", "ended", "failed"].map(|id| SessionId::new(id).expect("an id"));
        let at = |minutes| Timestamp::default() + Span::minutes(minutes);
        for (id, lease) in [(&running, 90), (&ended, 5), (&failed, 60)] {
            registry
                .create(&mut engine, id, &Size::Premium, Minutes::new(lease), at(0))
                .expect("created");
        }
        registry
            .extend(&mut engine, &running, Minutes::new(120), at(1))
            .expect("extended");
        registry.settle(at(10));
        keep(&path, &registry, &[&running, &ended, &failed]).await;
        let restarted = restart(&path);
        // Also where the clock was set back, so that the lease of the ended one would not have
        // ended yet.
        for now in [at(2), at(10), at(121), at(900)] {
            for id in [&running, &ended, &failed] {
                let (before, after) = (
                    registry.get(id).expect("there"),
                    restarted.get(id).expect("there"),
                );
                assert_eq!(before.body(now), after.body(now));
            }
        }
        let live = |registry: &SessionRegistry| {
            registry
                .live(at(10), None)
                .map(|s| s.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (live(&restarted), live(&registry)),
            (vec![running.clone()], vec![running.clone()])
        );
        assert!(
            restarted
                .get(&ended)
                .expect("there")
                .status(at(2))
                .is_terminal()
        );
    }

    #[test]
    fn one_process_keeps_a_state_and_another_kind_of_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let first = StateFile::open(&path).expect("opens");
        let told = StateFile::open(&path).expect_err("kept").to_string();
        assert!(
            told.starts_with(&format!(
                "another service (pid {}) uses the state",
                std::process::id()
            )),
            "{told}"
        );
        let (account, key) = (
            first.account().expect("reads"),
            first.signing_key().expect("reads"),
        );
        drop(first);
        let again = StateFile::open(&path).expect("opens");
        assert_eq!(
            (
                again.account().expect("reads").id,
                again.signing_key().expect("reads")
            ),
            (account.id, key)
        );

        let (text, other) = (folder.path().join("text"), folder.path().join("other"));
        std::fs::write(&text, "a diary, and not at all a database").expect("written");
        Connection::open(&other)
            .expect("opens")
            .execute_batch("CREATE TABLE diary (day)")
            .expect("made");
        for foreign in [&text, &other] {
            let before = std::fs::read(foreign).expect("reads");
            assert!(matches!(
                StateFile::open(foreign),
                Err(StateError::Foreign(_))
            ));
            assert_eq!(std::fs::read(foreign).expect("reads"), before);
        }
    }
}
