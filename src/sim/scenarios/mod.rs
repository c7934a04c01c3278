//! Scenarios: thousands of bad days, each drawn from one number, with every promise checked after
//! every event.
//!
//! A seed that fails prints the shortest scenario found and the command that replays it; that
//! scenario goes into `regressions.jsonl` beside this file.

mod coverage;
mod draw;
mod fault;
mod policy;
mod promises;
mod scenario;
mod shrink;
mod tests;
mod trial;
