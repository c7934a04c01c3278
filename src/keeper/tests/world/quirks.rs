//! Ways in which the modelled service is not what a service should be.

use crate::keeper::Session;
use crate::units::{Minutes, Span};

/// What is odd about the service.
#[derive(Clone, Copy, Default)]
pub(in crate::keeper) struct Quirks {
    /// What it says of a session instead of the truth.
    pub(in crate::keeper) says: Option<fn(&mut Session)>,
    /// No lease is longer, whatever is asked for.
    pub(in crate::keeper) longest: Option<Minutes>,
    /// No lease reaches further ahead, whatever is asked for.
    pub(in crate::keeper) ahead: Option<Minutes>,
    /// Requests for longer leases are not answered.
    pub(in crate::keeper) extends_nothing: bool,
    /// Sessions live on when their lease is over.
    pub(in crate::keeper) expires_nothing: bool,
    /// Sessions fail when they have been Ready for so long.
    pub(in crate::keeper) fails_after: Option<Span>,
}
