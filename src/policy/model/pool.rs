//! `[[pool]]`: sessions of one kind with one set of rules.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::policy::schedule::Schedule;
use crate::units::{Minutes, PoolName, Region, Size, Span};

use super::budget::Budget;

/// Sessions of one kind with one set of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name, unique in the policy.
    pub name: PoolName,
    /// The size to ask for.
    pub size: Size,
    /// Sizes to ask for when the one before it cannot be had, in order.
    pub fallback_sizes: Vec<Size>,
    /// Where to ask, in order, when the region before it has no servers or does not answer; none
    /// for `service.region`.
    pub regions: Vec<Region>,
    /// Slots kept filled while the schedule is open.
    pub min: u32,
    /// The most slots the pool may have. Never below `min`.
    pub max: u32,
    /// Sessions kept Ready and unheld, for instant acquire.
    pub spare: u32,
    /// How far ahead each lease reaches, 1 to 1439 minutes.
    pub lease: Minutes,
    /// How long a session may be idle; `None` for ever.
    pub idle_timeout: Option<Span>,
    /// How long a session may live; never above the service's cap.
    pub max_lifetime: Minutes,
    /// How long a session may be Starting before it is given up.
    pub boot_timeout: Span,
    /// When the pool is open.
    pub schedule: Schedule,
    /// Bounds on what this pool may spend.
    pub budget: Budget,
    /// What to do with sessions that no longer fit the budget.
    pub over_budget: OverBudget,
    /// What to do with sessions when the daemon ends.
    pub on_exit: OnExit,
    /// What counts as activity, besides a client's acquire.
    pub activity: BTreeSet<ActivitySource>,
}

impl Pool {
    /// All sizes to ask for, in order.
    pub fn sizes(&self) -> impl Iterator<Item = &Size> {
        std::iter::once(&self.size).chain(&self.fallback_sizes)
    }
}

/// What to do with sessions that no longer fit the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverBudget {
    /// Stop them until the rest fits.
    #[default]
    Stop,
    /// Let their leases run out.
    LetLeaseEnd,
}

/// What to do with sessions when the daemon ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// Leave them: each lives until its lease ends, or until the daemon is back.
    #[default]
    Leave,
    /// Stop them.
    Stop,
}

/// One thing that counts as activity. In paths and words, `{session}` and `{pool}` stand for those
/// of the session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivitySource {
    /// `leasekeeper touch` and the control API's touch.
    Heartbeat,
    /// A TCP connection from this machine to the session's server.
    Sockets,
    /// A file was changed.
    File(PathBuf),
    /// A command ends with exit status 0.
    Command(Vec<String>),
}
