//! Sinks: whoever is told of events, each in a task of its own that follows the ledger's sequence.

mod log;

pub use log::EventLog;
