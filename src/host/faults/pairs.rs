//! The keys of a rule with their values.

use crate::units::{BadSpan, Span};

use super::bad_rule::BadRule;

/// Keys with their values, each read once.
pub(super) struct Pairs<'a> {
    pub(super) effect: &'a str,
    pub(super) pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Pairs<'a> {
    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.pairs.iter().position(|(k, _)| *k == key)?;
        Some(self.pairs.remove(at).1)
    }

    pub(super) fn read<T, E: std::fmt::Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, BadRule> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let bad = |why: E| BadRule::Value {
            key: key.into(),
            value: value.into(),
            why: why.to_string(),
        };
        parse(value).map(Some).map_err(bad)
    }

    pub(super) fn span(&mut self, key: &'static str) -> Result<Option<Span>, BadRule> {
        self.read(key, |text| match text.parse::<Span>() {
            Ok(span) if span > LONGEST => Err("at most 24h".to_owned()),
            read => read.map_err(|e: BadSpan| e.to_string()),
        })
    }

    pub(super) fn must(&mut self, key: &'static str) -> Result<Span, BadRule> {
        self.span(key)?.ok_or_else(|| BadRule::Missing {
            effect: self.effect.into(),
            key,
            example: "by=2s",
        })
    }

    /// A whole number, which may be below zero.
    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<i64>, BadRule> {
        self.read(key, |text| {
            text.parse::<i64>()
                .map_err(|_| "a whole number, as in -5 or 4294967295")
        })
    }

    /// Which entry of a list, from 1; the first unless told. Returns its place.
    pub(super) fn nth(&mut self) -> Result<usize, BadRule> {
        let nth = self.count("nth", 1)?.unwrap_or(1);
        Ok(usize::try_from(nth - 1).unwrap_or(usize::MAX))
    }

    pub(super) fn count(&mut self, key: &'static str, least: u64) -> Result<Option<u64>, BadRule> {
        self.read(key, |text| match text.parse::<u64>() {
            Ok(n) if n >= least => Ok(n),
            _ => Err(format!("a whole number of at least {least}")),
        })
    }
}

/// The longest delay that a rule can ask for.
const LONGEST: Span = Span::hours(24);
