//! Each rule of the audit bites, and bites no sooner than it must.

use super::{BrokenRule, Violation, audit};
use crate::keeper::lease::LeaseClock;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::keeper::tests::fixtures::{LIMITS, policy, pool};
use crate::keeper::{Action, Reason, Settled, Status, plan};
use crate::policy::{Limits, Policy};
use crate::units::{Minutes, Money, SessionId, Size, SlotId, Span, Timestamp};

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

/// What one ended session of this morning cost.
fn spent(name: &str, minutes: u32) -> Settled {
    Settled {
        id: id(name),
        slot: slot("a/0"),
        region: None,
        size: Size::Standard,
        status: Status::Stopped,
        ready: LeaseClock::new(at("06:00:00"), at("06:00:30")),
        minutes: Minutes::new(minutes),
        certain: true,
        price: "6".parse().expect("a price"),
        ended: at("07:00:00"),
        why: None,
    }
}

fn daily(mut case: Case, limit: &str) -> Case {
    case.policy.budget.daily = money(limit);
    case
}

#[test]
fn what_is_spent_reserved_and_asked_for_fits_the_day() {
    // 2.00 are reserved, 2.00 asked for.
    daily(case(), "4").allows(&[create()]);
    daily(case(), "3.99").forbids(&[create()], BrokenRule::Budget);
    // Ten minutes of this morning are spent besides.
    let with_spend = |limit| {
        let mut case = daily(case(), limit);
        case.state.spent.add(&spent(LATER, 10));
        case
    };
    with_spend("5").allows(&[create()]);
    with_spend("4.99").forbids(&[create()], BrokenRule::Budget);
    // Two are asked for, and the last one is named.
    let two = [create(), create_in("a/2", LATER)];
    daily(case(), "6").allows(&two);
    daily(case(), "5.99").forbids(&two, BrokenRule::Budget);
    // A longer lease counts whole, and once.
    daily(case(), "2.5").allows(&[extend(25)]);
    daily(case(), "2.49").forbids(&[extend(25)], BrokenRule::Budget);
    // What makes nothing grow may be, over budget as it is.
    let stops = [stop_in("a/0", OLD)];
    daily(case(), "1").allows(&stops);
    let mut intent = daily(case(), "1");
    (intent.session().seen, intent.session().clock) = (false, None);
    intent.allows(&[create_in("a/0", OLD)]);
    let mut reserved = daily(case(), "1");
    reserved.session().reserved = Minutes::new(25);
    reserved.allows(&[extend(25)]);
}

#[test]
fn what_is_asked_for_of_one_pool_does_not_break_another_ones_bound() {
    let mut case = case();
    case.policy.pools.push(pool("b"));
    case.policy.pools[1].budget.daily = money("1.99");
    case.policy.pools[1].budget.max_exposure = money("1.99");
    case.allows(&[create()]);
    let in_b = create_in("b/0", "st-b-0-01HF7YAT00NBPVQXX7HBV7FEYP");
    assert_eq!(
        case.broken(std::slice::from_ref(&in_b))
            .into_iter()
            .map(|(_, rule)| rule)
            .collect::<Vec<_>>(),
        [BrokenRule::Budget, BrokenRule::Exposure]
    );
    case.policy.pools[1].budget.daily = money("2");
    case.policy.pools[1].budget.max_exposure = money("2");
    case.allows(&[create(), in_b]);
}

