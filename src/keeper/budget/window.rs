//! When a session can be billed: from when to when it can have become Ready, and for how long it is
//! paid then.

use crate::keeper::state::ManagedSession;
use crate::policy::Policy;
use crate::units::{Minutes, Span, Timestamp};

/// How long a session of a pool that the policy has no more may boot, as far as budgets go.
pub(in crate::keeper) const UNKNOWN_BOOT: Span = Span::minutes(10);

/// When a session can have become Ready, and for how long it is paid then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct CostWindow {
    pub(in crate::keeper) earliest: Timestamp,
    pub(in crate::keeper) latest: Timestamp,
    pub(in crate::keeper) length: Minutes,
}

impl CostWindow {
    /// What a live session may still cost from beginning to end, with a lease of `length`.
    pub(in crate::keeper) fn of(
        managed: &ManagedSession,
        boot_timeout: Span,
        now: Timestamp,
        length: Minutes,
    ) -> Self {
        match managed.clock {
            Some(clock) => Self {
                earliest: clock.earliest(),
                latest: clock.latest(),
                length,
            },
            None if managed.is_ready() => {
                // Adopted, and not yet asked for by itself: it may be as old as its lease.
                let latest = now - managed.elapsed.span();
                Self {
                    earliest: latest - managed.granted.max(length).span(),
                    latest,
                    length,
                }
            }
            None => {
                let earliest = managed.starting_at.unwrap_or(managed.created);
                Self {
                    earliest,
                    latest: (managed.created + boot_timeout).max(now),
                    length,
                }
            }
        }
    }

    /// What a live session may still cost from beginning to end, with the lease that is reserved
    /// for it.
    pub(in crate::keeper) fn reserved(
        policy: &Policy,
        managed: &ManagedSession,
        now: Timestamp,
    ) -> Self {
        let pool = policy.pools.iter().find(|p| p.name == managed.slot.pool);
        let boot_timeout = pool.map_or(UNKNOWN_BOOT, |p| p.boot_timeout);
        Self::of(managed, boot_timeout, now, managed.reserved)
    }

    /// What a session that is asked for now may cost.
    pub(in crate::keeper) fn asked_now(
        now: Timestamp,
        boot_timeout: Span,
        length: Minutes,
    ) -> Self {
        Self {
            earliest: now,
            latest: now + boot_timeout,
            length,
        }
    }

    /// What of it can lie after an instant.
    pub(in crate::keeper) fn since(self, from: Timestamp) -> Self {
        let latest = self.latest.max(from);
        Self {
            earliest: self.earliest.max(from),
            latest,
            length: (self.ends() - latest).ceil_minutes(),
        }
    }

    /// What is left of it at the most from `now` on. A session that may still become Ready has its
    /// whole lease left.
    pub(in crate::keeper) fn remaining(self, now: Timestamp) -> Minutes {
        (self.ends() - now).ceil_minutes().min(self.length)
    }

    /// When it ends at the latest.
    pub(in crate::keeper) fn ends(self) -> Timestamp {
        self.latest + self.length.span()
    }
}
