//! Calendars: iCalendar files (RFC 5545), as calendar programs export them and keep them.
//!
//! A calendar is read into the times at which its events take place within a horizon: recurring
//! events are expanded, moved occurrences stand where they were moved to, cancelled ones nowhere.
//! Promises: no text makes it panic, or take long: files, events, rules and occurrences are
//! bounded, and what is beyond a bound is refused and never left out. May know the policy that
//! names the calendars, and nothing of the daemon.

mod book;
mod error;
mod event;
mod expand;
mod moment;
mod outline;
mod rule;
#[cfg(test)]
mod tests;

pub use book::{CalendarBook, CalendarError, News, with_calendars};
pub use error::{BadCalendar, Flaw};
pub use expand::{DefaultZones, Horizon, Occurrence, occurrences};
