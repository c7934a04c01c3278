//! Faults on request: rules that say which requests go wrong, how, and how often.
//!
//! Promises: the same rules, seed and sequence of requests give the same faults; each rule counts
//! and draws by itself, so adding one leaves the others as they were. Pure: it says what is to go
//! wrong, and does nothing.

mod bad_rule;
mod effect;
mod file;
mod pairs;
mod rule;
#[cfg(test)]
mod tests;

use crate::host::http::operation::ApiOperation;
use crate::units::{Size, Span};

pub use bad_rule::BadRule;
pub use effect::{Alteration, Change, Effect};
pub use file::{BadRules, rules};
pub use rule::{GRAMMAR, Rule};

use rule::Subject;

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
        let due = nth
            .checked_sub(self.rule.skip)
            .is_some_and(|n| (n + 1).is_multiple_of(self.rule.every));
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

    /// What goes wrong with a request: how late its answer comes, and the first of the other
    /// effects.
    pub(super) fn request(&mut self, operation: ApiOperation) -> (Span, Option<Effect>) {
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

    /// What goes wrong with the boot of a server: how much longer it takes, and whether it fails,
    /// and how.
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
