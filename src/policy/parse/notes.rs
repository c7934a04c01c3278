//! The problems of a file as they are found, and the keys that were looked for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;

use crate::policy::diagnostic::{Diagnostic, Severity};

/// The most problems of a file that are told apart; nobody reads more at a time.
const MOST_PROBLEMS: usize = 50;

/// Where problems are collected.
pub(super) struct Notes<'t> {
    pub(super) text: &'t str,
    problems: RefCell<Vec<Diagnostic>>,
    /// The problems beyond [`MOST_PROBLEMS`]: how many, and the worst.
    more: Cell<(usize, Severity)>,
    /// Every key that any table was asked for, by its path: the schema, as far as a file leads
    /// there.
    pub(super) asked: RefCell<BTreeSet<String>>,
}

impl<'t> Notes<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: RefCell::default(),
            more: Cell::new((0, Severity::Warning)),
            asked: RefCell::default(),
        }
    }

    fn note(
        &self,
        severity: Severity,
        span: Range<usize>,
        message: String,
        label: String,
        help: Option<String>,
    ) {
        if self.is_full() {
            let (more, worst) = self.more.get();
            self.more.set((more + 1, worst.max(severity)));
            return;
        }
        self.problems.borrow_mut().push(Diagnostic::of(
            self.text, severity, span, message, label, help,
        ));
    }

    /// Whether further problems are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MOST_PROBLEMS
    }

    pub(super) fn error(
        &self,
        span: Range<usize>,
        message: impl Display,
        label: impl Display,
        help: Option<String>,
    ) {
        self.note(
            Severity::Error,
            span,
            message.to_string(),
            label.to_string(),
            help,
        );
    }

    pub(super) fn warn(
        &self,
        span: Range<usize>,
        message: impl Display,
        label: impl Display,
        help: Option<String>,
    ) {
        self.note(
            Severity::Warning,
            span,
            message.to_string(),
            label.to_string(),
            help,
        );
    }

    /// Everything that was noted, in the order of the file, and the keys that were asked for.
    pub(super) fn into_parts(self) -> (Vec<Diagnostic>, BTreeSet<String>) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|p| p.span.start);
        let (more, worst) = self.more.get();
        if more > 0 {
            let end = self.text.len();
            let message = format!("there are {more} more problems");
            let label = "the first ones are shown".into();
            let last = Diagnostic::of(self.text, worst, end..end, message, label, None);
            problems.push(last);
        }
        (problems, self.asked.into_inner())
    }
}
