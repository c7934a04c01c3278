//! Mutations: for each promise a rule that breaks it, so that tests can prove that the simulator
//! would notice.
//!
//! Outside tests [`on`] is always false and nothing of this is left.

/// One rule that is broken on purpose, named after what it then does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Promise 1: a slot is filled beside a session that has not ended.
    FillBesideEnding,
    /// Promise 2: nothing is reserved.
    ReserveNothing,
    /// Promise 2: a team's leases are not reserved.
    IgnoreTeams,
    /// Promise 3: each renewal asks for two leases.
    RenewTwice,
    /// Promise 4: a lease is renewed when it has run out.
    RenewLate,
    /// Promise 5: every owner's sessions are ours.
    OwnEverything,
    /// Promise 6: a session may be idle for twice as long.
    StopIdleLate,
    /// Promise 7: a session's account has a minute too many.
    CountOneMore,
    /// Promise 8: a target that does not exist is taken for an empty one.
    TakeAnyTarget,
    /// Promise 10: an activity source that cannot say is taken for silence.
    TakeUnknownForIdle,
    /// Promise 12: whoever asks is served, whoever waits.
    ServeWhoeverAsks,
    /// Promise 9: leases count nothing towards an exposure cap.
    IgnoreExposure,
}

#[cfg(test)]
thread_local! {
    static ACTIVE: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Breaks a rule in this thread, or mends it.
#[cfg(test)]
pub(crate) fn set(mutation: Option<Mutation>) {
    ACTIVE.set(mutation);
}

/// Whether a rule is broken.
#[cfg(test)]
pub(crate) fn on(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// Whether a rule is broken.
#[cfg(not(test))]
pub(crate) const fn on(_: Mutation) -> bool {
    false
}

/// Whether any rule is broken: the audit is silent then, so that the simulator alone has to notice.
#[cfg(test)]
pub(crate) fn any() -> bool {
    ACTIVE.get().is_some()
}

/// Whether any rule is broken.
#[cfg(not(test))]
pub(crate) const fn any() -> bool {
    false
}
