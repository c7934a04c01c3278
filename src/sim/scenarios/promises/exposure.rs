//! Promise 9: what could still be billed if the daemon died this instant never exceeds a cap.

use crate::units::{PoolName, Span, Timestamp};

use super::bounds::price;
use super::broken::{BrokenPromise, broken};
use super::session::OwnSession;
use super::state::Promises;

impl Promises {
    /// Promise 9, at an instant. Where a slot was filled twice by somebody else's doing, a second
    /// daemon for example, there may be more than was asked for.
    pub(super) fn exposure(&self, now: Timestamp) -> Result<(), BrokenPromise> {
        if self.exempt.doubles {
            return Ok(());
        }
        let pools = self
            .pools
            .iter()
            .map(|(name, bounds)| (bounds.max_exposure, Some(name)));
        for (limit, pool) in pools.chain([(self.max_exposure, None)]) {
            let Some(limit) = limit else { continue };
            let exposed = self.exposed(now, pool);
            if exposed > limit * Span::minutes(1).as_millis() {
                let minute = Span::minutes(1).as_millis();
                let what = format!(
                    "{} of {limit} price-minutes could still be billed ({pool:?})",
                    exposed / minute
                );
                return Err(broken(9, now, what));
            }
        }
        Ok(())
    }

    /// What could still be billed, in price-milliseconds.
    fn exposed(&self, now: Timestamp, of: Option<&PoolName>) -> i64 {
        let of_one = |s: &OwnSession| {
            // Its whole lease is left while it boots.
            let begins = s.ready.map_or(now, |ready| ready.max(now));
            (s.end - begins).max(Span::ZERO).as_millis() * price(&s.size)
        };
        let live = self.live.values();
        live.filter(|s| s.regular && of.is_none_or(|pool| s.slot.pool == *pool))
            .map(of_one)
            .sum()
    }
}
