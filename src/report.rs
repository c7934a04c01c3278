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
    causes(error).join(": ")
}

/// The whole error in one line, for the log.
pub fn line(error: &dyn Hint) -> String {
    let detail = detail(error);
    match error.hint() {
        Some(hint) => format!("{detail}; {hint}"),
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
        format!("error: {said}")
    };
    text.push('\n');
    for cause in causes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  caused by: {cause}");
    }
    if let Some(hint) = error.hint() {
        let _ = writeln!(text, "hint: {hint}");
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
    fn diagnostics_are_shown_as_they_were_drawn() {
        assert_eq!(
            terminal(&Broken::Drawn),
            "error: unknown key `leese`\n --> studio.toml:7:1\n"
        );
    }
}
