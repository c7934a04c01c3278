//! The calendars of a policy: read from their files, and their events given to its pools.
//!
//! Promises: a calendar that is unusable when it is first met is an error; where it becomes so
//! later its last good text stays in force, and that is told once. Files are read up to a length.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;

use crate::files;
use crate::policy::{Policy, Pool, Reservation};
use crate::report::{Hint, line};
use crate::units::Timestamp;

use super::error::BadCalendar;
use super::expand::{DefaultZones, Horizon, Occurrence, occurrences};

/// More of a file than this is not even read.
const LARGEST_CALENDAR: u64 = 4 * 1024 * 1024;

/// Why a calendar cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The file cannot be read.
    #[error("cannot read the calendar {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file can be read, and is no calendar that can be used.
    #[error("cannot use the calendar {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: BadCalendar,
    },
}

impl CalendarError {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::Invalid { path, .. } => path,
        }
    }

    /// The line, from 1, where it can be told.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Read { .. } => None,
            Self::Invalid { source, .. } => Some(source.line),
        }
    }
}

impl Hint for CalendarError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Read { .. } => {
                "the pool's calendars must be there, and readable for whoever runs this; relative \
                 paths begin where the policy file is"
            }
            Self::Invalid { .. } => "export the calendar anew, or correct the event",
        };
        Some(hint.into())
    }
}

/// The texts of calendars, by the paths that the policy writes.
type Texts = BTreeMap<PathBuf, Arc<str>>;

/// A policy with the events of the calendars that it names, which are read now.
///
/// # Errors
/// If one of them cannot be read or used.
pub fn with_calendars(
    policy: Policy,
    policy_file: &Path,
    horizon: Horizon,
) -> Result<Policy, CalendarError> {
    let book = CalendarBook::beside(policy_file);
    let read = |path: &PathBuf| Ok((path.clone(), book.read(path)?));
    let texts = paths(&policy).map(read).collect::<Result<_, _>>()?;
    book.attach(policy, &texts, horizon)
}

/// Every calendar that a policy names.
fn paths(policy: &Policy) -> impl Iterator<Item = &PathBuf> {
    let pools = policy.pools.iter();
    pools.flat_map(|pool| pool.holidays.iter().chain(&pool.reservations))
}

/// The calendars of a policy file, as they were last usable.
#[derive(Debug)]
pub struct CalendarBook {
    folder: PathBuf,
    texts: Texts,
    /// Why calendars are not as they were last read.
    failing: BTreeMap<PathBuf, String>,
    /// The policy that they were last given to, and for which time.
    given: Option<(Arc<Policy>, Horizon)>,
}

/// What is to be told of a calendar.
#[derive(Debug)]
pub enum News {
    /// It says something else.
    Changed(PathBuf),
    /// It cannot be read or used any more.
    Failed(CalendarError),
    /// It can be again.
    Recovered(PathBuf),
}

impl CalendarBook {
    /// The calendars of a policy file, none of which is read yet.
    pub fn beside(policy_file: &Path) -> Self {
        Self {
            folder: policy_file.parent().unwrap_or(Path::new("")).into(),
            texts: Texts::new(),
            failing: BTreeMap::new(),
            given: None,
        }
    }

    fn read(&self, path: &Path) -> Result<Arc<str>, CalendarError> {
        let path = self.folder.join(path);
        match files::read_string(&path, LARGEST_CALENDAR) {
            Ok(text) => Ok(text.into()),
            Err(source) => Err(CalendarError::Read { path, source }),
        }
    }

    /// Looks at the files again. Returns the policy where it is another one with what they say now,
    /// and what is to be told.
    pub fn refresh(&mut self, policy: &Arc<Policy>, now: Timestamp) -> (Option<Policy>, Vec<News>) {
        let horizon = Horizon::of(now);
        let mut news = Vec::new();
        let given = self.given.take();
        let mut current =
            given.is_some_and(|(to, until)| Arc::ptr_eq(&to, policy) && until == horizon);
        for path in paths(policy) {
            match self
                .read(path)
                .and_then(|text| self.checked(path, text, policy, horizon))
            {
                Ok(text) => {
                    let known = self.texts.insert(path.clone(), text.clone());
                    if known.as_ref() != Some(&text) {
                        current = false;
                        news.extend(known.map(|_| News::Changed(self.folder.join(path))));
                    }
                    let recovered = self.failing.remove(path).map(|_| self.folder.join(path));
                    news.extend(recovered.map(News::Recovered));
                }
                Err(error) => {
                    let why = line(&error);
                    if self.failing.insert(path.clone(), why.clone()) != Some(why) {
                        news.push(News::Failed(error));
                    }
                }
            }
        }
        self.given = Some((policy.clone(), horizon));
        let known = paths(policy).all(|path| self.texts.contains_key(path));
        if current || !known {
            return (None, news);
        }
        match self.attach(Policy::clone(policy), &self.texts, horizon) {
            Ok(attached) => (Some(attached).filter(|new| new != &**policy), news),
            Err(error) => {
                news.push(News::Failed(error));
                (None, news)
            }
        }
    }

    /// A text that has changed, if every pool that names it can use it.
    fn checked(
        &self,
        path: &PathBuf,
        text: Arc<str>,
        policy: &Policy,
        horizon: Horizon,
    ) -> Result<Arc<str>, CalendarError> {
        if self.texts.get(path) != Some(&text) {
            for pool in policy.pools.iter().filter(|p| names(p, path)) {
                self.events(path, &text, zones_of(pool, policy.time_zone), horizon)?;
            }
        }
        Ok(text)
    }

    /// Gives every pool the events of its calendars.
    fn attach(
        &self,
        mut policy: Policy,
        texts: &Texts,
        horizon: Horizon,
    ) -> Result<Policy, CalendarError> {
        let fallback = policy.time_zone;
        for pool in &mut policy.pools {
            let zones = zones_of(pool, fallback);
            let events = |paths: &[PathBuf]| -> Result<Vec<Occurrence>, CalendarError> {
                let mut all = Vec::new();
                for path in paths {
                    let text = texts.get(path).map_or("", |text| text);
                    all.extend(self.events(path, text, zones, horizon)?);
                }
                Ok(all)
            };
            let closed = events(&pool.holidays)?.into_iter();
            let closed = closed.map(|event| (event.from, event.to)).collect();
            let reserved = events(&pool.reservations)?.into_iter();
            let reserved = reserved.filter(|event| event.busy).map(reservation);
            pool.schedule = std::mem::take(&mut pool.schedule).with_holidays(closed);
            pool.book(reserved.collect());
        }
        Ok(policy)
    }

    fn events(
        &self,
        path: &Path,
        text: &str,
        zones: DefaultZones,
        horizon: Horizon,
    ) -> Result<Vec<Occurrence>, CalendarError> {
        occurrences(text, horizon, zones).map_err(|source| CalendarError::Invalid {
            path: self.folder.join(path),
            source,
        })
    }
}

fn names(pool: &Pool, path: &PathBuf) -> bool {
    pool.holidays.contains(path) || pool.reservations.contains(path)
}

fn reservation(event: Occurrence) -> Reservation {
    Reservation {
        from: event.from,
        to: event.to,
        uid: event.uid,
        summary: event.summary,
    }
}

/// A calendar's dates are days of the pool's schedule; a pool without windows has those of the
/// calendar, or else of the budgets.
fn zones_of(pool: &Pool, budgets: Tz) -> DefaultZones {
    DefaultZones {
        own: pool.schedule.zone(),
        last: budgets,
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
