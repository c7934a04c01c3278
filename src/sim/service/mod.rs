//! The simulated service: its regions with the real registries of `host`, their servers, and what
//! they reply.
//!
//! It knows nothing of who asks, nor of what becomes of a request on its way.

pub(super) mod request;
pub(super) mod serve;
pub(super) mod servers;
pub(super) mod sites;
