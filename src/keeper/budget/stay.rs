//! Whether every budget has room for a session that is to stay until an instant.

use crate::keeper::reason::Reason;
use crate::keeper::scope::place_of_pool;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::Timestamp;

use super::request::{Fit, Request};
use super::reservations::Reservations;
use super::share::TeamShare;
use super::window::CostWindow;

/// Why a session cannot be paid for until an instant, besides all that is reserved already; `None`
/// where it can. Nothing is reserved. Leases stay as long as they are, so exposure does not grow.
pub(in crate::keeper) fn cannot_stay(
    now: Timestamp,
    policy: &Policy,
    state: &KeeperState,
    managed: &ManagedSession,
    until: Timestamp,
) -> Option<Reason> {
    let mut reservations = Reservations::open(policy, state, now).without_exposure();
    for session in state.sessions.values() {
        let pool = place_of_pool(policy, &session.slot.pool);
        let price = policy.prices.of(&session.size);
        let window = CostWindow::reserved(policy, session, now);
        reservations.enter(pool, price, window, None);
        let share = TeamShare::of_heir(now, policy, state, session);
        reservations.enter_uses(session, share, window, None);
    }
    let before = CostWindow::reserved(policy, managed, now);
    let length = (until - before.earliest).ceil_minutes().max(before.length);
    let request = Request {
        pool: place_of_pool(policy, &managed.slot.pool),
        team: TeamShare::of(policy, managed),
        price: policy.prices.of(&managed.size),
        asked: CostWindow { length, ..before },
        before: Some(before),
        least: length,
        least_exposed: length,
    };
    match reservations.request(request) {
        Fit::Refused(why) => Some(why),
        Fit::Whole | Fit::Shortened(..) => None,
    }
}
