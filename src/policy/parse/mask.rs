//! Secrets in the text of a policy, blotted out.

/// The text with every inline secret blotted out, whether or not the rest can be read: diagnostics
/// draw lines of it.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    for name in ["key", "token", "secret", "password"] {
        for (at, _) in text.match_indices(name) {
            let inside = at > 0 && word(text.as_bytes()[at - 1]);
            let rest = &text[at + name.len()..];
            let Some(value) = rest
                .trim_start_matches([' ', '\t', '"', '\''])
                .strip_prefix('=')
                .filter(|_| !inside)
            else {
                continue;
            };
            let start = text.len() - value.len();
            for byte in bytes[start..].iter_mut().take_while(|b| **b != b'\n') {
                if !matches!(*byte, b' ' | b'"' | b'\'' | b'\r') {
                    *byte = b'*';
                }
            }
        }
    }
    // Only bytes of whole lines were replaced, each by an ASCII one.
    String::from_utf8(bytes).unwrap_or_default()
}
