//! Rules in a TOML file.

use super::bad_rule::BadRule;
use super::rule::Rule;

/// Why a file of rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// Not TOML, or not of its form.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// One of the rules.
    #[error("the {nth}. [[fault]] cannot be used")]
    Rule {
        /// Which one, from 1.
        nth: usize,
        /// Why not.
        source: BadRule,
    },
    /// A rule without one of the two keys that every rule has.
    #[error(
        "the {0}. [[fault]] needs `on` and `effect`, as in on = \"get\" and effect = \"delay\""
    )]
    Incomplete(usize),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<toml::Table>,
}

/// Reads a file of rules: `[[fault]]` with `on`, `effect` and the keys of a rule.
///
/// # Errors
/// If it is not TOML, or a rule in it cannot be read.
pub fn rules(text: &str) -> Result<Vec<Rule>, BadRules> {
    let file: File = toml::from_str(text)?;
    let read = |(i, table): (usize, toml::Table)| {
        let bad = |source| BadRules::Rule { nth: i + 1, source };
        let pairs = table
            .into_iter()
            .map(|(key, value)| Ok((key.replace('_', "-"), written(&key, &value)?)));
        let pairs: Vec<(String, String)> = pairs.collect::<Result<_, _>>().map_err(bad)?;
        let value = |key: &str| {
            pairs
                .iter()
                .find(|(k, _)| k == key)
                .map(|(_, v)| v.as_str())
        };
        let (on, effect) = value("on")
            .zip(value("effect"))
            .ok_or(BadRules::Incomplete(i + 1))?;
        let keys = pairs
            .iter()
            .filter(|(k, _)| k != "on" && k != "effect")
            .map(|(k, v)| (k.as_str(), v.as_str()));
        Rule::read(on, effect, keys.collect()).map_err(bad)
    };
    file.fault.into_iter().enumerate().map(read).collect()
}

/// A value of a file as it would stand after the `=` of a rule.
fn written(key: &str, value: &toml::Value) -> Result<String, BadRule> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        other => {
            let why = "must be a text or a number".into();
            Err(BadRule::Value {
                key: key.into(),
                value: other.type_str().into(),
                why,
            })
        }
    }
}
