//! Events: what happened to a slot or a session, as data, and its one rendering in words.
//!
//! Every change of memory returns its events. The daemon logs each as one line and the ledger keeps
//! them, so that the log and `why` tell the same story.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::ActivitySource;
use crate::units::{Currency, Minutes, Money, Region, SessionId, Size, SlotId, Span, Timestamp};

use super::address::Address;
use super::level::Level;
use super::observation::Operation;
use super::reason::Reason;
use super::scope::BudgetName;
use super::session::Status;

/// One thing that happened, when, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    },
    /// A client gave a session back.
    Released {
        /// The client's name for itself.
        client: String,
    },
    /// Readings contradicted each other; the lease clock begins again.
    ClockReset,
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
            | Self::BudgetAlert { .. }
            | Self::Unmanaged { .. }
            | Self::UnknownWord { .. }
            | Self::Ended { certain: false, .. }
            | Self::Ended {
                status: Status::Error,
                ..
            } => Level::Warn,
            Self::LeaseAlarm { .. } | Self::ActivityAlarm { .. } | Self::AuditFailed { .. } => {
                Level::Error
            }
            _ => Level::Info,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating {
                region: None,
                size,
                lease,
                why,
            } => {
                write!(f, "creating a {size} session, lease {lease}: {why}")
            }
            Self::Creating {
                region: Some(region),
                size,
                lease,
                why,
            } => {
                write!(
                    f,
                    "creating a {size} session in {region}, lease {lease}: {why}"
                )
            }
            Self::Extending { from, to, why } => {
                write!(f, "extending the lease {from} → {to}: {why}")
            }
            Self::Stopping { why } => write!(f, "stopping: {why}"),
            Self::Booting => write!(f, "booting"),
            Self::Ready {
                address,
                after,
                ends,
            } => {
                write!(f, "Ready after {}", Span::seconds(after.as_secs()))?;
                if let Some(a) = address {
                    write!(f, " at {a}")?;
                }
                write!(f, ", lease ends by {ends}")
            }
            Self::Renewed { to, ends } => write!(f, "lease renewed to {to}, ends by {ends}"),
            Self::Adopted { status, lease } => {
                write!(f, "adopted: {status}, lease {lease}; counted as active now")
            }
            Self::Ended {
                status,
                minutes,
                cost,
                currency,
                certain,
                error,
            } => {
                let most = if *certain { "" } else { "at most " };
                write!(f, "ended {status} after {most}{minutes} billed")?;
                if let (Some(cost), Some(currency)) = (cost, currency) {
                    write!(f, ", {cost} {currency}")?;
                }
                error.as_ref().map_or(Ok(()), |e| write!(f, ": {e}"))
            }
            Self::NeverCreated => write!(f, "never came to be"),
            Self::Failed {
                message,
                retry: Some(at),
                ..
            } => write!(f, "{message}; next try at {at}"),
            Self::Failed {
                message,
                retry: None,
                ..
            } => f.write_str(message),
            Self::Parked { why } => write!(f, "parked: {why}"),
            Self::Woken { by } => write!(f, "woken by {by}"),
            Self::Held { client } => write!(f, "acquired by {client}"),
            Self::Released { client } => write!(f, "released by {client}"),
            Self::ClockReset => {
                write!(
                    f,
                    "readings of its elapsed time contradict each other; measuring its lease afresh"
                )
            }
            Self::ActivityUnknown {
                source,
                message,
                until,
            } => {
                write!(f, "the activity source `{source}` cannot say: {message}")?;
                match until {
                    Some(until) => write!(f, "; it counts as use until {until}"),
                    None => Ok(()),
                }
            }
            Self::ActivityAlarm { source, since } => write!(
                f,
                "the activity source `{source}` has not been able to say since {since}, and counts \
                 as use no more"
            ),
            Self::ActivityKnown { source } => {
                write!(f, "the activity source `{source}` answers again")
            }
            Self::LeaseAlarm { ends } => write!(
                f,
                "its lease may end at {ends} and could not be renewed yet"
            ),
            Self::BudgetAlert {
                budget,
                percent,
                committed,
                limit,
                currency,
            } => {
                write!(
                    f,
                    "the {budget} is {percent}% committed: {committed} of {limit} {currency}"
                )
            }
            Self::Unmanaged { status } => write!(f, "not ours and left alone: {status}"),
            Self::UnknownWord { word } => {
                write!(
                    f,
                    "the service says {word:?}, which this version does not know; treated as live \
                     and billing"
                )
            }
            Self::AuditFailed { message } => write!(
                f,
                "a planned action failed its audit and was left out: {message}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_tells_what_it_cost_where_there_is_a_price() {
        let told = |cost: Option<&str>| {
            let ended = EventKind::Ended {
                status: Status::Stopped,
                minutes: Minutes::new(20),
                cost: cost.and_then(|cost| cost.parse().ok()),
                currency: cost.map(|_| Currency("EUR".into())),
                certain: false,
                error: None,
            };
            ended.to_string()
        };
        let minutes = "ended Stopped after at most 20m billed";
        assert_eq!(told(Some("1.00")), format!("{minutes}, 1.00 EUR"));
        assert_eq!(told(None), minutes);
    }
}
