//! Small states, and who is warned in them that a hold is about to end.

use super::fixtures::{ago, id, intent, knowing, now, policy, ready};
use crate::keeper::state::{KeeperState, ManagedSession, StopAsked};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Minutes, Span, Timestamp};

/// It warns five minutes before, and a boot takes no longer than one.
fn warns() -> Policy {
    let mut policy = policy();
    policy.pools[0].warn_before = Some(Span::minutes(5));
    policy.pools[0].boot_timeout = Span::minutes(1);
    policy
}

fn held() -> ManagedSession {
    ManagedSession {
        hold: Some(Hold::of("ann", ago(4))),
        ..ready(0, 0)
    }
}

/// Who is warned of what, and when the next thing is due.
fn warned(
    at: Timestamp,
    policy: &Policy,
    state: &KeeperState,
) -> (Vec<HoldEnd>, Option<Timestamp>) {
    let planned = plan(at, policy, state);
    assert_eq!(audit(policy, state, &planned), []);
    let ends = planned.warnings.iter().map(|warning| {
        assert_eq!(warning.session, id(0, 0));
        warning.end
    });
    (ends.collect(), planned.next_due)
}

#[test]
fn a_client_is_warned_from_the_first_instant_of_its_pools_time() {
    let mut policy = warns();
    policy.pools[0].max_hold = Some(Span::minutes(9));
    let state = knowing([held()]);
    let end = HoldEnd {
        at: now() + Span::minutes(5),
        by: HoldRule::MaxHold,
    };
    assert_eq!(warned(now(), &policy, &state).0, [end]);
    let before = now() - Span::minutes(1);
    assert_eq!(warned(before, &policy, &state), (vec![], Some(now())));
}

#[test]
fn the_end_of_a_life_is_warned_of_where_no_successor_is_in_sight() {
    let mut policy = warns();
    // It ends in a minute, and its successor is due now.
    policy.pools[0].max_lifetime = Minutes::new(6);
    let warned = |fresh, others: &[ManagedSession], policy: &Policy| {
        let mut state = knowing(others.iter().cloned().chain([held()]));
        state.fresh = fresh;
        warned(now(), policy, &state).0
    };
    let end = HoldEnd {
        at: now() + Span::minutes(1),
        by: HoldRule::Lifetime,
    };
    assert_eq!(warned(false, &[], &policy), [end], "nothing is asked for");
    assert_eq!(warned(true, &[], &policy), [], "a successor is asked for");
    assert_eq!(warned(false, &[intent(0, 1)], &policy), [], "it boots");
    // What another slot gets is not hers.
    let stopping = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..ready(0, 1)
    };
    policy.pools[0].min = 2;
    assert_eq!(warned(true, &[stopping], &policy), [end]);
    policy.pools[0].max_lifetime = Minutes::new(7);
    assert_eq!(warned(false, &[], &policy), [], "not due yet");
}
