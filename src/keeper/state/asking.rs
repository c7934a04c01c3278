//! How long what somebody asked for, or a sign of use, counts.

use crate::units::Span;

/// How long what a client asked for counts that does not ask again.
pub(in crate::keeper) const WAIT_LASTS: Span = Span::minutes(10);
/// What a client asks for again sooner than this need not be noted again.
pub(in crate::keeper) const REPEATED: Span = Span::minutes(1);
