//! Faults on request: rules that say which requests go wrong, how, and how often.
//!
//! A rule reads `OPERATION:EFFECT[,KEY=VALUE…]`. Promises: the same rules, seed and sequence of requests give the same
//! faults; each rule counts and draws by itself, so adding one leaves the others as they were. Pure: it says what is to go
//! wrong, and does nothing.

use std::str::FromStr;

use crate::units::{BadSpan, Size, Span};

use super::request::Operation;

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
enum Subject {
    Any,
    One(Operation),
    Boot,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    subjects: Vec<Subject>,
    effect: Effect,
    probability: f64,
    skip: u64,
    every: u64,
    times: u64,
}

/// Why a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// Not of the form `OPERATION:EFFECT`.
    #[error("a rule reads OPERATION:EFFECT[,KEY=VALUE…], as in get:delay,by=2s")]
    Form,
    /// An operation that does not exist.
    #[error("{0:?} is not an operation; these are: create, get, update, stop, list, token, any, boot")]
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
        let Some(value) = self.take(key) else { return Ok(None) };
        let bad = |why: E| BadRule::Value { key: key.into(), value: value.into(), why: why.to_string() };
        parse(value).map(Some).map_err(bad)
    }

    fn span(&mut self, key: &'static str) -> Result<Option<Span>, BadRule> {
        self.read(key, |text| match text.parse::<Span>() {
            Ok(span) if span > LONGEST => Err("at most 24h".to_owned()),
            read => read.map_err(|e: BadSpan| e.to_string()),
        })
    }

    fn must(&mut self, key: &'static str) -> Result<Span, BadRule> {
        self.span(key)?.ok_or_else(|| BadRule::Missing { effect: self.effect.into(), key })
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
    fn read(on: &str, effect: &str, pairs: Vec<(&str, &str)>) -> Result<Self, BadRule> {
        if let Some((key, _)) =
            pairs.iter().enumerate().find(|(i, p)| pairs[..*i].iter().any(|q| q.0 == p.0)).map(|(_, p)| p)
        {
            return Err(BadRule::Twice((*key).into()));
        }
        let subjects: Vec<Subject> = on.split('+').map(subject).collect::<Result<_, _>>()?;
        let mut pairs = Pairs { effect, pairs };
        let (parsed, keys, right): (Effect, &[&str], _) = match effect {
            "delay" => (Effect::Delay(pairs.must("by")?), &["by"], REQUESTS),
            "429" => {
                (Effect::Throttle(pairs.span("retry-after")?.unwrap_or(Span::seconds(1))), &["retry-after"], REQUESTS)
            }
            "500" => (Effect::Broken, &[], REQUESTS),
            "503" => (Effect::Unavailable(pairs.span("retry-after")?), &["retry-after"], REQUESTS),
            "reset-before" => (Effect::ResetBefore, &[], REQUESTS),
            "reset-after" => (Effect::ResetAfter, &[], REQUESTS),
            "stale" => (Effect::Stale(pairs.must("by")?), &["by"], "list"),
            "out-of-servers" => (Effect::OutOfServers(pairs.read("size", size)?), &["size"], "boot"),
            "slow" => (Effect::Slow(pairs.must("by")?), &["by"], "boot"),
            "fail" => (Effect::BootFails, &[], "boot"),
            _ => return Err(BadRule::Effect(effect.into())),
        };
        let fits = |s: &Subject| match right {
            "boot" => *s == Subject::Boot,
            "list" => *s == Subject::One(Operation::List),
            _ => *s != Subject::Boot,
        };
        if !subjects.iter().all(fits) {
            return Err(BadRule::Mismatch { effect: effect.into(), subject: on.into(), right });
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
                Err(BadRule::Key { key: (*key).into(), effect: effect.into(), allowed })
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
        "create" => Subject::One(Operation::Create),
        "get" => Subject::One(Operation::Get),
        "update" => Subject::One(Operation::Update),
        "stop" => Subject::One(Operation::Stop),
        "list" => Subject::One(Operation::List),
        "token" => Subject::One(Operation::Token),
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
        let pairs = parts.map(|p| p.split_once('=').ok_or(BadRule::Form)).collect::<Result<_, _>>()?;
        Self::read(on.trim(), effect, pairs)
    }
}

/// Why a file of rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// Not TOML, or not of its form.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// One of the rules.
    #[error("the {nth}. [[fault]]: {source}")]
    Rule {
        /// Which one, from 1.
        nth: usize,
        /// Why not.
        source: BadRule,
    },
    /// A rule without one of the two keys that every rule has.
    #[error("the {0}. [[fault]] needs `on` and `effect`, as in on = \"get\" and effect = \"delay\"")]
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
        let pairs = table.into_iter().map(|(key, value)| Ok((key.replace('_', "-"), written(&key, &value)?)));
        let pairs: Vec<(String, String)> = pairs.collect::<Result<_, _>>().map_err(bad)?;
        let value = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let (on, effect) = value("on").zip(value("effect")).ok_or(BadRules::Incomplete(i + 1))?;
        let keys = pairs.iter().filter(|(k, _)| k != "on" && k != "effect").map(|(k, v)| (k.as_str(), v.as_str()));
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
            Err(BadRule::Value { key: key.into(), value: other.type_str().into(), why })
        }
    }
}

