//! The protocol, as both sides of the wire see it: the bodies, and what a client makes of them.
//!
//! Pure: bytes and values in, values and errors out.

pub(super) mod convert;
pub(super) mod decode;
pub mod wire;
