//! A command that a pool has run at a certain time.

use crate::units::Span;

/// A command, run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its words; at least one.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Span,
}
