//! Why: every decision's reason, as data.
//!
//! A reason carries its numbers and owns all that follows from it: its sentence, its short label,
//! its level, and what a stop for it does to the slot. [`ReasonKind`] is derived from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, EnumString, IntoStaticStr};

use crate::units::{Currency, Minutes, Money, Region, SessionId, Span, Timestamp};

use super::level::Level;
use super::scope::BudgetName;

/// What becomes of a slot, besides its session, when the session is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotEffect {
    /// It is filled again if the pool wants it.
    Refill,
    /// Whoever asked for it has to ask again.
    ForgetWish,
    /// The same, and it stays empty until a client asks, the schedule opens, or a person wakes it.
    Park,
    /// The stop is a failure: the next try waits, each time longer.
    BackOff,
}

/// Why something is done, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[cfg_attr(feature = "daemon", derive(utoipa::ToSchema))]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[strum_discriminants(
    name(ReasonKind),
    doc = "Which reason it is, without its numbers.",
    derive(PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr),
    strum(serialize_all = "kebab-case")
)]
pub enum Reason {
    /// The policy keeps this slot filled.
    Wanted {
        /// The pool's `min`.
        min: u32,
    },
    /// Sessions in use plus spares need one more.
    Demand {
        /// Sessions in use.
        in_use: u32,
        /// The pool's `spare`.
        spare: u32,
    },
    /// A client or a person asked for this slot.
    #[serde(alias = "asked")]
    Requested,
    /// The reply to an earlier create was lost, and the service does not know the session.
    CreateUnanswered {
        /// When it was first asked for.
        since: Timestamp,
    },
    /// A session is near the end of its life, and its successor must be Ready by then.
    Successor {
        /// The session to be succeeded.
        of: SessionId,
        /// When that one ends at the latest.
        ends: Timestamp,
    },
    /// Half of the lease or less is left.
    LeaseHalfSpent {
        /// What is left at the least.
        left: Span,
        /// The pool's lease.
        lease: Minutes,
    },
    /// The lease is renewed, but by less than a whole lease, because a budget allows no more.
    LeaseShortened {
        /// The budget that bounds it.
        budget: BudgetName,
        /// The lease that was wanted.
        wanted: Minutes,
    },
    /// Nothing is due.
    #[serde(alias = "kept")]
    NotDue {
        /// When the lease is to be renewed.
        renew_at: Timestamp,
    },
    /// A server is being found and booted.
    Booting {
        /// Since when.
        since: Timestamp,
        /// When it is given up.
        until: Timestamp,
    },
    /// The lease cannot or need not be renewed, and ends by itself.
    RunsOut {
        /// When it ends at the latest.
        ends: Timestamp,
    },
    /// Nobody has used the session for the pool's `idle_timeout`.
    Idle {
        /// Since when.
        since: Timestamp,
        /// The pool's `idle_timeout`.
        timeout: Span,
    },
    /// Nobody has used the session since it became Ready.
    NeverUsed {
        /// Since when it is Ready.
        since: Timestamp,
        /// The pool's `first_use_timeout`.
        timeout: Span,
    },
    /// One client has held the session as long as the pool allows.
    HeldTooLong {
        /// The client.
        client: String,
        /// Since when.
        since: Timestamp,
        /// The pool's `max_hold`.
        limit: Span,
    },
    /// The schedule is closed.
    ScheduleClosed {
        /// When it opens next, if ever.
        opens: Option<Timestamp>,
    },
    /// Nobody took it from the stock.
    NotTaken {
        /// Since when it waited.
        since: Timestamp,
        /// The pool's `spare_ttl`.
        ttl: Span,
    },
    /// A budget does not allow it.
    Budget {
        /// Which budget.
        budget: BudgetName,
        /// Its bound.
        limit: Money,
        /// What is spent and reserved already.
        committed: Money,
        /// What it would cost besides.
        request: Money,
        /// The currency of all three.
        currency: Currency,
        /// When the budget's next period begins; `None` for a bound that frees itself as leases
        /// run down.
        until: Option<Timestamp>,
    },
    /// A budget is exceeded, because it was lowered, a price was raised, or an outsider extended a
    /// session.
    OverBudget {
        /// Which budget.
        budget: BudgetName,
        /// Its bound.
        limit: Money,
        /// What is spent and reserved for certain.
        committed: Money,
        /// The currency of both.
        currency: Currency,
    },
    /// The policy has no such pool any more.
    PoolRemoved,
    /// The pool has no such slot any more.
    BeyondMax {
        /// The pool's `max`.
        max: u32,
    },
    /// More sessions than `min`, use and spares need, in a pool without an idle timeout.
    Surplus,
    /// The session has lived as long as it may.
    MaxLifetime {
        /// How long that is.
        lifetime: Minutes,
    },
    /// Its successor is Ready and nobody uses it.
    RolledOver {
        /// The successor.
        to: SessionId,
    },
    /// The session did not become Ready in time.
    BootTimeout {
        /// The pool's `boot_timeout`.
        timeout: Span,
    },
    /// Another session fills the same slot.
    Duplicate {
        /// The one that stays.
        of: SessionId,
    },
    /// A person parked the slot.
    ParkedByPerson {
        /// Since when.
        since: Timestamp,
    },
    /// Creating a session failed, and is tried again later.
    Backoff {
        /// How often in a row it failed.
        failures: u32,
        /// When it is tried again.
        until: Timestamp,
        /// What happened the last time.
        last: String,
    },
    /// A stop was asked for, and the service has not reported the end yet.
    Stopping {
        /// Since when.
        since: Timestamp,
    },
    /// The daemon ends, and the pool says `on_exit = "stop"`, or the session's server ends with it.
    Exit,
    /// The service could not be listed, and nothing is created blindly.
    #[serde(alias = "blind")]
    ServiceUnreachable {
        /// What the service, or the way to it, said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<String>,
    },
    /// A region has not answered since the start, and may hold a session of this slot.
    #[serde(alias = "region-unheard")]
    RegionNotListed {
        /// The region.
        region: Region,
    },
    /// The slot is not needed now.
    NotNeeded,
}

