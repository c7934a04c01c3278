//! Diagnostics: what is wrong in a file, where, and what would be right.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file can be used, and probably does not mean what it says.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The offending bytes.
    pub span: Range<usize>,
    /// What stands beside the underline.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem with some bytes of a text.
    pub fn of(
        text: &str,
        severity: Severity,
        span: Range<usize>,
        message: String,
        label: String,
        help: Option<String>,
    ) -> Self {
        let end = span.end.min(text.len());
        let span = span.start.min(end)..end;
        let (line, column) = place(text, span.start);
        Self {
            severity,
            message,
            line,
            column,
            span,
            label,
            help,
        }
    }
}

/// Everything that is wrong in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file's name, as the user gave it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Diagnostic>,
}

impl Diagnostics {
    /// All problems, each drawn under its line, and a last line that counts them.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut drawn = String::new();
        for problem in &self.problems {
            let level = match problem.severity {
                Severity::Warning => Level::WARNING,
                Severity::Error => Level::ERROR,
            };
            let snippet = Snippet::source(&self.text).path(&self.file).annotation(
                AnnotationKind::Primary
                    .span(problem.span.clone())
                    .label(&problem.label),
            );
            let mut group = level.primary_title(&problem.message).element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help));
            }
            drawn += &renderer.render(&[group]);
            drawn += "\n\n";
        }
        drawn + &self.count()
    }

    fn count(&self) -> String {
        let word = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let errors = self
            .problems
            .iter()
            .filter(|p| p.severity == Severity::Error)
            .count();
        let warnings = self.problems.len() - errors;
        let counted = match (errors, warnings) {
            (0, w) => word(w, "warning"),
            (e, 0) => word(e, "problem"),
            (e, w) => format!("{} and {}", word(e, "problem"), word(w, "warning")),
        };
        format!("{counted} in {}\n", self.file)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// Line and column of a byte, both from 1, the column in characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
