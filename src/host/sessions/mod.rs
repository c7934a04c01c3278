//! The sessions of the service: the state machine of one account's, which is pure, and those of all
//! accounts over one engine.

pub(super) mod registries;
pub(super) mod registry;
