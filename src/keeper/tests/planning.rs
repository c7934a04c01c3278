//! Small states, and what one plan makes of them.

use super::fixtures::{ago, id, intent, knowing, now, policy, ready, slot};
use crate::keeper::state::{
    KeeperState, ManagedSession, Parked, ParkedBy, Retry, SlotState, StopAsked, Waiter, Wish,
    WishedBy,
};
use crate::keeper::*;
use crate::policy::{Policy, Schedule};
use crate::units::{Minutes, Span};

/// Somebody uses it.
fn used(ordinal: u32) -> ManagedSession {
    ManagedSession {
        active: Some(now()),
        ..ready(ordinal, 0)
    }
}

struct Case {
    policy: Policy,
    state: KeeperState,
}

/// A pool of at most four sessions that keeps one, and a service that answers.
fn case(sessions: impl IntoIterator<Item = ManagedSession>) -> Case {
    let policy = policy();
    let mut state = knowing(sessions);
    state.fresh = true;
    Case { policy, state }
}

impl Case {
    fn plan(&self) -> Plan {
        let planned = plan(now(), &self.policy, &self.state);
        assert_eq!(audit(&self.policy, &self.state, &planned), []);
        planned
    }

    /// What is asked of the service: the verb, the slot, and the session where it is known.
    fn asks(&self) -> Vec<String> {
        let verb = |action: &Action| match action {
            Action::Create { slot, id, .. } if self.state.sessions.contains_key(id) => {
                format!("create {slot} again")
            }
            Action::Create { slot, .. } => format!("create {slot}"),
            Action::Extend { slot, to, .. } => format!("extend {slot} to {to}"),
            Action::Stop { slot, .. } => format!("stop {slot}"),
        };
        self.plan().actions.iter().map(verb).collect()
    }

