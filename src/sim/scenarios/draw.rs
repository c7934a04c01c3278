//! Drawing from a seed.

use fastrand::Rng;

use crate::units::Span;

/// One of several.
pub(super) fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(0..from.len())].clone()
}

/// Whether something happens that does so in so many of a hundred cases.
pub(super) fn odds(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(0..100) < percent
}

/// A span between two whole minutes.
pub(super) fn minutes(rng: &mut Rng, from: i64, to: i64) -> Span {
    Span::seconds(rng.i64(from * 60..to * 60))
}
