//! Text from outside, as it may go into logs, the ledger and terminals.

use crate::report::escaped;

/// The most of a foreign text that is shown.
pub(super) const MOST_SHOWN: usize = 300;

/// A foreign text as it may be shown: in one line, with what would do something to a terminal
/// escaped, and not too long.
pub(in crate::arr) fn sanitize(text: &str) -> String {
    let (mut shown, mut length) = (String::new(), 0);
    for c in text.chars() {
        let one = if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        };
        let one = escaped(one.encode_utf8(&mut [0; 4])).into_owned();
        length += one.chars().count();
        if length > MOST_SHOWN {
            shown.push('…');
            break;
        }
        shown += &one;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_says_can_do_nothing_to_a_terminal() {
        assert_eq!(
            sanitize("no\nservers \u{1b}[2J\u{202e}"),
            "no servers \\u{1b}[2J\\u{202e}"
        );
        let much = sanitize(&"x".repeat(1_000));
        assert_eq!(
            much.chars().count(),
            MOST_SHOWN + 1,
            "and the mark that there was more"
        );
    }
}