/// A rule with its count and its own chance.
#[derive(Clone, Debug)]
struct Armed {
    rule: Rule,
    seen: u64,
    struck: u64,
    chance: fastrand::Rng,
}

impl Armed {
    /// Whether this one, which matches, goes wrong.
    fn strikes(&mut self) -> bool {
        let nth = self.seen;
        self.seen += 1;
        // Drawn for everyone who matches, so that the count does not bend the chance.
        let drawn = self.chance.f64() < self.rule.probability;
        let due = nth.checked_sub(self.rule.skip).is_some_and(|n| (n + 1).is_multiple_of(self.rule.every));
        let strikes = due && drawn && self.struck < self.rule.times;
        self.struck += u64::from(strikes);
        strikes
    }
}

/// Rules in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<Armed>);

impl Faults {
    pub(super) fn new(rules: &[Rule], seed: u64) -> Self {
        let arm = |(i, rule): (u64, &Rule)| Armed {
            rule: rule.clone(),
            seen: 0,
            struck: 0,
            // A seed of its own for each, far from its neighbours'.
            chance: fastrand::Rng::with_seed(seed ^ i.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        };
        Self((0..).zip(rules).map(arm).collect())
    }

    fn of(&mut self, matches: impl Fn(&Rule) -> bool) -> impl Iterator<Item = Effect> {
        let matching = self.0.iter_mut().filter(move |a| matches(&a.rule));
        matching.filter_map(|a| a.strikes().then(|| a.rule.effect.clone()))
    }

    /// What goes wrong with a request: how late its answer comes, and the first of the other effects.
    pub(super) fn request(&mut self, operation: Operation) -> (Span, Option<Effect>) {
        let about = |s: &Subject| *s == Subject::Any || *s == Subject::One(operation);
        let (mut late, mut first) = (Span::ZERO, None);
        for effect in self.of(|rule| rule.subjects.iter().any(about)) {
            match effect {
                Effect::Delay(by) => late += by,
                other => first = first.or(Some(other)),
            }
        }
        (late, first)
    }

    /// What goes wrong with the boot of a server: how much longer it takes, and whether it fails, and how.
    pub(super) fn boot(&mut self, size: &Size) -> (Span, Option<Effect>) {
        let matches = |rule: &Rule| {
            let size_fits = !matches!(&rule.effect, Effect::OutOfServers(Some(s)) if s != size);
            size_fits && rule.subjects.contains(&Subject::Boot)
        };
        let (mut longer, mut first) = (Span::ZERO, None);
        for effect in self.of(matches) {
            match effect {
                Effect::Slow(by) => longer += by,
                other => first = first.or(Some(other)),
            }
        }
        (longer, first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(rules: &[&str], seed: u64) -> Faults {
        Faults::new(&rules.iter().map(|r| r.parse().expect("a rule")).collect::<Vec<_>>(), seed)
    }
    fn refused(rule: &str) -> String {
        rule.parse::<Rule>().expect_err(rule).to_string()
    }

    #[test]
    fn a_rule_strikes_those_it_counts() {
        let mut faults = faults(&["get+list:429,retry-after=3s,skip=1,every=2,times=2"], 0);
        let struck: Vec<bool> = (0..9).map(|_| faults.request(Operation::Get).1.is_some()).collect();
        assert_eq!(struck, [false, false, true, false, true, false, false, false, false]);
        assert_eq!(faults.request(Operation::Create), (Span::ZERO, None));
    }

    #[test]
    fn delays_add_up_and_the_first_of_the_other_effects_counts() {
        let mut faults = faults(&["any:delay,by=2s", "get:delay,by=1s", "get:500", "any:503", "boot:fail"], 0);
        assert_eq!(faults.request(Operation::Get), (Span::seconds(3), Some(Effect::Broken)));
        assert_eq!(faults.request(Operation::Token), (Span::seconds(2), Some(Effect::Unavailable(None))));
    }

    #[test]
    fn a_region_is_out_of_servers_of_one_size_only() {
        let mut faults = faults(&["boot:out-of-servers,size=standard", "boot:slow,by=90s"], 0);
        let longer = Span::seconds(90);
        assert_eq!(faults.boot(&Size::Standard), (longer, Some(Effect::OutOfServers(Some(Size::Standard)))));
        assert_eq!(faults.boot(&Size::Premium), (longer, None));
    }

    #[test]
    fn the_same_seed_gives_the_same_chances_whatever_stands_beside_them() {
        let chances = |rules: &[&str], seed| {
            let mut faults = faults(rules, seed);
            (0..64).map(|_| faults.request(Operation::Get).1.is_some()).collect::<Vec<_>>()
        };
        let alone = chances(&["get:500,probability=0.5"], 7);
        assert_eq!(alone, chances(&["get:500,probability=0.5", "list:503"], 7));
        assert_ne!(alone, chances(&["get:500,probability=0.5"], 8));
        assert!(alone.iter().filter(|s| **s).count().abs_diff(32) < 16);
    }

    #[test]
    fn a_rule_that_cannot_be_read_says_what_is_allowed() {
        let told = [
            "nonsense",
            "put:500",
            "get:504",
            "get:delay",
            "get:stale,by=2s",
            "get:slow,by=2s",
            "boot:500",
            "get:500,size=premium",
            "get:500,times=0",
            "get:500,probability=2",
            "get:delay,by=2",
            "get:delay,by=25h",
            "get:500,times=1,times=2",
            "boot:out-of-servers,size=huge",
        ];
        insta::assert_snapshot!(told.map(|rule| format!("{rule}\n    {}", refused(rule))).join("\n"));
    }

    #[test]
    fn a_file_reads_like_the_rules_of_the_command_line() {
        let file = "[[fault]]\non = \"get\"\neffect = 429\nretry_after = \"2s\"\nprobability = 0.5\n\n[[fault]]\non = \"boot\"\neffect = \"fail\"\ntimes = 3\n";
        let lines = ["get:429,retry-after=2s,probability=0.5", "boot:fail,times=3"].map(|r| r.parse().expect("a rule"));
        assert_eq!(rules(file).expect("rules"), lines);
        for (file, told) in [
            ("[[fault]]\non = \"get\"\n", "the 1. [[fault]] needs `on` and `effect`"),
            (
                "[[fault]]\non = \"get\"\neffect = \"500\"\ntimes = []\n",
                "the 1. [[fault]]: times=array: must be a text",
            ),
            ("[[faults]]\n", "unknown field `faults`"),
        ] {
            let error = rules(file).expect_err("refused").to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_the_reader_down(text in ".{0,200}", on in "[a-z+]{0,12}", rest in "[a-z0-9=,.-]{0,40}") {
            let _ = text.parse::<Rule>();
            let _ = format!("{on}:{rest}").parse::<Rule>();
            let _ = rules(&text);
        }
    }
}
