//! Text from outside, as it may go into logs, the ledger and terminals.

/// The most of a foreign text that is shown.
pub(super) const MOST_SHOWN: usize = 300;

/// A foreign text as it may be shown: without control characters, and not too long.
pub(in crate::arr) fn sanitize(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MOST_SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
