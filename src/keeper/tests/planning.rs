//! Small states, and what one plan makes of them.

use super::fixtures::{LIMITS, policy};
use crate::keeper::state::{
    KeeperState, ManagedSession, Parked, ParkedBy, Retry, SlotState, StopAsked, Wish, WishedBy,
};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Minutes, SessionId, Size, SlotId, Span, Timestamp};

fn now() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("an instant")
}

fn ago(minutes: i64) -> Timestamp {
    now() - Span::minutes(minutes)
}

fn slot(ordinal: u32) -> SlotId {
    format!("a/{ordinal}").parse().expect("a slot")
}

/// The nth session that was drawn for a slot.
fn id(ordinal: u32, n: u32) -> SessionId {
    let text = format!("st-a-{ordinal}-01HF7YAT00NBPVQXX7HBV7FE0{n}");
    text.parse().expect("an id")
}

/// A create of five minutes ago that nothing has been heard of.
fn intent(ordinal: u32) -> ManagedSession {
    let lease = Minutes::new(20);
    ManagedSession::intended(
        id(ordinal, 0),
        slot(ordinal),
        None,
        Size::Standard,
        lease,
        ago(5),
    )
}

/// Ready for four minutes, and in use.
fn ready(ordinal: u32) -> ManagedSession {
    ManagedSession {
        seen: true,
        status: Status::Ready,
        granted: Minutes::new(20),
        clock: LeaseClock::new(ago(5), ago(4)),
        active: Some(now()),
        ..intent(ordinal)
    }
}

struct Case {
    policy: Policy,
    state: KeeperState,
}

/// A pool of at most four sessions that keeps one, and a service that answers.
fn case(sessions: impl IntoIterator<Item = ManagedSession>) -> Case {
    let policy = policy();
    let mut state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
    state.fresh = true;
    for session in sessions {
        state.sessions.insert(session.id.clone(), session);
    }
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
        ..intent(0)
    };
    assert_eq!(case([intent(0)]).asks(), NOTHING, "it was not asked yet");
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
    // Beside a session that is to end only its verified end makes room.
    let ending = ManagedSession {
        id: id(0, 1),
        stop: Some(StopAsked {
            since: ago(1),
            reason: Reason::Surplus,
        }),
        ..ready(0)
    };
    assert_eq!(case([absent(), ending]).asks(), ["stop a/0"]);
}

#[test]
fn a_session_in_any_slot_counts_to_min() {
    assert_eq!(case([]).asks(), ["create a/0"]);
    assert_eq!(case([ready(2)]).asks(), NOTHING);
    let mut two = case([ready(2)]);
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
        let mut case = case([ready(1)]);
        case.policy.pools[0].min = 2;
        case.remember(0, parked(by));
        assert_eq!(case.asks(), NOTHING, "{by:?}");
        case.policy.pools[0].min = 3;
        assert_eq!(case.asks(), ["create a/2"], "{by:?}");
    }
    // One beyond `min` that is parked, and one that has a session in spite of it, make up for none.
    let mut case = case([ready(1)]);
    case.policy.pools[0].min = 2;
    case.remember(3, parked(ParkedBy::Rule));
    case.remember(1, parked(ParkedBy::Rule));
    assert_eq!(case.asks(), ["create a/0"]);
}

#[test]
fn demand_fills_what_the_idle_rule_keeps_empty_and_nothing_that_a_person_does() {
    let mut case = case([ready(1)]);
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
