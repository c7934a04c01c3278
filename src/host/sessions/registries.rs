//! The registries of all accounts over one engine, and where their changes are written.

use std::collections::BTreeMap;

use crate::host::engine::{Engine, SharedEngine};
use crate::host::error::HostError;
use crate::host::store::{Journal, PendingWrite, StateFile};
use crate::units::{SessionId, Timestamp};

use super::registry::{SessionRegistry, TimeChanges};

/// The sessions of all accounts.
pub(in crate::host) struct Registries {
    engine: Box<dyn Engine>,
    by_account: BTreeMap<String, SessionRegistry>,
    journal: Option<Journal>,
}

impl Registries {
    /// No sessions yet, and nowhere to write them.
    pub(in crate::host) fn new(engine: impl Engine + 'static) -> Self {
        Self {
            engine: Box::new(engine),
            by_account: BTreeMap::new(),
            journal: None,
        }
    }

    /// Puts back what the state holds, and writes to it what changes from now on.
    pub(in crate::host) fn restore(&mut self, state: StateFile) -> Result<(), HostError> {
        for (account, session) in state.sessions()? {
            self.by_account.entry(account).or_default().restore(session);
        }
        self.journal = Some(Journal::start(state).map_err(HostError::Thread)?);
        Ok(())
    }

    /// Lets time pass, then acts on the registry of an account.
    pub(in crate::host) fn act<T>(
        &mut self,
        account: &str,
        now: Timestamp,
        act: impl FnOnce(&mut SessionRegistry, &mut dyn Engine) -> T,
    ) -> T {
        let account = account.to_ascii_lowercase();
        let mut elsewhere = 0;
        for (owner, registry) in &mut self.by_account {
            let TimeChanges { ended, forgotten } = registry.settle(now);
            if let Some(journal) = &self.journal {
                ended
                    .iter()
                    .filter_map(|id| registry.get(id).ok())
                    .for_each(|s| journal.ended(owner, s));
                forgotten.iter().for_each(|id| journal.forgotten(owner, id));
            }
            elsewhere += if *owner == account {
                0
            } else {
                registry.live_len()
            };
        }
        let mut engine = SharedEngine {
            engine: self.engine.as_mut(),
            elsewhere,
        };
        act(self.by_account.entry(account).or_default(), &mut engine)
    }

    /// Sends a session as it is now to where it is written, if that is anywhere.
    pub(in crate::host) fn persist(&self, account: &str, id: &SessionId) -> Option<PendingWrite> {
        let account = account.to_ascii_lowercase();
        let session = self.by_account.get(&account)?.get(id).ok()?;
        self.journal
            .as_ref()
            .map(|journal| journal.write(&account, session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::engine::Simulated;
    use crate::host::store::StateError;
    use crate::keeper::Status;
    use crate::units::{Minutes, Size, Span};

    fn registries(capacity: u32) -> Registries {
        Registries::new(Simulated {
            boot_delay: Span::ZERO,
            capacity,
        })
    }

    fn id(name: &str) -> SessionId {
        SessionId::new(name).expect("an id")
    }

    fn create(registries: &mut Registries, account: &str, name: &str, now: Timestamp) -> Status {
        registries.act(account, now, |registry, engine| {
            let lease = Minutes::new(10);
            let created = registry.create(engine, &id(name), &Size::Standard, lease, now);
            created.expect("created").1.status(now)
        })
    }

    #[test]
    fn the_servers_are_shared_by_all_accounts_however_their_ids_are_written() {
        let mut registries = registries(4);
        let now = Timestamp::default();
        for (account, name, status) in [
            ("a", "1", Status::Ready),
            ("b", "2", Status::Ready),
            ("A", "3", Status::Ready),
            ("c", "4", Status::Ready),
            ("b", "5", Status::Error),
        ] {
            let found = create(&mut registries, account, name, now);
            assert_eq!(found, status, "{account} {name}");
        }
        let len = |registry: &mut SessionRegistry, _: &mut dyn Engine| registry.len();
        assert_eq!(registries.act("a", now, len), 2);
    }

    #[tokio::test]
    async fn what_is_written_is_there_after_a_restart_and_what_is_forgotten_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let open = || loop {
            match StateFile::open(&path) {
                // The thread of the former one may still be closing the file.
                Err(StateError::InUse { .. }) => std::thread::yield_now(),
                opened => break opened.expect("opens"),
            }
        };
        let at = |minutes| Timestamp::default() + Span::minutes(minutes);
        let long_after = at(20) + Span::hours(30 * 24);
        let len = |registry: &mut SessionRegistry, _: &mut dyn Engine| registry.len();

        let mut first = registries(9);
        first.restore(open()).expect("nothing is kept yet");
        for name in ["1", "2"] {
            create(&mut first, "A", name, at(0));
            let write = first.persist("a", &id(name)).expect("it is kept");
            assert!(write.confirmed().await);
        }
        assert!(first.persist("a", &id("3")).is_none());
        drop(first);

        let mut second = registries(9);
        second.restore(open()).expect("restored");
        assert_eq!(second.act("a", at(1), len), 2);
        // Time that passes for one account passes for all, and what ended long ago is forgotten.
        create(&mut second, "b", "3", at(20));
        second.act("b", long_after, len);
        create(&mut second, "b", "4", long_after);
        let write = second.persist("b", &id("4")).expect("it is kept");
        assert!(write.confirmed().await);
        drop(second);

        let mut third = registries(9);
        third.restore(open()).expect("restored");
        assert_eq!(third.act("a", at(0), len), 0);
    }
}
