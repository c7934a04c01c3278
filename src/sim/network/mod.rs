//! The network between daemons and the service: requests that take time and go wrong.

pub(super) mod faults;
pub(super) mod link;
pub(super) mod wire;
