//! What clients of the test world do, ours and others.

use crate::keeper::{Acquired, Claimant, Refusal, Session, Status};
use crate::units::{Minutes, SessionId, Size, Span};

use super::{Server, TestWorld};

impl TestWorld {
    /// A client asks for a session of the first pool.
    pub(in crate::keeper) fn ask(&mut self, client: &str) -> Result<Acquired, Refusal> {
        self.ask_for(0, client)
    }

    /// A client asks for a session of a pool, for the team that it names or is of.
    pub(in crate::keeper) fn ask_for<'a>(
        &mut self,
        pool: usize,
        claimant: impl Into<Claimant<'a>>,
    ) -> Result<Acquired, Refusal> {
        let policy = self.policy.clone();
        let pool = &policy.pools[pool].name;
        let (acquired, events) = self.state.acquire(self.now, &policy, pool, claimant)?;
        self.tell(&events);
        Ok(acquired)
    }

    /// A session that somebody else made.
    pub(in crate::keeper) fn outsider(&mut self, id: &str, age: Span, lease: u32) {
        let session = Session {
            id: SessionId::new(id).expect("an id"),
            region: self.policy.regions().first().cloned(),
            size: Size::Standard,
            status: Status::Ready,
            max_lease: Minutes::new(lease),
            elapsed: Minutes::ZERO,
            created: None,
            address: None,
            teraflops: None,
            error: None,
        };
        self.servers.insert(
            session.id.clone(),
            Server {
                session,
                ready: self.now - age,
                ended: None,
            },
        );
    }
}
