//! What a team pays for: sessions from when its people hold them until they do not.
//!
//! A hold is a promise to pay for what is left of the session's lease, so it is reserved before it
//! is given; and whoever is to wait for a session is answered before one boots.

use crate::keeper::reason::Reason;
use crate::keeper::rules::lifetime::lifetime;
use crate::keeper::scope::scope_of_team;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::{Policy, Pool};
use crate::units::{Minutes, Size, TeamName, Timestamp};

use super::request::{Fit, Request};
use super::reservations::Reservations;
use super::share::TeamShare;
use super::window::CostWindow;

/// Why a team cannot pay for what is left of a session's lease; `None` where it can.
pub(in crate::keeper) fn cannot_hold(
    now: Timestamp,
    policy: &Policy,
    state: &KeeperState,
    team: Option<&TeamName>,
    managed: &ManagedSession,
) -> Option<Reason> {
    let account = scope_of_team(policy, team?)?;
    let asked = CostWindow::reserved(policy, managed, now);
    // The hold takes the session as it is: there is no shorter lease to be had.
    let least = asked.length;
    let request = Request {
        pool: None,
        team: Some(TeamShare { account, from: now }),
        price: policy.prices.of(&managed.size),
        asked,
        before: None,
        least,
        least_exposed: least,
    };
    refusal(entered(now, policy, state, Some(managed)).request(request))
}

/// Why a team cannot pay for one more session of a pool, besides those that its people wait for
/// already; `None` where it can.
pub(in crate::keeper) fn cannot_wait(
    now: Timestamp,
    policy: &Policy,
    state: &KeeperState,
    team: Option<&TeamName>,
    pool: &Pool,
    client: &str,
    size: Option<&Size>,
) -> Option<Reason> {
    let account = scope_of_team(policy, team?)?;
    let mut reservations = entered(now, policy, state, None);
    let others = state.queue.values().filter(|waiter| {
        let me = waiter.hold.client == client && waiter.pool == pool.name;
        waiter.waits(now) && waiter.hold.team.as_ref() == team && !me
    });
    for waiter in others {
        let theirs = policy.pools.iter().find(|pool| pool.name == waiter.pool);
        if let Some(theirs) = theirs {
            let size = waiter.hold.size.as_ref();
            reservations.request(for_lease(now, policy, state, account, theirs, size));
        }
    }
    refusal(reservations.request(for_lease(now, policy, state, account, pool, size)))
}

fn refusal(fit: Fit) -> Option<Reason> {
    match fit {
        Fit::Refused(why) => Some(why),
        Fit::Whole | Fit::Shortened(..) => None,
    }
}

/// What a team is to pay for a session that is yet to boot. Of use is what a create would be: at
/// least a quarter of the lease.
fn for_lease(
    now: Timestamp,
    policy: &Policy,
    state: &KeeperState,
    account: usize,
    pool: &Pool,
    size: Option<&Size>,
) -> Request {
    let wanted = pool
        .lease
        .min(lifetime(pool, state.limits))
        .min(state.limits.largest_create);
    let least = Minutes::new((wanted.get() / 4).max(1));
    Request {
        pool: None,
        team: Some(TeamShare { account, from: now }),
        price: policy.prices.of(size.unwrap_or(&pool.size)),
        asked: CostWindow::asked_now(now, pool.boot_timeout, wanted),
        before: None,
        least,
        least_exposed: least,
    }
}

/// What all teams have spent and reserved, besides for a session that nobody holds yet.
fn entered<'a>(
    now: Timestamp,
    policy: &'a Policy,
    state: &KeeperState,
    except: Option<&ManagedSession>,
) -> Reservations<'a> {
    let mut reservations = Reservations::open(policy, state, now);
    for managed in state.sessions.values() {
        let share = TeamShare::of_heir(now, policy, state, managed);
        let share = share.filter(|_| except.is_none_or(|except| except.id != managed.id));
        reservations.enter_uses(
            managed,
            share,
            CostWindow::reserved(policy, managed, now),
            None,
        );
    }
    reservations
}
