//! The control API: JSON over HTTP over a unix socket, and its client.

mod client;
pub mod locations;
mod server;
pub mod views;

pub use client::{CallError, ControlClient};
pub use server::{ControlError, bind, serve};
