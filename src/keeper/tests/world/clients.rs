//! What clients of the test world ask for.

use crate::keeper::{Acquired, Refusal};

use super::TestWorld;

impl TestWorld {
    /// A client asks for a session of the first pool.
    pub(in crate::keeper) fn ask(&mut self, client: &str) -> Result<Acquired, Refusal> {
        let policy = self.policy.clone();
        let pool = &policy.pools[0].name;
        let (acquired, events) = self.state.acquire(self.now, &policy, pool, client)?;
        self.tell(&events);
        Ok(acquired)
    }
}
