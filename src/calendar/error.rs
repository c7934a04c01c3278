//! Why a text is no calendar that can be used.

use std::fmt;

/// What is wrong in a calendar, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadCalendar {
    /// The line, from 1: where the component begins that is meant.
    pub line: usize,
    /// The event's own name, where it is about one that has a name.
    pub event: Option<String>,
    /// What is wrong.
    pub flaw: Flaw,
}

impl BadCalendar {
    pub(super) fn at(line: usize, flaw: Flaw) -> Self {
        Self {
            line,
            event: None,
            flaw,
        }
    }
}

impl fmt::Display for BadCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(event) = &self.event {
            write!(f, "the event {event:?}: ")?;
        }
        self.flaw.fmt(f)
    }
}

/// What is wrong in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Something else than `BEGIN:VCALENDAR` comes first, or nothing.
    #[error("this is not an iCalendar file, which begins with BEGIN:VCALENDAR")]
    NoCalendar,
    /// A component is ended that is not the one that has begun last.
    #[error("END:{component} ends what has not begun")]
    WrongEnd {
        /// Its name.
        component: String,
    },
    /// A component is not ended.
    #[error("BEGIN:{component} has no END:{component}; is the file whole?")]
    Unended {
        /// Its name.
        component: String,
    },
    /// An event without a beginning.
    #[error("it has no DTSTART that is a date or a time")]
    NoStart,
    /// A property that is there and cannot be read.
    #[error("its {property} cannot be read")]
    Unreadable {
        /// The property's name.
        property: &'static str,
    },
    /// An event that ends before it begins.
    #[error("it ends before it begins")]
    Backwards,
    /// A time zone that nobody knows.
    #[error(
        "its time zone {zone:?} is not known; use an IANA name such as Europe/Berlin, or one of \
         Windows"
    )]
    UnknownZone {
        /// What the file calls it.
        zone: String,
    },
    /// A change of all later occurrences.
    #[error("RANGE=THISANDFUTURE is not supported; end the series and begin another one")]
    ThisAndFuture,
    /// A recurrence rule that makes no sense.
    #[error("its recurrence rule cannot be used: {why}")]
    Rule {
        /// Why not.
        why: String,
    },
    /// More than anybody plans with.
    #[error("the calendar has more than {most} {what}")]
    TooMany {
        /// How many there may be.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}
