//! How a command ends that fails: what is printed, and the exit status.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::report::{Hint, terminal};

/// A command that failed, and its exit status.
pub(super) struct Failed {
    code: u8,
    error: Box<dyn Hint>,
}

impl Failed {
    /// A failure with an exit status of its own.
    pub(super) fn with_code(code: u8, error: impl Hint + 'static) -> Self {
        Self {
            code,
            error: Box::new(error),
        }
    }

    /// Prints it, unless there is nobody to read it.
    pub(super) fn report(self) -> ExitCode {
        if is_closed_pipe(&*self.error) {
            return ExitCode::SUCCESS;
        }
        // Nobody can be told that standard error cannot be written to.
        let _ = io::stderr().write_all(terminal(&*self.error).as_bytes());
        ExitCode::from(self.code)
    }
}

impl<E: Hint + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::with_code(1, error)
    }
}

/// Standard output cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub(super) struct OutputError(#[from] io::Error);

impl Hint for OutputError {}

impl From<serde_json::Error> for OutputError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.into())
    }
}

/// Whether whoever read the output has enough of it, as in `| head`.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref()
        .is_some_and(|OutputError(why)| why.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reader_that_has_gone_away_is_no_failure() {
        let of = |kind: io::ErrorKind| OutputError(kind.into());
        assert!(is_closed_pipe(&of(io::ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&of(io::ErrorKind::StorageFull)));
        // A service that hangs up is one.
        assert!(!is_closed_pipe(&io::Error::from(io::ErrorKind::BrokenPipe)));
    }
}
