//! Which of two shapes a session has on the wire.

/// Which shape is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireFormat {
    /// Empty fields are left out, as the real service does since March 2021.
    #[default]
    Modern,
    /// Empty fields are `null`, `0` and `0.0`, as before.
    LegacyNulls,
}
