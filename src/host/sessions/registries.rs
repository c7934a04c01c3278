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
