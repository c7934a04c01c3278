//! The rules that end or renew a session, one a file, and their order.
//!
//! Rules know sessions, pools and instants. They do not know the plan, the service or each other.

pub(super) mod beyond_max;
pub(super) mod boot_timeout;
mod context;
pub(super) mod duplicate;
mod first_use;
pub(super) mod idle;
pub(super) mod lifetime;
mod max_hold;
pub(super) mod over_budget;
mod parked;
pub(super) mod renewal;
mod rolled_over;
mod schedule;
mod spare_ttl;
mod surplus;

pub(super) use context::{ScheduleNow, SessionContext, Verdict};
pub(super) use surplus::needed;

use crate::units::Timestamp;

use super::reason::Reason;

/// A rule about one session that fills its slot.
type StopRule = fn(&SessionContext<'_>) -> Verdict;

/// The rules that stop a session, the first that says so gives the reason.
///
/// What a person said comes before what the clock says, and what is certain before what depends on
/// use: whoever parked a slot or reads of a closed schedule is not told of idleness. A server that
/// never came up has no life and no use to judge. Life ends before idleness because it cannot be
/// put off, and so does a hold. Never used and not taken are told before idle, because they say
/// more. Surplus and rollover look at use only, so they come last.
const STOP_RULES: &[StopRule] = &[
    parked::rule,
    schedule::rule,
    boot_timeout::rule,
    lifetime::rule,
    max_hold::rule,
    first_use::rule,
    spare_ttl::rule,
    idle::rule,
    surplus::rule,
    rolled_over::rule,
];

/// What the stop rules say of a session: why it is to end, or when to look again.
pub(super) fn stop_or_recheck(
    session: &SessionContext<'_>,
    mut recheck: impl FnMut(Timestamp),
) -> Option<Reason> {
    for rule in STOP_RULES {
        match rule(session) {
            Verdict::Stop(reason) => return Some(reason),
            Verdict::RecheckAt(at) => recheck(at),
            Verdict::Keep => {}
        }
    }
    None
}

#[cfg(test)]
mod testing;
