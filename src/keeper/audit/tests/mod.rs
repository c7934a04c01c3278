//! Each rule of the audit bites, and bites no sooner than it must.

use super::{BrokenRule, Violation, audit};
use crate::keeper::lease::LeaseClock;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::keeper::tests::fixtures::{LIMITS, policy, pool};
use crate::keeper::{Action, Reason, Status, plan};
use crate::policy::{Limits, Policy};
use crate::units::{Minutes, Money, SessionId, Size, SlotId, Span, Timestamp};

mod money;

const OLD: &str = "st-a-0-01HF7YAT00NBPVQXX7HBV7FEYJ";
const NEW: &str = "st-a-1-01HF7YAT00NBPVQXX7HBV7FEYK";
const LATER: &str = "st-a-2-01HF7YAT00NBPVQXX7HBV7FEYM";

fn at(text: &str) -> Timestamp {
    format!("2026-03-02T{text}Z").parse().expect("an instant")
}

fn id(text: &str) -> SessionId {
    SessionId::new(text).expect("an id")
}

fn slot(text: &str) -> SlotId {
    text.parse().expect("a slot")
}

fn money(text: &str) -> Option<Money> {
    text.parse().ok()
}

/// A policy, what is known, and an instant. As it begins, one session of `a/0` has been Ready since
/// 07:55 at the latest, with a lease of 20 minutes, at 6.00 an hour.
struct Case {
    policy: Policy,
    state: KeeperState,
    now: Timestamp,
}

fn ready() -> ManagedSession {
    let mut session = ManagedSession::intended(
        id(OLD),
        slot("a/0"),
        None,
        Size::Standard,
        Minutes::new(20),
        at("07:53:00"),
    );
    (session.status, session.seen) = (Status::Ready, true);
    session.granted = Minutes::new(20);
    session.clock = LeaseClock::new(at("07:54:00"), at("07:55:00"));
    session
}

fn case() -> Case {
    let policy = policy();
    let mut state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
    state.fresh = true;
    state.sessions.insert(id(OLD), ready());
    Case {
        policy,
        state,
        now: at("08:00:00"),
    }
}

impl Case {
    fn session(&mut self) -> &mut ManagedSession {
        self.state.sessions.get_mut(&id(OLD)).expect("it is there")
    }

    /// What is broken by a plan of these actions and no other.
    fn broken(&self, actions: &[Action]) -> Vec<(String, BrokenRule)> {
        let mut planned = plan(self.now, &self.policy, &self.state);
        planned.actions = actions.to_vec();
        audit(&self.policy, &self.state, &planned)
            .into_iter()
            .map(|v| (v.session.to_string(), v.broken))
            .collect()
    }

    fn allows(&self, actions: &[Action]) {
        assert_eq!(self.broken(actions), []);
    }

    fn forbids(&self, actions: &[Action], rule: BrokenRule) {
        let last = actions.last().expect("an action").session().to_string();
        assert_eq!(self.broken(actions), [(last, rule)]);
    }
}

fn create_in(place: &str, name: &str) -> Action {
    Action::Create {
        slot: slot(place),
        id: id(name),
        region: None,
        size: Size::Standard,
        lease: Minutes::new(20),
        why: Reason::Wanted { min: 1 },
    }
}

fn create() -> Action {
    create_in("a/1", NEW)
}

fn extend(to: u32) -> Action {
    Action::Extend {
        slot: slot("a/0"),
        id: id(OLD),
        from: Minutes::new(20),
        to: Minutes::new(to),
        why: Reason::Wanted { min: 1 },
    }
}

fn stop_in(place: &str, name: &str) -> Action {
    Action::Stop {
        slot: slot(place),
        id: id(name),
        why: Reason::Wanted { min: 1 },
    }
}

fn successor_of(old: &str) -> Action {
    Action::Create {
        slot: slot("a/0"),
        id: id("st-a-0-01HF7YAT00NBPVQXX7HBV7FEYN"),
        region: None,
        size: Size::Standard,
        lease: Minutes::new(20),
        why: Reason::Successor {
            of: id(old),
            ends: at("09:00:00"),
        },
    }
}

