//! Reading a TOML tree by hand, so that every problem of a file is found in one go.
//!
//! A [`Table`] knows which of its keys were asked for; whatever is left is unknown, and the nearest
//! known key is suggested. Every getter returns `None` where the value is missing or wrong, and
//! notes what is wrong.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::units::Span;

use super::notes::Notes;

/// A value with its place.
pub(super) struct Value<'n, 't> {
    notes: &'n Notes<'t>,
    path: String,
    value: &'n DeValue<'n>,
    pub(super) span: Range<usize>,
}

/// A table with the keys that were asked for.
pub(super) struct Table<'n, 't> {
    pub(super) notes: &'n Notes<'t>,
    path: String,
    table: &'n DeTable<'n>,
    pub(super) span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'n, 't> Table<'n, 't> {
    pub(super) fn root(notes: &'n Notes<'t>, table: &'n Spanned<DeTable<'n>>) -> Self {
        // A problem with the whole file is shown at its first line.
        let end = notes.text.find('\n').unwrap_or(notes.text.len());
        Self {
            notes,
            path: String::new(),
            table: table.get_ref(),
            span: 0..end,
            asked: RefCell::default(),
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Value<'n, 't>> {
        self.asked.borrow_mut().push(key);
        let path = if self.path.is_empty() {
            key.into()
        } else {
            format!("{}.{key}", self.path)
        };
        self.notes.asked.borrow_mut().insert(path.clone());
        let (_, value) = self.table.iter().find(|(k, _)| k.get_ref() == key)?;
        Some(Value {
            notes: self.notes,
            path,
            value: value.get_ref(),
            span: value.span(),
        })
    }

    /// Every key of a table whose keys are names, with its place and its value.
    pub(super) fn entries(&self) -> Vec<(&'n str, Range<usize>, Value<'n, 't>)> {
        let mut entries = Vec::new();
        for (key, value) in self.table {
            let name: &'n str = key.get_ref();
            let path = format!("{}.{name}", self.path);
            self.notes.asked.borrow_mut().insert(path.clone());
            let value = Value {
                notes: self.notes,
                path,
                value: value.get_ref(),
                span: value.span(),
            };
            entries.push((name, key.span(), value));
        }
        entries
    }

    /// The value of a key that must be there.
    pub(super) fn must(&self, key: &'static str, example: &str) -> Option<Value<'n, 't>> {
        let value = self.get(key);
        if value.is_none() {
            let place = if self.path.is_empty() {
                "the policy".into()
            } else {
                format!("`{}`", self.path)
            };
            let help = Some(format!("write it like: {key} = {example}"));
            self.notes.error(
                self.span.clone(),
                format!("{place} has no `{key}`"),
                format!("`{key}` is missing"),
                help,
            );
        }
        value
    }

    /// Notes every key that was never asked for. To be called last.
    pub(super) fn end(self) {
        let asked = self.asked.into_inner();
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            // Looking for the nearest key is most of the work, and nobody would see it.
            let candidates = if self.notes.is_full() {
                &[][..]
            } else {
                &asked
            };
            let nearest = candidates
                .iter()
                .map(|known| (strsim::damerau_levenshtein(name, known), known))
                .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
                .min();
            let place = if self.path.is_empty() {
                "at the top level".into()
            } else {
                format!("in `{}`", self.path)
            };
            let label = nearest.map_or_else(
                || "not a key here".into(),
                |(_, known)| format!("did you mean `{known}`?"),
            );
            // Whoever mistyped a key wants the one key; the others would only bury it.
            let help = nearest.is_none().then(|| {
                let mut known = asked.clone();
                known.sort_unstable();
                known.dedup();
                format!("the keys {place} are {}", known.join(", "))
            });
            self.notes.error(
                key.span(),
                format!("unknown key `{name}` {place}"),
                label,
                help,
            );
        }
    }
}

impl<'n, 't> Value<'n, 't> {
    pub(super) fn error(&self, message: impl Display, label: impl Display, help: Option<String>) {
        self.notes.error(self.span.clone(), message, label, help);
    }

    pub(super) fn warn(&self, message: impl Display, label: impl Display, help: Option<String>) {
        self.notes.warn(self.span.clone(), message, label, help);
    }

    fn wrong_type(&self, wanted: &str) {
        let found = self.value.type_str();
        self.error(
            format!("`{}` must be {wanted}", self.path),
            format!("this is a TOML {found}"),
            None,
        );
    }

    pub(super) fn table(&self) -> Option<Table<'n, 't>> {
        let Some(table) = self.value.as_table() else {
            self.wrong_type("a table");
            return None;
        };
        let (notes, path, span) = (self.notes, self.path.clone(), self.span.clone());
        Some(Table {
            notes,
            path,
            table,
            span,
            asked: RefCell::default(),
        })
    }

    pub(super) fn array(&self) -> Option<Vec<Value<'n, 't>>> {
        let Some(array) = self.value.as_array() else {
            self.wrong_type("an array, in square brackets");
            return None;
        };
        let entry = |v: &'n Spanned<DeValue<'n>>| Value {
            notes: self.notes,
            path: self.path.clone(),
            value: v.get_ref(),
            span: v.span(),
        };
        Some(array.iter().map(entry).collect())
    }

    /// Whether it is text, for keys that take text or something else.
    pub(super) fn is_str(&self) -> bool {
        self.value.is_str()
    }

    /// Whether it is a table, for keys that take a list of them.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn bool(&self) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.wrong_type("true or false");
        }
        value
    }

