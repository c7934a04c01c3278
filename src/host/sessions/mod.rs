//! The sessions of the service: one session, the state machine of one account's, which is pure, and
//! those of all accounts over one engine.

mod body;
pub(super) mod registries;
pub(super) mod registry;
pub(super) mod session;
#[cfg(test)]
mod tests;