    fn remember(&mut self, ordinal: u32, remembered: SlotState) {
        self.state.slots.insert(slot(ordinal), remembered);
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_unanswered_create_is_repeated_once_the_service_says_that_it_knows_no_such_session() {
    let absent = || ManagedSession {
        absent: Some(ago(1)),
        ..intent(0, 0)
    };
    assert_eq!(case([intent(0, 0)]).asks(), NOTHING, "it was not asked yet");
    assert_eq!(case([absent()]).asks(), ["create a/0 again"]);
    let mut silent = case([absent()]);
    silent.state.fresh = false;
    assert_eq!(silent.asks(), NOTHING);
    let waits = ManagedSession {
        retry: Retry {
            failures: 1,
            not_before: Some(now() + Span::seconds(3)),
        },
        ..absent()
    };
    let planned = case([waits]).plan();
    assert_eq!(planned.actions, []);
    assert_eq!(planned.next_wake, now() + Span::seconds(3));
    // Nor is a region asked that does not answer, where another one does.
    let in_west = ManagedSession {
        region: "west".parse().ok(),
        ..absent()
    };
    let mut regions = case([in_west]);
    assert_eq!(regions.state.region_of(&id(0, 0)), "west".parse().ok());
    let region = |name: &str| name.parse().expect("a region");
    regions.state.listed_regions = [region("west"), region("north")].into();
    assert_eq!(regions.asks(), ["create a/0 again"]);
    regions.state.unreachable_regions = [region("north")].into();
    assert_eq!(regions.asks(), ["create a/0 again"]);
    regions.state.unreachable_regions = [region("west")].into();
    assert_eq!(regions.asks(), NOTHING);
    // Beside a session that is to end only its verified end makes room.
    let ending = ManagedSession {
        id: id(0, 1),
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..used(0)
    };
    assert_eq!(case([absent(), ending]).asks(), ["stop a/0"]);
}

#[test]
fn a_session_in_any_slot_counts_to_min() {
    assert_eq!(case([]).asks(), ["create a/0"]);
    assert_eq!(case([used(2)]).asks(), NOTHING);
    let mut two = case([used(2)]);
    two.policy.pools[0].min = 2;
    assert_eq!(two.asks(), ["create a/0"]);
    two.policy.pools[0].min = 3;
    assert_eq!(two.asks(), ["create a/0", "create a/1"]);
}

fn parked(by: ParkedBy) -> SlotState {
    SlotState {
        parked: Some(Parked {
            by,
            since: ago(10),
            why: None,
        }),
        ..SlotState::default()
    }
}

#[test]
fn what_a_rule_or_a_person_keeps_empty_is_not_made_up_for_by_another_slot() {
    for by in [ParkedBy::Rule, ParkedBy::Person] {
        let mut case = case([used(1)]);
        case.policy.pools[0].min = 2;
        case.remember(0, parked(by));
        assert_eq!(case.asks(), NOTHING, "{by:?}");
        case.policy.pools[0].min = 3;
        assert_eq!(case.asks(), ["create a/2"], "{by:?}");
    }
    // One beyond `min` that is parked, and one that has a session in spite of it, make up for none.
    let mut case = case([used(1)]);
    case.policy.pools[0].min = 2;
    case.remember(3, parked(ParkedBy::Rule));
    case.remember(1, parked(ParkedBy::Rule));
    assert_eq!(case.asks(), ["create a/0"]);
}

#[test]
fn demand_fills_what_the_idle_rule_keeps_empty_and_nothing_that_a_person_does() {
    let mut case = case([used(1)]);
    case.policy.pools[0].spare = 1;
    case.remember(0, parked(ParkedBy::Rule));
    assert_eq!(case.asks(), ["create a/0"]);
    case.remember(0, parked(ParkedBy::Person));
    assert_eq!(case.asks(), ["create a/2"]);
    // Not more than there are slots.
    case.policy.pools[0].max = 2;
    assert_eq!(case.asks(), NOTHING);
}

#[test]
fn a_wish_fills_its_slot_until_it_lapses() {
    let wish = |by, minutes| SlotState {
        wish: Some(Wish {
            by,
            at: ago(minutes),
        }),
        ..SlotState::default()
    };
    let mut case = case([]);
    case.policy.pools[0].min = 0;
    assert_eq!(case.asks(), NOTHING);
    case.remember(2, wish(WishedBy::Client, 9));
    assert_eq!(case.asks(), ["create a/2"]);
    assert_eq!(case.plan().next_due, Some(now() + Span::minutes(1)));
    case.remember(2, wish(WishedBy::Client, 10));
    assert_eq!(case.asks(), NOTHING);
    case.remember(2, wish(WishedBy::Person, 10));
    assert_eq!(case.asks(), ["create a/2"]);
    // A person's word is stronger than a client's.
    let mut both = parked(ParkedBy::Person);
    both.wish = wish(WishedBy::Client, 1).wish;
    case.remember(2, both);
    assert_eq!(case.asks(), NOTHING);
}

#[test]
fn what_is_due_already_is_looked_at_shortly_and_not_at_once() {
    let mut case = case([ManagedSession {
        hold: Some(Hold::of("ann", ago(30))),
        active: Some(ago(30)),
        ..used(0)
    }]);
    case.policy.pools[0].hold_timeout = Some(Span::minutes(10));
    let planned = case.plan();
    assert_eq!(planned.next_due, Some(now() + Span::millis(200)));
    assert_eq!(planned.next_wake, now() + Span::millis(200));
    // What is not is looked at when it is.
    case.policy.pools[0].hold_timeout = Some(Span::minutes(31));
    assert_eq!(case.plan().next_due, Some(now() + Span::minutes(1)));
}

#[test]
fn an_intent_that_came_to_nothing_is_given_up_where_nobody_wants_it() {
    let mut case = case([ManagedSession {
        absent: Some(ago(1)),
        ..intent(0, 0)
    }]);
    case.policy.pools[0].name = "b".parse().expect("a name");
    case.policy.pools[0].min = 0;
    let planned = case.plan();
    assert_eq!((planned.actions, planned.abandon), (vec![], vec![id(0, 0)]));
    // It may have come to be, and then it is to stop.
    case.state.sessions.insert(id(0, 0), intent(0, 0));
    assert_eq!(case.asks(), ["stop a/0"]);
    case.state.sessions.insert(id(0, 0), used(0));
    assert_eq!(case.asks(), ["stop a/0"]);
}

#[test]
fn a_stop_does_not_wait_for_the_next_try_of_a_renewal() {
    let waits = Retry {
        failures: 3,
        not_before: Some(now() + Span::minutes(1)),
    };
    let failing = ManagedSession {
        retry: waits,
        ..used(0)
    };
    let stopping = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::PoolRemoved,
        }),
        ..failing.clone()
    };
    let mut case = case([failing]);
    case.policy.pools[0].name = "b".parse().expect("a name");
    case.policy.pools[0].min = 0;
    assert_eq!(case.asks(), ["stop a/0"]);
    case.state.sessions.insert(id(0, 0), stopping);
    assert_eq!(case.asks(), NOTHING, "its stop was sent");
    assert_eq!(case.plan().next_due, waits.not_before);
}

#[test]
fn a_renewal_that_failed_is_an_alarm_while_it_waits_and_not_while_it_is_tried_or_refused() {
    // A sixteenth of each lease is left, and the day has room for one of them.
    let late = |ordinal, not_before| ManagedSession {
        clock: LeaseClock::new(ago(19), ago(18)),
        retry: Retry {
            failures: 1,
            not_before,
        },
        ..used(ordinal)
    };
    let soon = Some(now() + Span::seconds(3));
    let waiting = case([late(0, soon), late(1, soon)]);
    assert_eq!(waiting.asks(), NOTHING);
    assert_eq!(waiting.plan().alarms, [id(0, 0), id(1, 0)]);
    let mut tried = case([late(0, None), late(1, None)]);
    assert_eq!(tried.asks(), ["extend a/0 to 38m", "extend a/1 to 38m"]);
    assert_eq!(tried.plan().alarms, []);
    tried.policy.budget.daily = "5".parse().ok();
    assert_eq!(tried.asks(), ["extend a/0 to 30m"]);
    assert_eq!(tried.plan().alarms, []);
}