#[test]
fn only_a_session_of_our_own_slot_is_acted_on() {
    let mut case = case();
    case.allows(&[create(), extend(21)]);
    case.forbids(&[create_in("a/2", NEW)], BrokenRule::NotOurs);
    let foreign = NEW.replace("st-", "other-");
    case.forbids(&[create_in("a/1", &foreign)], BrokenRule::NotOurs);
    case.forbids(&[stop_in("a/1", "made-by-hand")], BrokenRule::NotOurs);
    // A session whose pool had another name is known by where it is.
    case.session().slot = slot("a/3");
    case.allows(&[stop_in("a/3", OLD)]);
    case.forbids(&[stop_in("a/0", OLD)], BrokenRule::NotOurs);
}

#[test]
fn nothing_is_created_where_the_service_was_not_listed() {
    let mut case = case();
    let west = || "west".parse().expect("a region");
    let in_west = {
        let mut action = create();
        if let Action::Create { region, .. } = &mut action {
            *region = Some(west());
        }
        [action]
    };
    case.forbids(&in_west, BrokenRule::ServiceUnreachable);
    case.state.listed_regions.insert(west());
    case.allows(&in_west);
    case.state.unreachable_regions.insert(west());
    case.forbids(&in_west, BrokenRule::ServiceUnreachable);
    case.allows(&[create()]);
    case.state.fresh = false;
    case.forbids(&[create()], BrokenRule::ServiceUnreachable);
    case.allows(&[extend(21), stop_in("a/0", OLD)]);
}

#[test]
fn a_slot_has_one_session_and_at_most_its_successor() {
    let mut case = case();
    case.forbids(&[create_in("a/0", &in_slot_0())], BrokenRule::SecondSession);
    case.allows(&[successor_of(OLD)]);
    case.forbids(&[successor_of(LATER)], BrokenRule::SecondSession);
    case.forbids(&[create(), create()], BrokenRule::SecondSession);
    case.allows(&[create(), create_in("a/2", LATER)]);
    // What is asked for again is no second one.
    case.session().seen = false;
    case.allows(&[create_in("a/0", OLD)]);
}

fn in_slot_0() -> String {
    NEW.replace("-1-", "-0-")
}

#[test]
fn a_lease_reaches_no_further_than_it_may_and_grows() {
    let mut case = case();
    case.forbids(&[extend(20)], BrokenRule::LeaseNotLarger);
    case.allows(&[extend(21)]);
    // Ready at 07:55 at the latest: at 08:21 it has a lease and a minute left.
    case.allows(&[extend(26)]);
    case.forbids(&[extend(27)], BrokenRule::LeaseTooLong);
    case.policy.pools[0].lease = Minutes::new(1440);
    case.allows(&[extend(1439)]);
    case.forbids(&[extend(1440)], BrokenRule::LeaseTooLong);
    case.state.limits = Limits {
        extension: None,
        ..LIMITS
    };
    case.forbids(&[extend(21)], BrokenRule::LeaseTooLong);
    case.state.limits = LIMITS;
    case.session().clock = None;
    case.forbids(&[extend(21)], BrokenRule::LeaseTooLong);
    // The lease of its own pool counts, and none where the policy has the pool no more.
    case.session().clock = ready().clock;
    case.policy.pools = vec![pool("b"), pool("a")];
    case.policy.pools[0].lease = Minutes::new(1440);
    case.forbids(&[extend(27)], BrokenRule::LeaseTooLong);
    case.policy.pools.pop();
    case.forbids(&[extend(21)], BrokenRule::LeaseTooLong);
}

#[test]
fn a_session_that_is_not_known_is_neither_extended_nor_stopped() {
    let mut case = case();
    case.state.sessions.clear();
    case.forbids(&[extend(21)], BrokenRule::NoSuchSession);
    case.forbids(&[stop_in("a/0", OLD)], BrokenRule::NoSuchSession);
}

#[test]
fn each_rule_says_what_would_be_broken() {
    let told = |broken| {
        Violation {
            session: id(OLD),
            broken,
        }
        .to_string()
    };
    for (broken, said) in [
        (
            BrokenRule::SecondSession,
            "its slot has a live session already",
        ),
        (BrokenRule::Budget, "a budget would be passed"),
        (BrokenRule::Exposure, "an exposure cap would be passed"),
        (BrokenRule::LeaseTooLong, "its lease would reach too far"),
        (
            BrokenRule::LeaseNotLarger,
            "the lease asked for is no longer than the present one",
        ),
        (
            BrokenRule::NotOurs,
            "its id does not carry our prefix and slot",
        ),
        (
            BrokenRule::ServiceUnreachable,
            "the service has not been listed",
        ),
        (BrokenRule::NoSuchSession, "no such session is known"),
    ] {
        assert_eq!(told(broken), format!("{OLD}: {said}"));
    }
}
