//! One session of ours, as it is known: what the service said of it, what was asked for, and who
//! uses it.
//!
//! It decides nothing and reads no clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keeper::address::Address;
use crate::keeper::hold::{Hold, Use};
use crate::keeper::lease::LeaseClock;
use crate::keeper::mutation::{self, Mutation};
use crate::keeper::reason::{Reason, SlotEffect};
use crate::keeper::session::Status;
use crate::policy::{ActivitySource, ServiceIdentity};
use crate::units::{Minutes, Region, SessionId, Size, SlotId, Span, Timestamp};

use super::asking::WAIT_LASTS;
use super::report::SourceReport;

/// One session of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedSession {
    /// Its id.
    pub id: SessionId,
    /// The slot it fills, told by its id.
    pub slot: SlotId,
    /// Where it was asked for or seen, where the policy names more than one region.
    pub region: Option<Region>,
    /// The service and account that it lives on; `None` where an older ledger does not say.
    pub service: Option<ServiceIdentity>,
    /// The kind of server.
    pub size: Size,
    /// Where it is in its life, as the newest answer told.
    pub status: Status,
    /// Whether the service has ever told of it. Until then it is an intent, and its create may be
    /// repeated.
    pub seen: bool,
    /// For an intent: when the service last said that it knows no such session, since the create
    /// was last sent.
    pub absent: Option<Timestamp>,
    /// Whether the alarm of an unrenewed lease has been raised.
    pub alarmed: bool,
    /// The lease that the service has confirmed.
    pub granted: Minutes,
    /// The largest lease that may be in force: granted, or asked for and not yet refused. Budgets
    /// reckon with this.
    pub reserved: Minutes,
    /// Whole minutes in Ready, as the newest answer told.
    pub elapsed: Minutes,
    /// When it was asked for, or first seen where somebody else's memory asked for it.
    pub created: Timestamp,
    /// Between which instants it became Ready; `None` until known.
    pub clock: Option<LeaseClock>,
    /// By when it was Ready, as an earlier process knew it, or this one before its clock was set.
    /// Only accounts go by it: when it ends is measured afresh.
    pub ready_by: Option<Timestamp>,
    /// The latest instant at which an answer said that it was still Starting.
    pub starting_at: Option<Timestamp>,
    /// When the newest answer about it alone was asked for; a list counts less.
    pub last_read: Option<Timestamp>,
    /// Whether it was told that the service says numbers of it that cannot be.
    pub doubted: bool,
    /// Who holds it.
    pub hold: Option<Hold>,
    /// Who held it before, oldest first.
    pub uses: Vec<Use>,
    /// The last activity of a client.
    pub active: Option<Timestamp>,
    /// The activity sources that cannot say whether it is used. It begins anew with each process,
    /// as what they see does.
    pub unknown: BTreeMap<ActivitySource, UnknownSource>,
    /// What each activity source last said of it. It begins anew with each process too.
    pub reports: BTreeMap<ActivitySource, SourceReport>,
    /// When a client last gave it back; what was active before is over then.
    pub released: Option<Timestamp>,
    /// A stop that was asked for and has not ended it yet.
    pub stop: Option<StopAsked>,
    /// What failed lately about it: how often in a row, and when to try again.
    pub retry: Retry,
    /// Where a client connects.
    pub address: Option<Address>,
}

/// An activity source that cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSource {
    /// Since when.
    pub since: Timestamp,
    /// Until when it counts as use: the pool's `unknown_limit` later, where nobody can be idle
    /// there for ever.
    pub until: Option<Timestamp>,
    /// What is wrong with it; `None` while it has not answered at all yet.
    pub why: Option<String>,
    /// Whether it was reported that it counts as use no more.
    pub alarmed: bool,
}

/// A stop that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopAsked {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Not before this instant is the service asked, unless the pool's hook has ended: what it
    /// saves must still be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
}

/// Failures in a row, and when to try again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// How often in a row.
    pub failures: u32,
    /// Not before this instant.
    pub not_before: Option<Timestamp>,
}

impl Retry {
    /// Whether a try is allowed at an instant.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// One more failure at `now`: the next try waits twice as long as the one before, from `first`
    /// to `most`.
    pub fn failed(&mut self, now: Timestamp, first: Span, most: Span) {
        let doubled = first.times(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + doubled.min(most));
    }
}

