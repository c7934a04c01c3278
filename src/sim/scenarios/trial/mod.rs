//! A trial: one scenario run from its beginning to its end, with every promise checked after every
//! event.

mod checks;
mod edits;
mod faults;
mod outsiders;
mod runner;
mod state;

pub(super) use self::runner::{run, run_reporting};
