//! Events: what happened to a slot or a session, as data. `event_text` says it in words.
//!
//! Every change of memory returns its events. The daemon logs each as one line and the ledger keeps
//! them, so that the log and `why` tell the same story.

use serde::{Deserialize, Serialize};

use crate::policy::ActivitySource;
use crate::units::{
    Currency, Minutes, Money, PoolName, Region, SessionId, Size, SlotId, Span, TeamName, Timestamp,
};

use super::address::Address;
use super::hold::HoldRule;
use super::level::Level;
use super::observation::Operation;
use super::reason::Reason;
use super::scope::BudgetName;
use super::session::Status;

/// One thing that happened, when, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which slot, if to one.
    pub slot: Option<SlotId>,
    /// To which session, if to one.
    pub session: Option<SessionId>,
    /// What.
    #[serde(flatten)]
    pub what: EventKind,
}

impl Event {
    /// The pool that it is about, if it is about one.
    pub fn pool(&self) -> Option<&PoolName> {
        match &self.what {
            EventKind::Queued { pool, .. }
            | EventKind::LeftQueue { pool, .. }
            | EventKind::Renamed { to: pool, .. } => Some(pool),
            _ => self.slot.as_ref().map(|slot| &slot.pool),
        }
    }

    /// What happened to a session in its slot.
    pub(super) fn about(at: Timestamp, slot: &SlotId, id: &SessionId, what: EventKind) -> Self {
        Self {
            at,
            slot: Some(slot.clone()),
            session: Some(id.clone()),
            what,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A create is about to be sent.
    Creating {
        /// Where it is asked for, where the policy names more than one region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
        /// The size asked for.
        size: Size,
        /// The lease asked for.
        lease: Minutes,
        /// Why.
        why: Reason,
    },
    /// An extension is about to be sent.
    Extending {
        /// The total granted so far.
        from: Minutes,
        /// The total asked for.
        to: Minutes,
        /// Why.
        why: Reason,
    },
    /// A stop is about to be sent.
    Stopping {
        /// Why.
        why: Reason,
    },
    /// The service has taken the create; a server is being booted.
    Booting,
    /// A session became Ready.
    Ready {
        /// Where a client connects.
        address: Option<Address>,
        /// How long it took since it was asked for.
        after: Span,
        /// When its lease ends at the latest.
        ends: Timestamp,
    },
    /// A lease was renewed.
    Renewed {
        /// The total now.
        to: Minutes,
        /// When it ends at the latest.
        ends: Timestamp,
    },
    /// A session of ours was found that this ledger did not know.
    Adopted {
        /// Where it is in its life.
        status: Status,
        /// Its lease.
        lease: Minutes,
    },
    /// A session ended.
    Ended {
        /// How.
        status: Status,
        /// Minutes billed.
        minutes: Minutes,
        /// What they cost; `None` where the policy named no price.
        cost: Option<Money>,
        /// The currency of it.
        currency: Option<Currency>,
        /// The service's own account; else the most it can have been.
        certain: bool,
        /// The service's error, where it sent one.
        error: Option<String>,
    },
    /// A create that was never answered had not taken effect, and is not needed any more.
    NeverCreated,
    /// A request failed.
    Failed {
        /// Which.
        operation: Operation,
        /// What happened.
        message: String,
        /// When it is tried again, where that is known.
        retry: Option<Timestamp>,
    },
    /// Sessions of a slot fail again and again, or cannot be had.
    SlotAlarm {
        /// How often in a row.
        failures: u32,
    },
    /// A slot is kept empty from now on.
    Parked {
        /// Why.
        why: Reason,
    },
    /// A slot may be filled again.
    Woken {
        /// By whom or what.
        by: String,
    },
    /// A client acquired a session.
    Held {
        /// The client's name for itself.
        client: String,
        /// The team that the hold counts to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamName>,
    },
    /// A client waits for a session of a pool.
    Queued {
        /// The client's name for itself.
        client: String,
        /// The pool.
        pool: PoolName,
        /// Its place in the queue, from 1.
        place: u32,
    },
    /// A client waits no more.
    LeftQueue {
        /// The client's name for itself.
        client: String,
        /// The pool.
        pool: PoolName,
    },
    /// A client that held a session gave no sign for as long as the pool allows.
    HoldLapsed {
        /// The client's name for itself.
        client: String,
        /// Since when it gave no sign.
        since: Timestamp,
    },
    /// A client gave a session back.
    Released {
        /// The client's name for itself.
        client: String,
    },
    /// A hold is about to end.
    Warned {
        /// The client's name for itself.
        client: String,
        /// When.
        ends: Timestamp,
        /// By which rule.
        by: HoldRule,
        /// What one more hour costs; `None` where the policy names no price.
        hour: Option<Money>,
        /// The currency of it.
        currency: Option<Currency>,
    },
    /// A client asked to stay, and may.
    Snoozed {
        /// The client's name for itself.
        client: String,
        /// Until when.
        until: Timestamp,
    },
    /// A session is to stop, and its pool's hook runs before.
    Preparing {
        /// Why.
        why: Reason,
        /// When it is stopped whether or not the hook has ended.
        by: Timestamp,
    },
    /// A pool is called otherwise now, and keeps what it had.
    Renamed {
        /// Its former name.
        from: PoolName,
        /// Its name.
        to: PoolName,
    },
    /// Readings contradicted each other; the lease clock begins again.
    ClockReset,
    /// The service says numbers of a session that cannot be; they are passed over.
    Incredible {
        /// The minutes in Ready that it says.
        elapsed: Minutes,
        /// The lease that it says.
        lease: Minutes,
    },
    /// An activity source of a session cannot say whether it is used.
    ActivityUnknown {
        /// Which source.
        source: ActivitySource,
        /// What is wrong with it.
        message: String,
        /// Until when it counts as use; `None` where that has no end.
        until: Option<Timestamp>,
    },
    /// An activity source could not say for as long as the pool allows, and counts as use no more.
    ActivityAlarm {
        /// Which source.
        source: ActivitySource,
        /// Since when it cannot say.
        since: Timestamp,
    },
    /// An activity source of a session answers again.
    ActivityKnown {
        /// Which source.
        source: ActivitySource,
    },
    /// An eighth of a lease or less is left, and it could not be renewed.
    LeaseAlarm {
        /// When it ends at the earliest.
        ends: Timestamp,
    },
    /// A budget has reached one of its alert lines.
    BudgetAlert {
        /// Which budget.
        budget: BudgetName,
        /// The share reached, in percent.
        percent: u32,
        /// What is spent and reserved.
        committed: Money,
        /// The bound.
        limit: Money,
        /// The currency of both.
        currency: Currency,
    },
    /// The account has a live session that is not ours.
    Unmanaged {
        /// Where it is in its life.
        status: Status,
    },
    /// The account has a status or a size that this version does not know.
    UnknownWord {
        /// The service's word.
        word: String,
    },
    /// A plan failed its audit, and the action was left out.
    AuditFailed {
        /// What the audit said.
        message: String,
    },
}

impl EventKind {
    /// How loud it is.
    pub const fn level(&self) -> Level {
        match self {
            Self::Failed { .. }
            | Self::ActivityUnknown { .. }
            | Self::ClockReset
            | Self::Incredible { .. }
            | Self::BudgetAlert { .. }
            | Self::Unmanaged { .. }
            | Self::UnknownWord { .. }
            | Self::Ended { certain: false, .. }
            | Self::Ended {
                status: Status::Error,
                ..
            } => Level::Warn,
            Self::LeaseAlarm { .. }
            | Self::SlotAlarm { .. }
            | Self::ActivityAlarm { .. }
            | Self::AuditFailed { .. } => Level::Error,
            _ => Level::Info,
        }
    }
}
