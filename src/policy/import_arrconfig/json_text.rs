//! Places in the text of a JSON file, and its key blotted out.

use std::ops::Range;

/// Where the value of a key stands in JSON text; the whole first line where it does not stand
/// anywhere.
pub(super) fn value_span(text: &str, key: &str) -> Range<usize> {
    let found = text.find(&format!("\"{key}\"")).and_then(|at| {
        let after = at + key.len() + 2;
        let start = after + text[after..].find(|c: char| c != ':' && !c.is_whitespace())?;
        let value = &text[start..];
        let length = match value.strip_prefix('"') {
            Some(inside) => end_of_string(inside) + 2,
            None => value.find([',', '}', '\n']).unwrap_or(value.len()),
        };
        Some(start..(start + length).min(text.len()))
    });
    found.unwrap_or(0..text.find('\n').unwrap_or(text.len()))
}

/// How many bytes come before the quote that ends a JSON string.
fn end_of_string(inside: &str) -> usize {
    let mut escaped = false;
    let end = inside.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

/// The text with the account key blotted out: diagnostics draw lines of it.
pub(super) fn masked(text: &str) -> String {
    const KEY: &str = "arrAccountKey";
    let Some(at) = text.find(KEY) else {
        return text.into();
    };
    let span = if text.contains(&format!("\"{KEY}\"")) {
        value_span(text, KEY)
    } else {
        // Not JSON: whatever follows on the line may be the key.
        let after = at + KEY.len();
        after..after + text[after..].find('\n').unwrap_or(text.len() - after)
    };
    let blot = |c: char| {
        if c == '"' || c.is_whitespace() {
            c
        } else {
            '*'
        }
    };
    // Spans of problems count bytes, so every byte of a longer character becomes one blot.
    let value: String = text[span.clone()]
        .chars()
        .flat_map(|c| std::iter::repeat_n(blot(c), c.len_utf8()))
        .collect();
    format!("{}{value}{}", &text[..span.start], &text[span.end..])
}
