//! The client side of the session management REST API.

pub mod wire;
