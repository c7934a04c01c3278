//! The control API: JSON over HTTP over a unix socket, and its client.
//!
//! [`api`] has every path, request and answer once; [`server`](serve) and [`ControlClient`] use it.
//! May know the daemon's shared state; nothing here talks to the session service.

mod activity;
pub mod api;
mod client;
mod links;
pub mod locations;
pub mod openapi;
mod server;
pub mod views;

pub use client::{CallError, ControlClient};
pub use links::{LinkKey, NoRandomness};
pub use server::{ControlError, bind, serve};