    pub(super) fn str(&self) -> Option<&'n str> {
        let Some(text) = self.value.as_str() else {
            self.wrong_type("text, in quotes");
            return None;
        };
        if text.contains("${") {
            let help = "write the value itself; secrets come from files and from environment \
                        variables named by `…_env`";
            self.warn(
                format!("`{}` is taken as it stands", self.path),
                "`${…}` is not expanded",
                Some(help.into()),
            );
        }
        Some(text)
    }

    /// Text that a type can read; its error says what is allowed.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        let text = self.str()?;
        text.parse()
            .map_err(|e: T::Err| {
                self.error(format!("`{}`: {e}", self.path), "not understood", None);
            })
            .ok()
    }

    /// A length of time within bounds.
    pub(super) fn span_within(&self, least: Span, most: Span) -> Option<Span> {
        let span: Span = self.parse()?;
        if (least..=most).contains(&span) {
            return Some(span);
        }
        self.error(
            format!("`{}` must be {least} to {most}", self.path),
            format!("this is {span}"),
            None,
        );
        None
    }

    /// A whole number within bounds.
    pub(super) fn int_within(&self, least: u32, most: u32) -> Option<u32> {
        let Some(int) = self.value.as_integer() else {
            self.wrong_type("a whole number");
            return None;
        };
        let number = u32::from_str_radix(&int.as_str().replace('_', ""), int.radix()).ok();
        let number = number.filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.error(
                format!("`{}` must be {least} to {most}", self.path),
                "out of bounds",
                None,
            );
        }
        number
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.str()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let nearest = words
            .iter()
            .map(|(w, _)| (strsim::damerau_levenshtein(text, w), w))
            .filter(|(d, _)| *d <= 2)
            .min_by_key(|(d, _)| *d);
        let label = nearest.map_or_else(
            || "not one of them".into(),
            |(_, w)| format!("did you mean {w:?}?"),
        );
        let allowed: Vec<String> = words.iter().map(|(w, _)| format!("{w:?}")).collect();
        self.error(
            format!("`{}` must be one of {}", self.path, allowed.join(", ")),
            label,
            None,
        );
        None
    }

    /// An amount of money: text or a whole number, never a float.
    pub(super) fn amount<T: FromStr<Err: Display>>(&self) -> Option<T> {
        if let Some(float) = self.value.as_float() {
            let help = Some(format!("write it as text: \"{}\"", float.as_str()));
            self.error(
                format!("`{}` is an amount, and money is never a float", self.path),
                "put it in quotes",
                help,
            );
            return None;
        }
        let text = match self.value.as_integer() {
            Some(int) => self.decimal(int)?,
            None => self.str()?.into(),
        };
        text.parse()
            .map_err(|e: T::Err| self.error(format!("`{}`: {e}", self.path), "not an amount", None))
            .ok()
    }

    /// The number in decimal digits, whether it is whole or not.
    pub(super) fn number(&self) -> Option<String> {
        match (self.value.as_integer(), self.value.as_float()) {
            (Some(int), _) => self.decimal(int),
            (None, Some(float)) => Some(float.as_str().replace('_', "")),
            (None, None) => {
                self.wrong_type("a number");
                None
            }
        }
    }

    /// The digits of a whole number. The parser has taken a prefix such as `0x` away, so without
    /// a look at the base `0x10` would read as ten.
    fn decimal(&self, int: &DeInteger<'_>) -> Option<String> {
        if int.radix() == 10 {
            return Some(int.as_str().replace('_', ""));
        }
        self.error(
            format!("`{}` must be a decimal number", self.path),
            format!("this is written in base {}", int.radix()),
            None,
        );
        None
    }
}
