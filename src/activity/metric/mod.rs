//! A figure of a page on the network: how busy a GPU is, how many players watch a stream.
//!
//! A page is read once a round for all sessions that share it. Promises: no more than
//! [`LARGEST_PAGE`] of it is read, no redirect is followed, and the figure is used only where it is
//! the one that is meant: a page that cannot be read, a figure that is missing, that stands there
//! more than once or that is no number says nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::keeper::Evidence;
use crate::policy::{Figure, Metric, UsedWhen};
use crate::units::{SessionId, Timestamp};

use super::source::{LookError, Seen, Source, Watched, filled};
use exposition::samples;
use page::{Pages, page_url};

mod exposition;
mod page;

/// One figure, for each session.
pub(super) struct MetricSource {
    metric: Metric,
    pages: Pages,
    /// What was read in this round, by its URL.
    read: Mutex<BTreeMap<String, Arc<OnceCell<String>>>>,
    /// What the figure was when it could last be read.
    last: Mutex<BTreeMap<SessionId, Reading>>,
}

/// What a figure is.
#[derive(Clone, Debug, PartialEq)]
enum Reading {
    Number(f64),
    Flag(bool),
    Text(String),
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            // What it says may be nobody's business.
            Self::Text(_) => f.write_str("a text"),
        }
    }
}

impl MetricSource {
    pub(super) fn new(metric: &Metric) -> Self {
        Self {
            metric: metric.clone(),
            pages: Pages::default(),
            read: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// Whether what a figure is now shows use.
    fn judge(&self, session: &Watched, now: &Reading) -> Result<Seen, LookError> {
        let is_used = match (self.metric.used_when, now) {
            (UsedWhen::Above(least), Reading::Number(number)) => *number > least.get(),
            (UsedWhen::Above(_), other) => {
                let why = format!("{} is {other}, and no number", self.metric.figure);
                return Err(LookError::NoAnswer(why));
            }
            (UsedWhen::Changes, _) => {
                let before = lock(&self.last).insert(session.id.clone(), now.clone());
                match before {
                    None => return Ok(Seen::NotYet),
                    Some(before) => before != *now,
                }
            }
        };
        let saw = Some(Evidence::Figure {
            value: now.to_string(),
        });
        Ok(match is_used {
            true => Seen::Used(saw),
            false => Seen::Unused(saw),
        })
    }
}

#[async_trait::async_trait]
impl Source for MetricSource {
    async fn prepare(&self, sessions: &[Watched], _: Timestamp) -> Result<(), LookError> {
        lock(&self.read).clear();
        lock(&self.last).retain(|id, _| sessions.iter().any(|session| session.id == *id));
        Ok(())
    }

    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        let url = page_url(&self.metric.url, session)?;
        let cell = lock(&self.read).entry(url.to_string()).or_default().clone();
        let page = cell.get_or_try_init(|| self.pages.get(&url)).await?;
        let reading = match &self.metric.figure {
            Figure::Sample { name, labels } => {
                let labels = labels.iter();
                let labels = labels.map(|(label, value)| (&**label, for_session(value, session)));
                sample(page, name, &labels.collect())
            }
            Figure::Pointer(pointer) => member(page, pointer),
        };
        self.judge(session, &reading.map_err(LookError::NoAnswer)?)
    }
}

/// A label's value, with what stands for the session's own names replaced by them.
fn for_session(text: &str, session: &Watched) -> String {
    let hostname = session.hostname.as_deref().unwrap_or_default();
    filled(text, session).replace("{hostname}", hostname)
}

/// The one sample of a page with a name and at least these labels. A label that is empty is as
/// good as none.
fn sample(page: &str, name: &str, labels: &BTreeMap<&str, String>) -> Result<Reading, String> {
    let samples = samples(page).map_err(|error| error.to_string())?;
    let mut meant = samples.iter().filter(|sample| {
        let has = |(label, value): (&&str, &String)| {
            sample.labels.get(*label).map_or("", String::as_str) == value
        };
        sample.name == name && labels.iter().all(has)
    });
    let one = meant
        .next()
        .ok_or_else(|| format!("the page has no sample of {name} with these labels"))?;
    let more = meant.count();
    if more > 0 {
        let all = more + 1;
        return Err(format!(
            "the page has {all} samples of {name} with these labels; name more labels"
        ));
    }
    if one.value.is_nan() {
        return Err(format!("{name} is not a number (NaN)"));
    }
    Ok(Reading::Number(one.value))
}

/// What a pointer leads to in a JSON document.
fn member(page: &str, pointer: &str) -> Result<Reading, String> {
    let document: serde_json::Value =
        serde_json::from_str(page).map_err(|error| format!("the page is not JSON: {error}"))?;
    let found = document
        .pointer(pointer)
        .ok_or_else(|| format!("the document has nothing at {pointer:?}"))?;
    match found {
        serde_json::Value::Bool(flag) => Ok(Reading::Flag(*flag)),
        serde_json::Value::String(text) => Ok(Reading::Text(text.clone())),
        serde_json::Value::Number(number) => number
            .as_f64()
            .map(Reading::Number)
            .ok_or_else(|| format!("{pointer:?} is a number that is too large")),
        serde_json::Value::Null => Err(format!("{pointer:?} is null")),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            Err(format!("{pointer:?} is no single value"))
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic ends the process (`panic = "abort"`).
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