#[test]
fn sessions_side_by_side_are_idle_each_by_itself_and_a_successor_with_its_holder_is_not() {
    let unused = |ordinal, n| ManagedSession {
        id: id(ordinal, n),
        clock: LeaseClock::new(ago(16), ago(15)),
        active: None,
        ..used(ordinal)
    };
    let both = case([unused(0, 0), unused(1, 0)]);
    assert_eq!(both.asks(), ["stop a/0", "stop a/1"]);
    // The life of the old one is over in four minutes, and somebody uses it.
    let old = ManagedSession {
        active: Some(now()),
        ..unused(0, 0)
    };
    let mut rollover = case([old, unused(0, 1)]);
    rollover.policy.pools[0].max_lifetime = Minutes::new(20);
    let asked = rollover.asks();
    assert!(!asked.contains(&"stop a/0".into()), "{asked:?}");
}

#[test]
fn as_many_sessions_are_stopped_as_a_lowered_budget_asks_for() {
    // Each is to cost 2.00 and has cost 0.50.
    for (limit, stopped) in [("8", 0), ("7.9", 1), ("6.4", 2), ("4.9", 3), ("1", 4)] {
        let mut case = case((0..4).map(used));
        case.policy.budget.daily = limit.parse().ok();
        let planned = case.plan();
        let stops = |a: &&Action| matches!(a, Action::Stop { .. });
        assert_eq!(
            planned.actions.iter().filter(stops).count(),
            stopped,
            "{limit}"
        );
    }
}

#[test]
fn who_waits_is_served_before_stock_is_made_and_looked_at_when_it_is_taken_to_have_left() {
    let mut case = case([]);
    case.policy.pools[0].min = 0;
    case.policy.pools[0].spare = 1;
    let waiter = Waiter {
        hold: Hold::of("ann", ago(5)),
        pool: slot(0).pool,
        asked: ago(4),
    };
    case.state.queue.insert(waiter.hold.id, waiter);
    let planned = case.plan();
    let kinds: Vec<_> = planned.actions.iter().map(|a| a.why().kind()).collect();
    assert_eq!(kinds, [ReasonKind::Requested, ReasonKind::Demand]);
    assert_eq!(planned.next_due, Some(now() + Span::minutes(6)));
}

#[test]
fn an_opening_ends_what_the_idle_rule_keeps_empty_and_not_what_a_person_does() {
    let kept_empty = |by, since| {
        let mut case = case([]);
        // It has opened at six.
        let window = "Mon 06:00-18:00 UTC".parse().expect("a window");
        case.policy.pools[0].schedule = Schedule::new(vec![window]);
        let mut remembered = parked(by);
        remembered.parked.as_mut().expect("parked").since = since;
        case.remember(0, remembered);
        case.asks().is_empty()
    };
    let six = ago(120);
    let instant = Span::millis(1);
    assert!(!kept_empty(ParkedBy::Rule, six - instant));
    assert!(kept_empty(ParkedBy::Rule, six));
    assert!(kept_empty(ParkedBy::Rule, six + instant));
    assert!(kept_empty(ParkedBy::Person, six - instant));
}

#[test]
fn a_slot_that_was_parked_without_a_reason_was_idle() {
    let mut case = case([]);
    case.remember(0, parked(ParkedBy::Rule));
    let timeout = Span::minutes(15);
    let since = ago(10) - timeout;
    assert_eq!(case.plan().slots[0].why, Reason::Idle { since, timeout });
    case.remember(0, parked(ParkedBy::Person));
    let since = ago(10);
    assert_eq!(case.plan().slots[0].why, Reason::ParkedByPerson { since });
}

#[test]
fn a_session_beyond_max_takes_the_place_of_one_within_it() {
    let shrunk = |sessions: Vec<ManagedSession>, slots: u32| {
        let mut case = case(sessions);
        (case.policy.pools[0].min, case.policy.pools[0].max) = (slots, slots);
        case.asks()
    };
    assert_eq!(shrunk(vec![used(3)], 1), NOTHING);
    assert_eq!(shrunk(vec![used(3)], 2), ["create a/0"]);
    assert_eq!(shrunk(vec![used(3)], 3), ["create a/0", "create a/1"]);
    // Until its end is verified.
    let ending = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: ago(1),
            reason: Reason::BeyondMax { max: 1 },
        }),
        ..used(3)
    };
    assert_eq!(shrunk(vec![ending], 1), ["stop a/3"]);
}
