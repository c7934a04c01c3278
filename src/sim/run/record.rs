//! The record: what a run leaves behind for its report. Plain data, in true time, without any
//! reckoning.

use std::collections::BTreeMap;

use crate::keeper::Status;
use crate::units::{Minutes, Price, SessionId, Size, SlotId, Span, Timestamp};

use crate::sim::usage::Visit;

/// What a run leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When the run began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// Every session, in the order in which they were asked for.
    pub sessions: Vec<Lived>,
    /// Every visit and what came of it, in the order in which they began.
    pub visits: Vec<Visited>,
    /// When a budget kept a slot empty.
    pub unaffordable: Vec<(SlotId, Timestamp, Timestamp)>,
    /// The longest that any session would have gone on billing if the daemon had died.
    pub exposure: Option<Exposure>,
    /// How often each reason was given for something that was done or kept from being done, by its
    /// name.
    pub reasons: BTreeMap<String, u64>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lived {
    /// Its id.
    pub id: SessionId,
    /// The slot it filled.
    pub slot: SlotId,
    /// The kind of server.
    pub size: Size,
    /// The price of an hour.
    pub price: Price,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it became Ready, if it did.
    pub ready: Option<Timestamp>,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// How it ended, or where it was at the end of the run.
    pub status: Status,
    /// Why it was asked for: the reason's name.
    pub started_by: String,
    /// Why it was stopped: the reason's name. `None` where nobody stopped it.
    pub stopped_by: Option<String>,
    /// Who held it, and when, in order.
    pub used: Vec<Use>,
}

/// One client's hold on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The client's name for itself.
    pub client: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when: given back, or ended under it, or the end of the run.
    pub to: Timestamp,
}

/// A visit, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visited {
    /// The visit as it was planned.
    pub visit: Visit,
    /// How long the client waited for its first session: nothing where one was there (warm); `None`
    /// where it never got one.
    pub waited: Option<Span>,
    /// How often its session ended under it.
    pub lost: u32,
}

/// How long a session would have gone on billing if the daemon had died at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The session.
    pub session: SessionId,
    /// The slot it filled.
    pub slot: SlotId,
    /// The pool's lease.
    pub lease: Minutes,
    /// The instant.
    pub at: Timestamp,
    /// How long.
    pub length: Span,
}
