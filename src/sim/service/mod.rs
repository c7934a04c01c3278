//! The simulated service: its regions, with the real registries of `host`, and its servers.

pub(super) mod servers;
pub(super) mod sites;
