//! One rule, read: `OPERATION:EFFECT[,KEY=VALUE…]`.

use std::str::FromStr;

use crate::host::http::operation::ApiOperation;
use crate::units::{BadSpan, Size, Span};

/// The grammar, for the help text and for errors.
pub const GRAMMAR: &str = "\
A rule reads OPERATION:EFFECT[,KEY=VALUE…].
  OPERATION  create, get, update, stop, list, token, any; boot for servers; several joined by +
  EFFECT     delay,by=SPAN          the answer comes late
             429[,retry-after=SPAN] throttled; 1s unless told
             500, 503[,retry-after=SPAN]
             reset-before           the connection is reset, nothing is done
             reset-after            it is done, and the connection is reset
             stale,by=SPAN          a list as it was so long ago (list)
             out-of-servers[,size=standard|premium]  sessions end in Error (boot)
             slow,by=SPAN           a boot takes longer (boot)
             fail                   the server does not come up (boot)
  KEY        probability=0.3        of those that match, by chance
             skip=N                 spare the first N
             every=N                only each Nth after that
             times=N                at most N times
Examples: get+list:429,retry-after=2s,times=3   create:reset-after,probability=0.2   boot:out-of-servers,size=standard";

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The answer comes so much later.
    Delay(Span),
    /// 429, and when to come back.
    Throttle(Span),
    /// 500.
    Broken,
    /// 503, and when to come back, if that is told.
    Unavailable(Option<Span>),
    /// The connection is reset and nothing is done.
    ResetBefore,
    /// The connection is reset once it is done.
    ResetAfter,
    /// A list as it was so long ago.
    Stale(Span),
    /// There are no servers of this size, or of any.
    OutOfServers(Option<Size>),
    /// A boot takes so much longer.
    Slow(Span),
    /// A server does not come up.
    BootFails,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Any,
    One(ApiOperation),
    Boot,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(super) subjects: Vec<Subject>,
    pub(super) effect: Effect,
    pub(super) probability: f64,
    pub(super) skip: u64,
    pub(super) every: u64,
    pub(super) times: u64,
}

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
        "{0:?} is not an effect; these are: delay, 429, 500, 503, reset-before, reset-after, stale, and for boot \
         out-of-servers, slow, fail"
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
    #[error("{effect} needs {key}, as in {key}=2s")]
    Missing {
        /// The effect.
        effect: String,
        /// The key.
        key: &'static str,
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

/// The keys that every effect has.
const WHEN: [&str; 4] = ["probability", "skip", "every", "times"];

/// Keys with their values, each read once.
struct Pairs<'a> {
    effect: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Pairs<'a> {
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.pairs.iter().position(|(k, _)| *k == key)?;
        Some(self.pairs.remove(at).1)
    }

    fn read<T, E: std::fmt::Display>(
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

    fn span(&mut self, key: &'static str) -> Result<Option<Span>, BadRule> {
        self.read(key, |text| match text.parse::<Span>() {
            Ok(span) if span > LONGEST => Err("at most 24h".to_owned()),
            read => read.map_err(|e: BadSpan| e.to_string()),
        })
    }

    fn must(&mut self, key: &'static str) -> Result<Span, BadRule> {
        self.span(key)?.ok_or_else(|| BadRule::Missing {
            effect: self.effect.into(),
            key,
        })
    }

    fn count(&mut self, key: &'static str, least: u64) -> Result<Option<u64>, BadRule> {
        self.read(key, |text| match text.parse::<u64>() {
            Ok(n) if n >= least => Ok(n),
            _ => Err(format!("a whole number of at least {least}")),
        })
    }
}

/// The longest delay that a rule can ask for.
const LONGEST: Span = Span::hours(24);

