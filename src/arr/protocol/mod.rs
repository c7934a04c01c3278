//! The protocol, as both sides of the wire see it: the bodies, and what a client makes of them.
//!
//! Pure: bytes and values in, values and errors out.

mod convert;
pub(super) mod decode;
pub(super) mod error;
pub mod limits;
pub(super) mod reply;
pub(super) mod text;
pub mod wire;
