//! Activity sources: what shows that somebody uses a session, besides acquire and the heartbeat.
//!
//! Four are looked at, because nobody reports them: connections from this machine to the session's
//! server, how fresh a file is, what a command says, and a figure of a page. Each is watched by a
//! task of its own, which leaves its latest answer on the [`ActivityBoard`]. Promises: whoever
//! reads the board never waits for a source; a look takes no longer than `LOOK_TIMEOUT` whatever a
//! name server, a mount, a command or a web server does, and leaves nothing running; a source that
//! cannot say is never taken for silence. Knows nothing of what follows from it.

use std::time::Duration;

mod blocking;
mod board;
mod command;
mod file;
mod metric;
mod open;
mod sockets;
mod source;
#[cfg(test)]
mod testing;
mod watcher;

pub use board::{ActivityBoard, Assignment, Assignments};
pub use command::{command_about, run_group};
pub use source::{LookError, Seen, Source, Watched};
pub use watcher::{look_once, round, watch};

/// How many looks of one source are under way at once.
const CONCURRENT_LOOKS: usize = 16;
/// How long a look may take; then it is given up.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
