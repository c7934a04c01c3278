//! What commands print: text, JSON, tables, and progress for people who wait.

use std::fmt::Display;
use std::io::Write;

use comfy_table::{Row, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::report::escaped_lines;

use super::error::OutputError;

/// The space between two columns.
const GAP: u16 = 2;

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

/// A table without lines, as it is printed. Columns are as wide as their widest cell.
pub(super) fn table(rows: impl IntoIterator<Item = impl Into<Row>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt() + "\n"
}

/// A line that tells how far something is, on a terminal only, and goes away at its end.
pub(super) fn progress(style: &str, total: u64) -> ProgressBar {
    // The styles are constants of this program; a mistake in one costs a plain bar, no more.
    let style = ProgressStyle::with_template(style)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█░");
    ProgressBar::new(total).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_a_terminal_shows() {
        let rows = [["SLOT", "HELD BY"], ["a/0", "日本"], ["bb/10", "-"]];
        assert_eq!(
            table(rows.map(Vec::from)),
            "SLOT   HELD BY\na/0    日本\nbb/10  -\n"
        );
    }
}
