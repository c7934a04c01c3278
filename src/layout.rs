//! Text laid out for a terminal: tables without lines, and sentences broken into lines.
//!
//! Promises: a column is as wide as what a terminal shows of its widest cell, whatever its script,
//! and no line ends in spaces. May know nothing else of the project.

use comfy_table::{CellAlignment, Row, Table, presets};
use textwrap::{Options, WordSplitter, WrapAlgorithm};

/// The space between two columns.
const GAP: u16 = 2;

/// How the columns of a table stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// All to the left: words.
    Left,
    /// The first to the left, the others to the right: names and their figures.
    Figures,
}

/// Rows as a table whose columns are as wide as their widest cell; each row is a line.
pub(crate) fn table(columns: Columns, rows: impl IntoIterator<Item = impl Into<Row>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).add_rows(rows);
    for (at, column) in table.column_iter_mut().enumerate() {
        if columns == Columns::Figures && at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, GAP));
    }
    table.trim_fmt() + "\n"
}

/// A sentence as lines of at most so many columns, broken between words only. The first line begins
/// with `first`, each other with `rest`.
pub(crate) fn wrapped(sentence: &str, width: usize, first: &str, rest: &str) -> String {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::fill(sentence, options) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_a_terminal_shows() {
        let rows = [["SLOT", "HELD BY"], ["a/0", "日本"], ["bb/10", "-"]];
        assert_eq!(
            table(Columns::Left, rows.map(Vec::from)),
            "SLOT   HELD BY\na/0    日本\nbb/10  -\n"
        );
    }

    #[test]
    fn figures_stand_below_each_other_by_their_last_digit() {
        let rows = [["pool", "cost"], ["日本", "0.50"], ["b", "1200.00"]];
        assert_eq!(
            table(Columns::Figures, rows.map(Vec::from)),
            "pool     cost\n日本     0.50\nb     1200.00\n"
        );
    }

    #[test]
    fn a_sentence_is_broken_between_words_only() {
        assert_eq!(
            wrapped(
                "It costs 12.50 EUR a day-and-night shift.",
                20,
                "  ",
                "    "
            ),
            "  It costs 12.50 EUR\n    a day-and-night\n    shift.\n"
        );
        assert_eq!(wrapped("unbreakable", 4, "", ""), "unbreakable\n");
    }
}