#[test]
fn only_what_certainly_falls_into_the_day_counts_to_it() {
    // Ready since shortly before midnight at the earliest: none of it need be today's.
    let mut before = daily(case(), "2");
    before.now = at("00:05:00");
    before.session().clock = LeaseClock::new(at("00:00:00") - Span::seconds(1), at("00:01:00"));
    before.session().created = at("00:00:00");
    before.allows(&[create()]);
    before.session().clock = LeaseClock::new(at("00:00:00"), at("00:01:00"));
    before.forbids(&[create()], BrokenRule::Budget);

    // A lease that reaches over the next midnight need not be today's either.
    let mut after = daily(case(), "2");
    after.now = at("22:39:00");
    after.session().clock = LeaseClock::new(at("23:38:00"), at("23:40:00"));
    after.forbids(&[create()], BrokenRule::Budget);
    after.session().clock = LeaseClock::new(at("23:38:00"), at("23:40:01"));
    after.allows(&[create()]);

    // Nor need one that is asked for, and boots for an hour at the most.
    let mut late = daily(case(), "2");
    late.now = at("22:40:00");
    late.forbids(&[create()], BrokenRule::Budget);
    late.now = at("22:40:01");
    late.allows(&[create()]);
    late.policy.budget.daily = money("1.99");
    late.allows(&[create()]);

    // Of two the longer one need not be, and the shorter one fits.
    let mut two = daily(case(), "4");
    two.now = at("22:40:00");
    let mut longer = create_in("a/2", LATER);
    if let Action::Create { lease, .. } = &mut longer {
        *lease = Minutes::new(21);
    }
    two.allows(&[create(), longer]);

    // What still boots is measured from when it can be Ready at the latest.
    let mut boots = daily(case(), "2");
    boots.policy.pools[0].boot_timeout = Span::minutes(10);
    (boots.session().clock, boots.session().status) = (None, Status::Starting);
    boots.forbids(&[create()], BrokenRule::Budget);
    boots.session().created = at("23:30:00");
    boots.forbids(&[create()], BrokenRule::Budget);
    boots.session().created = at("23:30:01");
    boots.allows(&[create()]);
    boots.session().created = at("00:00:00") - Span::seconds(1);
    boots.allows(&[create()]);
}

#[test]
fn what_is_left_of_all_leases_fits_the_cap() {
    let capped = |limit| {
        let mut case = case();
        case.policy.budget.max_exposure = money(limit);
        case
    };
    // Ready at 07:55 at the latest, so 15 minutes are left: 1.50. A new lease adds 2.00.
    capped("3.5").allows(&[create()]);
    capped("3.49").forbids(&[create()], BrokenRule::Exposure);
    let two = [create(), create_in("a/2", LATER)];
    capped("5.5").allows(&two);
    capped("5.49").forbids(&two, BrokenRule::Exposure);
    capped("2").allows(&[extend(25)]);
    capped("1.99").forbids(&[extend(25)], BrokenRule::Exposure);
    capped("1").allows(&[stop_in("a/0", OLD)]);
    let mut reserved = capped("1");
    reserved.session().reserved = Minutes::new(25);
    reserved.allows(&[extend(25)]);

    // What may still become Ready has all of its lease left, and what is asked for again adds none.
    let intent = |limit| {
        let mut case = capped(limit);
        (case.session().status, case.session().clock) = (Status::Starting, None);
        case.session().seen = false;
        case
    };
    intent("1").allows(&[create_in("a/0", OLD)]);
    intent("4").allows(&[create()]);
    intent("3.99").forbids(&[create()], BrokenRule::Exposure);
    // Of one that was found Ready the minutes are gone that the list says.
    let adopted = |limit| {
        let mut case = capped(limit);
        (case.session().clock, case.session().elapsed) = (None, Minutes::new(5));
        case
    };
    adopted("3.5").allows(&[create()]);
    adopted("3.49").forbids(&[create()], BrokenRule::Exposure);
    // A clock that is ahead makes no lease longer.
    let mut early = capped("4");
    early.session().clock = LeaseClock::new(at("08:00:00"), at("08:30:00"));
    early.allows(&[create()]);
}

#[test]
fn a_lease_that_grows_into_the_next_day_only_is_no_matter_of_this_one() {
    // Another session has reserved 2.00 of this day.
    let grows = |latest: Timestamp| {
        let mut case = daily(case(), "1.99");
        case.now = latest + Span::minutes(15);
        case.session().clock = LeaseClock::new(latest - Span::minutes(1), latest);
        let mut other = ready();
        other.id = id(NEW);
        other.slot = slot("a/1");
        case.state.sessions.insert(id(NEW), other);
        !case.broken(&[extend(25)]).is_empty()
    };
    let midnight = at("00:00:00") + Span::hours(24);
    let ends_at_midnight = midnight - Span::minutes(20);
    assert!(!grows(ends_at_midnight));
    assert!(grows(ends_at_midnight - Span::millis(1)));
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