impl Rule {
    /// Reads a rule from its parts, wherever they stood.
    pub(super) fn read(on: &str, effect: &str, pairs: Vec<(&str, &str)>) -> Result<Self, BadRule> {
        if let Some((key, _)) = pairs
            .iter()
            .enumerate()
            .find(|(i, p)| pairs[..*i].iter().any(|q| q.0 == p.0))
            .map(|(_, p)| p)
        {
            return Err(BadRule::Twice((*key).into()));
        }
        let subjects: Vec<Subject> = on.split('+').map(subject).collect::<Result<_, _>>()?;
        let mut pairs = Pairs { effect, pairs };
        let (parsed, keys, right): (Effect, &[&str], _) = match effect {
            "delay" => (Effect::Delay(pairs.must("by")?), &["by"], REQUESTS),
            "429" => (
                Effect::Throttle(pairs.span("retry-after")?.unwrap_or(Span::seconds(1))),
                &["retry-after"],
                REQUESTS,
            ),
            "500" => (Effect::Broken, &[], REQUESTS),
            "503" => (
                Effect::Unavailable(pairs.span("retry-after")?),
                &["retry-after"],
                REQUESTS,
            ),
            "reset-before" => (Effect::ResetBefore, &[], REQUESTS),
            "reset-after" => (Effect::ResetAfter, &[], REQUESTS),
            "stale" => (Effect::Stale(pairs.must("by")?), &["by"], "list"),
            "out-of-servers" => (
                Effect::OutOfServers(pairs.read("size", size)?),
                &["size"],
                "boot",
            ),
            "slow" => (Effect::Slow(pairs.must("by")?), &["by"], "boot"),
            "fail" => (Effect::BootFails, &[], "boot"),
            _ => return Err(BadRule::Effect(effect.into())),
        };
        let fits = |s: &Subject| match right {
            "boot" => *s == Subject::Boot,
            "list" => *s == Subject::One(ApiOperation::List),
            _ => *s != Subject::Boot,
        };
        if !subjects.iter().all(fits) {
            return Err(BadRule::Mismatch {
                effect: effect.into(),
                subject: on.into(),
                right,
            });
        }
        let probability = pairs.read("probability", |text| match text.parse::<f64>() {
            Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
            _ => Err("a number from 0 to 1"),
        })?;
        let rule = Self {
            subjects,
            effect: parsed,
            probability: probability.unwrap_or(1.0),
            skip: pairs.count("skip", 0)?.unwrap_or(0),
            every: pairs.count("every", 1)?.unwrap_or(1),
            times: pairs.count("times", 1)?.unwrap_or(u64::MAX),
        };
        match pairs.pairs.first() {
            Some((key, _)) => {
                let allowed = [keys, &WHEN].concat().join(", ");
                Err(BadRule::Key {
                    key: (*key).into(),
                    effect: effect.into(),
                    allowed,
                })
            }
            None => Ok(rule),
        }
    }
}

const REQUESTS: &str = "create, get, update, stop, list, token, any";

fn subject(word: &str) -> Result<Subject, BadRule> {
    Ok(match word {
        "any" => Subject::Any,
        "boot" => Subject::Boot,
        "create" => Subject::One(ApiOperation::Create),
        "get" => Subject::One(ApiOperation::Get),
        "update" => Subject::One(ApiOperation::Update),
        "stop" => Subject::One(ApiOperation::Stop),
        "list" => Subject::One(ApiOperation::List),
        "token" => Subject::One(ApiOperation::Token),
        _ => return Err(BadRule::Operation(word.into())),
    })
}

fn size(word: &str) -> Result<Size, &'static str> {
    match Size::from(word.to_owned()) {
        Size::Other(_) => Err("a size is standard or premium"),
        known => Ok(known),
    }
}

impl FromStr for Rule {
    type Err = BadRule;
    fn from_str(text: &str) -> Result<Self, BadRule> {
        let (on, rest) = text.split_once(':').ok_or(BadRule::Form)?;
        let mut parts = rest.split(',').map(str::trim);
        let effect = parts.next().unwrap_or_default();
        let pairs = parts
            .map(|p| p.split_once('=').ok_or(BadRule::Form))
            .collect::<Result<_, _>>()?;
        Self::read(on.trim(), effect, pairs)
    }
}