impl Reason {
    /// Which reason it is, without its numbers.
    pub fn kind(&self) -> ReasonKind {
        self.into()
    }

    /// How loud it is where a slot is parked or a session stopped for it.
    pub const fn level(&self) -> Level {
        match self {
            Self::OverBudget { .. }
            | Self::Budget { .. }
            | Self::BootTimeout { .. }
            | Self::Duplicate { .. }
            | Self::Backoff { .. }
            | Self::ServiceUnreachable { .. }
            | Self::RegionNotListed { .. } => Level::Warn,
            _ => Level::Info,
        }
    }

    /// What a stop for this reason does to the slot.
    pub const fn slot_effect(&self) -> SlotEffect {
        match self {
            Self::Idle { .. } | Self::NeverUsed { .. } | Self::NotTaken { .. } => SlotEffect::Park,
            Self::ScheduleClosed { .. }
            | Self::ParkedByPerson { .. }
            | Self::HeldTooLong { .. } => SlotEffect::ForgetWish,
            Self::BootTimeout { .. } => SlotEffect::BackOff,
            _ => SlotEffect::Refill,
        }
    }
}

impl ReasonKind {
    /// The kind as JSON and reports name it: `lease-half-spent`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// In a few words, for the rows of a table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wanted => "the policy keeps so many (min)",
            Self::Demand => "use and spares needed one more",
            Self::Requested => "a client asked",
            Self::Successor => "to succeed one near its end",
            Self::CreateUnanswered => "an earlier create was never answered",
            Self::NeverUsed => "nobody used it",
            Self::NotTaken => "nobody took it from the stock",
            Self::HeldTooLong => "one client held it long enough",
            Self::ScheduleClosed => "the schedule closed",
            Self::OverBudget => "a budget was exceeded",
            Self::Surplus => "more than the pool needed",
            Self::MaxLifetime => "had lived as long as it may",
            Self::RolledOver => "succeeded by another",
            Self::BootTimeout => "did not become Ready in time",
            Self::Duplicate => "another filled the slot already",
            other => other.name(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted { min } => write!(f, "the policy keeps {min} filled"),
            Self::Demand { in_use, spare } => write!(f, "{in_use} in use and {spare} spare wanted"),
            Self::Requested => write!(f, "it was asked for"),
            Self::CreateUnanswered { since } => write!(f, "the create of {since} was not answered"),
            Self::Successor { of, ends } => write!(f, "succeeds {of}, which ends by {ends}"),
            Self::LeaseHalfSpent { left, lease } if left.as_millis() <= 0 => {
                write!(f, "nothing may be left of its {lease} lease")
            }
            Self::LeaseHalfSpent { left, lease } => {
                write!(f, "{} left of its {lease} lease", whole(*left))
            }
            Self::LeaseShortened { budget, wanted } => {
                write!(f, "the {budget} allows less than {wanted}")
            }
            Self::NotDue { renew_at } => write!(f, "kept; renewal at {renew_at}"),
            Self::Booting { since, until } => {
                write!(f, "booting since {since}; given up at {until}")
            }
            Self::RunsOut { ends } => write!(f, "its lease runs out by {ends}"),
            Self::Idle { since, timeout } => write!(f, "idle since {since}, longer than {timeout}"),
            Self::NeverUsed { since, timeout } => {
                write!(f, "Ready since {since} and not used within {timeout}")
            }
            Self::NotTaken { since, ttl } => {
                write!(f, "in stock since {since} and not taken within {ttl}")
            }
            Self::HeldTooLong {
                client,
                since,
                limit,
            } => {
                write!(f, "held by {client} since {since}, and {limit} is the most")
            }
            Self::ScheduleClosed { opens: Some(at) } => write!(f, "out of schedule until {at}"),
            Self::ScheduleClosed { opens: None } => write!(f, "out of schedule"),
            Self::Budget {
                budget,
                limit,
                committed,
                request,
                currency,
                until,
            } => {
                write!(
                    f,
                    "the {budget} of {limit} {currency} has {committed} committed \
                     and cannot take {request} more; "
                )?;
                match until {
                    Some(at) => write!(f, "it begins again at {at}"),
                    None => write!(f, "it frees itself as leases run down"),
                }
            }
            Self::OverBudget {
                budget,
                limit,
                committed,
                currency,
            } => {
                write!(
                    f,
                    "the {budget} of {limit} {currency} is exceeded: {committed} committed"
                )
            }
            Self::PoolRemoved => write!(f, "the policy has no such pool"),
            Self::BeyondMax { max: 1 } => write!(f, "the pool has only one slot"),
            Self::BeyondMax { max } => write!(f, "the pool has only {max} slots"),
            Self::Surplus => write!(f, "more than the pool needs"),
            Self::MaxLifetime { lifetime } => write!(f, "has lived its {lifetime}"),
            Self::RolledOver { to } => write!(f, "succeeded by {to}"),
            Self::BootTimeout { timeout } => write!(f, "not Ready within {timeout}"),
            Self::Duplicate { of } => write!(f, "{of} fills the slot already"),
            Self::ParkedByPerson { since } => write!(f, "parked by hand since {since}"),
            Self::Backoff {
                failures,
                until,
                last,
            } => {
                write!(
                    f,
                    "failed {failures} time{}, next try at {until}: {last}",
                    if *failures == 1 { "" } else { "s" }
                )
            }
            Self::Stopping { since } => {
                write!(f, "stop asked for at {since}, end not reported yet")
            }
            Self::Exit => write!(f, "the daemon ends, and the session with it"),
            Self::ServiceUnreachable { said } => {
                let said = said.as_deref().unwrap_or("the service does not answer");
                write!(f, "{said}; nothing is created blindly")
            }
            Self::RegionNotListed { region } => {
                write!(
                    f,
                    "{region} has not answered since the start, and may hold a session of this slot"
                )
            }
            Self::NotNeeded => write!(f, "not needed now"),
        }
    }
}

/// A span without its milliseconds, which no reader wants.
fn whole(span: Span) -> Span {
    Span::seconds(span.as_secs())
}