impl ManagedSession {
    /// A session about to be asked for.
    pub(in crate::keeper) fn intended(
        id: SessionId,
        slot: SlotId,
        region: Option<Region>,
        size: Size,
        lease: Minutes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            slot,
            region,
            service: None,
            size,
            status: Status::Starting,
            seen: false,
            absent: None,
            alarmed: false,
            granted: Minutes::ZERO,
            reserved: lease,
            elapsed: Minutes::ZERO,
            created: now,
            clock: None,
            ready_by: None,
            starting_at: Some(now),
            last_read: None,
            doubted: false,
            hold: None,
            uses: Vec::new(),
            active: None,
            unknown: BTreeMap::new(),
            reports: BTreeMap::new(),
            released: None,
            stop: None,
            retry: Retry::default(),
            address: None,
        }
    }

    /// The most that it can have billed by an instant: all the time since it was Ready or asked
    /// for, and no more than its lease.
    pub(in crate::keeper) fn most_billed(&self, at: Timestamp) -> Minutes {
        let begun = self.clock.map_or(self.created, LeaseClock::earliest);
        self.reserved.min((at - begun).ceil_minutes())
    }

    /// By when it was Ready, as far as anybody knew.
    pub fn known_ready_by(&self) -> Option<Timestamp> {
        self.clock.map(LeaseClock::latest).or(self.ready_by)
    }

    /// Whether a client can connect to it.
    pub fn is_ready(&self) -> bool {
        self.status.rank() == Status::Ready.rank()
    }

    /// Whether it can be given to a client: one can connect to it, and it is to stay. A status that
    /// this version does not know is live and billing, and nobody's to have.
    pub fn is_available(&self) -> bool {
        self.status == Status::Ready && self.address.is_some() && self.stop.is_none()
    }

    /// Takes it from whoever holds it, and remembers that use.
    pub(in crate::keeper) fn end_hold(&mut self, at: Timestamp) -> Option<Hold> {
        let hold = self.hold.take()?;
        let used = hold.use_until(at.max(hold.on_session_since()));
        if used.from < used.to {
            self.uses.push(used);
        }
        Some(hold)
    }

    /// Every use of it, that of a hold which goes on as if it ended at an instant.
    pub fn uses_until(&self, at: Timestamp) -> impl Iterator<Item = Use> {
        let present = self.hold.as_ref().map(|hold| hold.use_until(at));
        self.uses.iter().cloned().chain(present)
    }

    /// Whether a client of that name holds it.
    pub(in crate::keeper) fn is_held_by(&self, client: &str) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.client == client)
    }

    /// Whether a rule has ended its hold for good, and not only the session under it.
    pub(in crate::keeper) fn hold_is_over(&self) -> bool {
        let effect = self.stop.as_ref().map(|stop| stop.reason.slot_effect());
        matches!(effect, Some(SlotEffect::Park | SlotEffect::ForgetWish))
    }

    /// The last sign of the client that holds it: that it acquired it, or used it.
    pub(in crate::keeper) fn last_sign(&self) -> Option<Timestamp> {
        let hold = self.hold.as_ref()?;
        Some(self.active.map_or(hold.since, |at| at.max(hold.since)))
    }

    /// When its client is taken to have left, where the pool bounds how long it may give no sign.
    pub(in crate::keeper) fn hold_lapses(&self, timeout: Option<Span>) -> Option<Timestamp> {
        let lapses = self.last_sign()? + timeout?;
        Some(
            self.hold
                .as_ref()?
                .snoozed
                .map_or(lapses, |until| until.max(lapses)),
        )
    }

    /// Whether a client uses it: it is held, or was active within `idle_timeout` and not given back
    /// since. Where nobody is ever idle, a sign of use counts as long as what a client asks for. A
    /// source that cannot say prolongs use that was seen; it does not make use of what nobody has
    /// used, or stock would become used by it.
    pub fn in_use(&self, now: Timestamp, idle_timeout: Option<Span>) -> bool {
        self.hold.is_some()
            || self
                .used_until(idle_timeout)
                .is_some_and(|until| now < until)
    }

    /// Until when its last sign of use counts; `None` where there was none.
    pub(in crate::keeper) fn used_until(&self, idle_timeout: Option<Span>) -> Option<Timestamp> {
        let active = self
            .active
            .filter(|at| self.released.is_none_or(|released| released < *at))
            .map(|at| self.unknown_until().map_or(at, |until| at.max(until)));
        active.map(|at| at + idle_timeout.unwrap_or(WAIT_LASTS))
    }

    /// Until when it counts as used because an activity source cannot say; `None` where all can.
    pub(in crate::keeper) fn unknown_until(&self) -> Option<Timestamp> {
        let known = mutation::on(Mutation::TakeUnknownForIdle);
        let limits = self.unknown.values().filter(|_| !known);
        limits.filter_map(|unknown| unknown.until).max()
    }
}
