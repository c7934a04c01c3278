//! What one client may ask of the service, each limit once.

use std::time::Duration;

/// The largest body that is read: many times the largest that means anything.
pub const LARGEST_BODY: usize = 64 * 1024;
/// The largest request line and headers together.
pub const LARGEST_HEAD: usize = 64 * 1024;
/// The most headers of one request: the HTTP library's own bound, which asking for would make
/// slower.
pub const MOST_HEADERS: usize = 100;
/// The most connections at one time that have sent a request that was let in; those of more wait
/// among the newcomers.
pub const MOST_CLIENTS: usize = 1_024;
/// The most connections at one time that have not; a newer one takes the place of the oldest.
pub const MOST_NEWCOMERS: usize = 256;
/// The most sessions that can be read in one account, live and ended.
pub const MOST_SESSIONS: usize = 100_000;
/// The most sessions of one page of a list.
pub const LARGEST_PAGE: usize = 1_000;

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request; also how long an open connection may stay silent between
    /// two.
    pub head: Duration,
    /// For the whole body of a request.
    pub body: Duration,
    /// For taking in any part of an answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(30),
        }
    }
}
