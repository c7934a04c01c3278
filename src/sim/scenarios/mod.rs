//! Stories of seeds: thousands of bad days, each drawn from one number, with every promise checked
//! after every event.
//!
//! A seed that fails prints the shortest story found and the command that replays it; its story
//! goes into `regressions.jsonl` beside this file.

mod coverage;
mod promises;
mod scenario;
mod shrink;
mod tests;
mod trial;
