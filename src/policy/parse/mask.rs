//! Secrets in the text of a policy, blotted out: diagnostics draw lines of it.
//!
//! Blotted out is every value of `[auth]`, and of every key that a policy does not have: it may be
//! a secret under a misspelt name; and every URL that names a user. Where the file is not TOML,
//! whatever follows the name of a secret too.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

/// The text with every value blotted out that may be a secret. `known` has the path of every key
/// that a policy has.
pub(super) fn masked(text: &str, tree: &DeTable<'_>, known: &BTreeSet<String>) -> String {
    let mut mask = Mask {
        bytes: text.as_bytes().to_vec(),
        known,
    };
    mask.table(tree, "");
    mask.names_of_secrets(text);
    // A character is replaced as a whole, each of its bytes by an ASCII one.
    String::from_utf8(mask.bytes).unwrap_or_default()
}

/// Whether it is a URL that a user's name, and with it a password, stands in.
fn has_credentials(value: &DeValue<'_>) -> bool {
    let rest = value.as_str().and_then(|text| text.split_once("://"));
    let authority = rest.and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

struct Mask<'k> {
    bytes: Vec<u8>,
    known: &'k BTreeSet<String>,
}

impl Mask<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            let key: &str = key.get_ref();
            let path = match path {
                "" => key.to_owned(),
                path => format!("{path}.{key}"),
            };
            let is_drawn = path != "auth" && self.known.contains(&path);
            if is_drawn && !has_credentials(value.get_ref()) {
                self.value(value.get_ref(), &path);
            } else {
                self.all(value.get_ref(), value.span());
            }
        }
    }

    /// A value that is known: what is unknown can only be inside.
    fn value(&mut self, value: &DeValue<'_>, path: &str) {
        if let Some(table) = value.as_table() {
            self.table(table, path);
        }
        for entry in value.as_array().into_iter().flatten() {
            self.value(entry.get_ref(), path);
        }
    }

    /// A value that may be a secret, or hold some: a table by its values, so that its keys can be
    /// read.
    fn all(&mut self, value: &DeValue<'_>, span: std::ops::Range<usize>) {
        match value.as_table() {
            Some(table) => {
                for value in table.values() {
                    self.all(value.get_ref(), value.span());
                }
            }
            None => self.blot(span.start, span.end),
        }
    }

    fn blot(&mut self, from: usize, to: usize) {
        let to = to.min(self.bytes.len());
        for byte in self.bytes.get_mut(from..to).unwrap_or_default() {
            if !matches!(
                *byte,
                b' ' | b'"' | b'\'' | b'\r' | b'\n' | b'[' | b']' | b','
            ) {
                *byte = b'*';
            }
        }
    }

    /// What stands behind the name of a secret, to the end of its line, whether or not the rest
    /// can be read.
    fn names_of_secrets(&mut self, text: &str) {
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
                let line = value.find('\n').unwrap_or(value.len());
                self.blot(start, start + line);
            }
        }
    }
}
