//! Advice: what a pool would have cost, and how long its clients would have waited, with other
//! settings for the same visits.
//!
//! Promises: the same visits, settings and seed give the same advice, however many threads work on
//! it. The arithmetic is exact. It knows nothing of where visits come from.

mod knee;
pub mod picture;
mod replay;
#[cfg(test)]
mod tests;
pub mod text;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::units::{Currency, Money, PoolName, Span};

pub use replay::{Grid, Replay, Setting};

use super::report::Figures;

/// What one setting comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// How long a session may be idle.
    #[serde(serialize_with = "or_never")]
    pub idle_timeout: Option<Span>,
    /// Sessions kept Ready and unheld.
    pub spare: u32,
    /// Minutes billed.
    pub ready_minutes: u64,
    /// What they cost; null where the policy names no price.
    pub cost: Option<Money>,
    /// Visits.
    pub visits: u32,
    /// Those that waited for a session.
    pub waited: u32,
    /// Those that never got one.
    pub never: u32,
    /// How often a session ended under a client.
    pub lost: u32,
    /// Half of the visits that got a session waited no longer than this.
    pub median_wait_seconds: i64,
    /// Nineteen in twenty no longer than this.
    pub p95_wait_seconds: i64,
    /// All waits together. A visit that never got a session waited from its beginning to its end.
    pub total_wait_seconds: i64,
    /// Whether no other setting is cheaper without longer waits, or quicker without a higher cost.
    pub on_front: bool,
}

impl Trial {
    fn of(setting: Setting, figures: &Figures, total_wait: i64, priced: bool) -> Self {
        let clients = &figures.clients;
        Self {
            idle_timeout: setting.idle_timeout,
            spare: setting.spare,
            ready_minutes: figures.ready_minutes,
            cost: priced.then_some(figures.cost),
            visits: clients.visits,
            waited: clients.cold,
            never: clients.never,
            lost: clients.lost,
            median_wait_seconds: clients.wait.map_or(0, |w| w.median_seconds),
            p95_wait_seconds: clients.wait.map_or(0, |w| w.p95_seconds),
            total_wait_seconds: total_wait,
            on_front: false,
        }
    }

    /// What it costs, in money or, where there are no prices, in minutes.
    fn price(&self) -> Decimal {
        self.cost
            .map_or_else(|| Decimal::from(self.ready_minutes), Money::decimal)
    }

    /// Waiting per visit, in seconds.
    fn mean_wait(&self) -> Decimal {
        Decimal::from(self.total_wait_seconds) / Decimal::from(self.visits.max(1))
    }

    fn setting(&self) -> Setting {
        Setting {
            idle_timeout: self.idle_timeout,
            spare: self.spare,
        }
    }
}

/// What is said of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The policy's file, as the user named it.
    pub policy: String,
    /// The pool.
    pub pool: PoolName,
    /// Where the visits come from.
    pub usage: String,
    /// The first day that was replayed.
    pub first_day: NaiveDate,
    /// How many days.
    pub days: u32,
    /// Whose days these are.
    pub time_zone: String,
    /// The currency of every cost; null where the policy names no price.
    pub currency: Option<Currency>,
    /// Every setting, by idle time-out and then by spares.
    pub trials: Vec<Trial>,
    /// Which of them is the policy's own.
    pub now: usize,
    /// Which of them is the knee; null where the front has none.
    pub knee: Option<usize>,
}

impl Advice {
    /// Marks the front and finds the knee among what was tried.
    fn judge(&mut self) {
        let points: Vec<knee::Point> = self
            .trials
            .iter()
            .map(|t| (t.price(), Decimal::from(t.total_wait_seconds)))
            .collect();
        let front = knee::front(&points);
        for at in &front {
            self.trials[*at].on_front = true;
        }
        self.knee = knee::knee(&points, &front);
    }

    /// The setting to take, if the figures have one: the knee, or what is best at both.
    pub fn best(&self) -> Option<&Trial> {
        let mut front = self.trials.iter().filter(|t| t.on_front);
        let (first, second) = (front.next(), front.next());
        match (self.knee, second) {
            (Some(knee), _) => self.trials.get(knee),
            (None, None) => first,
            (None, Some(_)) => None,
        }
    }
}

/// A span as the policy writes it.
fn written(span: Option<Span>) -> String {
    span.map_or_else(|| "never".into(), |span| span.to_string())
}

fn or_never<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(*span))
}
