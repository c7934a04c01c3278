//! What commands print: text, JSON, and progress for people who wait.

use std::fmt::Display;
use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::escaped_lines;

use super::error::OutputError;

/// Prints text, of which names and the like may come from outside.
pub(super) fn print(text: impl Display) -> Result<(), OutputError> {
    write(&escaped_lines(&text.to_string()))
}

/// Prints text and ends the line.
pub(super) fn line(text: impl Display) -> Result<(), OutputError> {
    print(format_args!("{text}\n"))
}

/// Clears the screen of a terminal.
pub(super) fn clear() -> Result<(), OutputError> {
    write("\x1b[H\x1b[J")
}

/// Prints a value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Result<(), OutputError> {
    let text = serde_json::to_string_pretty(value)?;
    write(&(text + "\n"))
}

/// Prints text for programs, as it is.
pub(super) fn raw(text: &str) -> Result<(), OutputError> {
    write(text)
}

/// Writes and flushes: what is left in a buffer would be lost without a word at the end.
fn write(text: &str) -> Result<(), OutputError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Says something beside the output, to whoever is there.
pub(super) fn note(text: impl Display) {
    let text = escaped_lines(&text.to_string()).into_owned();
    // Nobody can be told that standard error cannot be written to.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A line that tells how far something is, on a terminal only, and goes away at its end.
pub(super) fn progress(style: &str, total: u64) -> ProgressBar {
    // The styles are constants of this program; a mistake in one costs a plain bar, no more.
    let style = ProgressStyle::with_template(style)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█░");
    ProgressBar::new(total).with_style(style)
}
