//! The network between daemons and the service: requests that take time and go wrong.
//!
//! It knows nothing of daemons but their number, and changes nothing at the service but by a
//! request.

mod distort;
pub(super) mod faults;
pub(super) mod link;
pub(super) mod request_log;
pub(super) mod wire;
