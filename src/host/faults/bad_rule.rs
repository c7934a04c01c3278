//! Why a rule cannot be read.

/// Why a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// Not of the form `OPERATION:EFFECT`.
    #[error("a rule reads OPERATION:EFFECT[,KEY=VALUE…], as in get:delay,by=2s")]
    Form,
    /// An operation that does not exist.
    #[error(
        "{0:?} is not an operation; these are: create, get, update, stop, list, token, any, boot"
    )]
    Operation(String),
    /// An effect that does not exist.
    #[error(
        "{0:?} is not an effect; these are: delay, 429, 500, 503, reset-before, reset-after, html, \
         alter, short, stale, garbled, omitted, circle, and for boot out-of-servers, slow, fail"
    )]
    Effect(String),
    /// An effect on an operation that cannot have it.
    #[error("{effect} cannot happen to {subject}; it is for {right}")]
    Mismatch {
        /// The effect.
        effect: String,
        /// What it was to happen to.
        subject: String,
        /// What it can happen to.
        right: &'static str,
    },
    /// A key that the effect does not have.
    #[error("{key:?} means nothing with {effect}; allowed are: {allowed}")]
    Key {
        /// The key.
        key: String,
        /// The effect.
        effect: String,
        /// The keys that mean something.
        allowed: String,
    },
    /// A key that is given twice.
    #[error("{0:?} is given twice")]
    Twice(String),
    /// A key without which the effect means nothing.
    #[error("{effect} needs {key}, as in {example}")]
    Missing {
        /// The effect.
        effect: String,
        /// The key.
        key: &'static str,
        /// A value, with its key.
        example: &'static str,
    },
    /// A value that cannot be read.
    #[error("{key}={value}: {why}")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// Why not.
        why: String,
    },
}
