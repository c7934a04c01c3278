//! Conditions on what a policy comes to, as in `cost>+10%`: what a review is to refuse.
//!
//! A condition names a figure, a comparison, and a bound: the figure itself, or, with a sign, its
//! change against another policy, in its own unit or in percent.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::Serialize;

use super::figures::Report;

mod figure;
#[cfg(test)]
mod tests;

use figure::{Figure, Unit};

/// The largest share that is meant: a figure that is ten thousand times as large. What is far
/// beyond it could not be multiplied.
const MOST_PERCENT: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    text: String,
    figure: Figure,
    comparison: Comparison,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Itself(Decimal),
    Change(Decimal),
    Percent(Decimal),
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCondition {
    /// There is no comparison in it.
    #[error("a condition is a figure, one of > >= < <=, and a bound, as in cost>+10%")]
    NoComparison,
    /// It names no figure.
    #[error("there is no figure {0:?}; there are {known}", known = Figure::names())]
    Figure(String),
    /// Its bound cannot be read.
    #[error("{text:?} is no bound for {figure}; write {example}")]
    Bound {
        /// What was written.
        text: String,
        /// The figure.
        figure: &'static str,
        /// What can be.
        example: &'static str,
    },
}

/// Why a condition cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotJudge {
    /// It is about a change, and there is nothing to compare with.
    #[error("{condition} is about a change, and there is no other policy to compare with")]
    NothingToCompare {
        /// The condition.
        condition: String,
    },
    /// It is about money, and a policy names no prices.
    #[error("{condition} is about money, and {policy} names no prices")]
    NoPrices {
        /// The condition.
        condition: String,
        /// The policy.
        policy: String,
    },
    /// It is about a change in money, and the currencies differ.
    #[error("{condition} cannot be judged: one policy counts in {old}, the other in {new}")]
    Currencies {
        /// The condition.
        condition: String,
        /// The one.
        old: String,
        /// The other.
        new: String,
    },
}

/// A condition, whether it holds, and the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The condition, as it was written.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// The figure of the policy that it is held against, where it is about a change.
    pub old: Option<String>,
    /// The figure.
    pub new: String,
    /// The change in percent, where it is about one and there was something to begin with.
    pub change: Option<String>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, .. } = self;
        match (old, &self.change) {
            (Some(old), Some(change)) => write!(f, "{old} became {new}, {change}"),
            (Some(old), None) => write!(f, "{old} became {new}"),
            (None, _) => write!(f, "it is {new}"),
        }
    }
}

impl FromStr for Condition {
    type Err = BadCondition;
    fn from_str(text: &str) -> Result<Self, BadCondition> {
        let at = text.find(['<', '>']).ok_or(BadCondition::NoComparison)?;
        let (figure, rest) = text.split_at(at);
        let (comparison, bound) = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?)))
        .ok_or(BadCondition::NoComparison)?;
        let figure: Figure = figure
            .trim()
            .parse()
            .map_err(|_| BadCondition::Figure(figure.trim().into()))?;
        Ok(Self {
            text: text.into(),
            figure,
            comparison,
            bound: bound_of(figure, bound.trim())?,
        })
    }
}

fn bound_of(figure: Figure, text: &str) -> Result<Bound, BadCondition> {
    let unit = figure.unit();
    let bad = || BadCondition::Bound {
        text: text.into(),
        figure: figure.name(),
        example: unit.example(),
    };
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (Some(Decimal::ONE), rest),
        None => match text.strip_prefix('-') {
            Some(rest) => (Some(Decimal::NEGATIVE_ONE), rest),
            None => (None, text),
        },
    };
    let digits = rest.starts_with(|c: char| c.is_ascii_digit());
    let amount = |text: &str| text.parse::<Decimal>().ok().filter(|_| digits);
    match (rest.strip_suffix('%'), sign) {
        (Some(percent), Some(sign)) => amount(percent)
            .filter(|n| *n <= MOST_PERCENT)
            .map(|n| Bound::Percent(sign * n)),
        // Ten percent of what? Only a change says so.
        (Some(_), None) => None,
        (None, Some(sign)) => unit.read(rest).map(|n| Bound::Change(sign * n)),
        (None, None) => unit.read(rest).map(Bound::Itself),
    }
    .ok_or_else(bad)
}

impl Comparison {
    fn holds(self, value: Decimal, bound: Decimal) -> bool {
        match self {
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
        }
    }
}

impl Condition {
    /// Whether it is about a change, so that another policy is needed.
    pub const fn compares(&self) -> bool {
        !matches!(self.bound, Bound::Itself(_))
    }

    /// That it is about a change, and there is nothing to compare with.
    pub fn nothing_to_compare(&self) -> CannotJudge {
        CannotJudge::NothingToCompare {
            condition: self.text.clone(),
        }
    }

    /// Whether it holds of a policy's report, held against another's.
    ///
    /// # Errors
    /// If there is nothing that it could be judged by.
    pub fn judge(&self, new: &Report, old: Option<&Report>) -> Result<Judgement, CannotJudge> {
        let (condition, figure) = (|| self.text.clone(), self.figure);
        let old = match (self.compares(), old) {
            (false, _) => None,
            (true, Some(old)) => Some(old),
            (true, None) => return Err(self.nothing_to_compare()),
        };
        if figure.unit() == Unit::Money {
            if let Some(report) = old.into_iter().chain([new]).find(|r| !r.priced) {
                let (condition, policy) = (condition(), report.policy.clone());
                return Err(CannotJudge::NoPrices { condition, policy });
            }
            if let Some(old) = old.filter(|old| old.currency != new.currency) {
                return Err(CannotJudge::Currencies {
                    condition: condition(),
                    old: old.currency.to_string(),
                    new: new.currency.to_string(),
                });
            }
        }
        let (value, before) = (figure.of(new), old.map(|old| figure.of(old)));
        let change = value - before.unwrap_or_default();
        let holds = match self.bound {
            Bound::Itself(bound) => self.comparison.holds(value, bound),
            Bound::Change(bound) => self.comparison.holds(change, bound),
            // Without a division, so that what comes from nothing is more than any percentage.
            Bound::Percent(bound) => {
                let base = before.unwrap_or_default();
                let hundred = Decimal::ONE_HUNDRED;
                self.comparison.holds(change * hundred, bound * base)
            }
        };
        let percent = before.filter(|before| !before.is_zero());
        let percent = percent.map(|before| change * Decimal::ONE_HUNDRED / before);
        Ok(Judgement {
            condition: condition(),
            holds,
            old: old.map(|old| figure.shown(old)),
            new: figure.shown(new),
            change: percent.map(|percent| format!("{percent:+.1}%")),
        })
    }
}
