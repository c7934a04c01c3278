//! One way to report an error: on a terminal, in a line of the log, and in an API's answer.
//!
//! An error's `Display` says what failed and never repeats its source. What to do about it is its
//! [`Hint`], apart from both. So the chain of causes is shown once, and the hint last. May know
//! nothing else of the project.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

/// An error that may know what to do about it.
pub trait Hint: Error {
    /// What to do about it, in one phrase without a full stop, if there is anything to do.
    fn hint(&self) -> Option<Cow<'static, str>> {
        None
    }

    /// Whether its text is diagnostics, drawn with their lines, which say `error:` themselves.
    fn is_drawn(&self) -> bool {
        false
    }
}

impl Hint for std::io::Error {}

/// What failed and why, from the error itself to its deepest cause.
///
/// Errors of other crates often repeat their source, or are repeated by it with a number before; of
/// two texts of which one ends with the other only the upper one is shown.
///
/// ```
/// use leasekeeper::report::causes;
///
/// let error = std::io::Error::other("the disk is gone");
/// assert_eq!(causes(&error), ["the disk is gone"]);
/// ```
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let repeats = |above: &String| {
            above.ends_with(&text) || (!above.is_empty() && text.ends_with(above.as_str()))
        };
        if !causes.last().is_some_and(repeats) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

/// What failed and why in one line, without the hint.
pub fn detail(error: &dyn Error) -> String {
    escaped(&causes(error).join(": ")).into_owned()
}

/// Whether a character shows as itself and does nothing else: no control character, and none that
/// turns the direction of the text around it or breaks its line.
pub fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        ))
}

/// A text from outside as it may be shown: whatever would do something to a terminal, or to the
/// order of what is read, is written as its number.
///
/// ```
/// use leasekeeper::report::escaped;
///
/// assert_eq!(escaped("ann\n12:00 INFO \u{1b}[2J"), r"ann\n12:00 INFO \u{1b}[2J");
/// assert_eq!(escaped("Zoë 日本"), "Zoë 日本");
/// ```
pub fn escaped(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_printable(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown.into()
}

/// The same of a text of several lines, which stay lines.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || is_printable(c)) {
        return text.into();
    }
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(escaped).collect();
    lines.join("\n").into()
}

/// The whole error in one line, for the log.
pub fn line(error: &dyn Hint) -> String {
    let detail = detail(error);
    match error.hint() {
        Some(hint) => format!("{detail}; {}", escaped(&hint)),
        None => detail,
    }
}

/// The whole error for a terminal: what failed, each cause on a line of its own, and the hint last.
pub fn terminal(error: &dyn Hint) -> String {
    let mut causes = causes(error).into_iter();
    let said = causes.next().unwrap_or_default();
    let mut text = if error.is_drawn() {
        said.trim_end().to_owned()
    } else {
        format!("error: {}", escaped_lines(&said))
    };
    text.push('\n');
    for cause in causes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  caused by: {}", escaped(&cause));
    }
    if let Some(hint) = error.hint() {
        let _ = writeln!(text, "hint: {}", escaped(&hint));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use insta::assert_snapshot;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Broken {
        #[error("cannot read the policy studio.toml")]
        Read(#[source] io::Error),
        #[error("cannot connect: {0}")]
        Repeats(#[source] io::Error),
        #[error("error: unknown key `leese`\n --> studio.toml:7:1\n")]
        Drawn,
    }

    impl Hint for Broken {
        fn hint(&self) -> Option<Cow<'static, str>> {
            match self {
                Self::Read(_) => Some("name another with --policy".into()),
                _ => None,
            }
        }

        fn is_drawn(&self) -> bool {
            matches!(self, Self::Drawn)
        }
    }

    fn missing() -> io::Error {
        io::Error::from_raw_os_error(2)
    }

    #[test]
    fn a_terminal_shows_each_cause_once_and_the_hint_last() {
        assert_snapshot!(terminal(&Broken::Read(missing())), @r"
        error: cannot read the policy studio.toml
          caused by: No such file or directory (os error 2)
        hint: name another with --policy
        ");
    }

    #[test]
    fn a_line_of_the_log_has_all_of_it() {
        assert_eq!(
            line(&Broken::Read(missing())),
            "cannot read the policy studio.toml: No such file or directory (os error 2); \
             name another with --policy"
        );
    }

    #[test]
    fn a_cause_that_is_repeated_is_shown_once() {
        let error = Broken::Repeats(missing());
        assert_eq!(
            terminal(&error),
            "error: cannot connect: No such file or directory (os error 2)\n"
        );
    }

    #[test]
    fn what_comes_from_outside_can_neither_forge_a_line_nor_turn_one_around() {
        let error = io::Error::other("gone\n2026-01-01T00:00:00Z INFO \u{1b}[2J\u{202e}");
        assert_eq!(
            line(&Broken::Read(error)),
            "cannot read the policy studio.toml: gone\\n2026-01-01T00:00:00Z INFO \
             \\u{1b}[2J\\u{202e}; name another with --policy"
        );
        let error = io::Error::other("gone\n\u{1b}[2J");
        assert!(terminal(&Broken::Read(error)).contains("caused by: gone\\n\\u{1b}[2J\n"));
        assert_eq!(escaped_lines("a\n\u{7}b\n"), "a\n\\u{7}b\n");
    }

    #[test]
    fn diagnostics_are_shown_as_they_were_drawn() {
        assert_eq!(
            terminal(&Broken::Drawn),
            "error: unknown key `leese`\n --> studio.toml:7:1\n"
        );
    }
}
