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

#[test]
fn a_warning_is_told_again_where_its_end_has_moved_by_more_than_a_minute_or_its_rule_is_another() {
    let policy = warns();
    let at = now() + Span::minutes(4);
    let by = HoldRule::MaxHold;
    let told = |before: Option<HoldEnd>, end: Option<HoldEnd>| {
        let mut held = held();
        held.hold.as_mut().expect("it is held").warned = before;
        // Another client's hold, that nothing is said of.
        let other = ManagedSession {
            hold: Some(Hold::of("bob", ago(3))),
            ..ready(1, 0)
        };
        let mut state = knowing([held, other]);
        let mut planned = plan(now(), &policy, &state);
        let session = id(0, 0);
        planned.warnings = end
            .map(|end| Warning { session, end })
            .into_iter()
            .collect();
        state.take_changes();
        let events = state.apply_plan(&policy, &planned);
        let is_warning = |event: &&Event| matches!(event.what, EventKind::Warned { .. });
        let warned = state.sessions[&id(0, 0)]
            .hold
            .as_ref()
            .and_then(|hold| hold.warned);
        let changes = state.take_changes().sessions.len();
        (events.iter().filter(is_warning).count(), changes, warned)
    };
    let end = Some(HoldEnd { at, by });
    assert_eq!(told(None, None), (0, 0, None));
    assert_eq!(told(None, end), (1, 1, end));
    assert_eq!(told(end, end), (0, 0, end));
    assert_eq!(
        told(end, None),
        (0, 1, None),
        "it is taken back without a word"
    );
    let (minute, more) = (Span::minutes(1), Span::minutes(1) + Span::millis(1));
    let moved = |at| Some(HoldEnd { at, by });
    assert_eq!(told(moved(at + minute), end), (0, 0, moved(at + minute)));
    assert_eq!(told(moved(at - minute), end), (0, 0, moved(at - minute)));
    assert_eq!(told(moved(at + more), end), (1, 1, end));
    assert_eq!(told(moved(at - more), end), (1, 1, end));
    let by = HoldRule::Schedule;
    assert_eq!(told(Some(HoldEnd { at, by }), end), (1, 1, end));
}
