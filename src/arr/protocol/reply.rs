//! What came back for a request: an answer whose body is not decoded yet, or none.

use crate::units::Timestamp;

/// An answer, before its body is understood.
#[derive(Debug)]
pub(in crate::arr) struct Reply {
    pub(in crate::arr) sent: Timestamp,
    pub(in crate::arr) received: Timestamp,
    pub(in crate::arr) status: u16,
    pub(in crate::arr) request_id: Option<String>,
    pub(in crate::arr) retry_after: Option<String>,
    pub(in crate::arr) location: Option<String>,
    /// The service's own clock, as it was when it answered.
    pub(in crate::arr) date: Option<String>,
    pub(in crate::arr) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(in crate::arr) enum NoReply {
    /// None came, or not all of it.
    Broken(String),
    /// It is larger than it can be meant to be, and would be again.
    BodyTooLarge(String),
}
