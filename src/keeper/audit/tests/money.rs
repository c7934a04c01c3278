//! The rules about money bite, and bite no sooner than they must.

use std::collections::BTreeSet;

use super::*;
use crate::keeper::{Hold, Settled};
use crate::policy::{Budget, Team};

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
        uses: Vec::new(),
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
fn what_a_team_holds_fits_its_budget() {
    let held = |limit: &str, team: &str| {
        let mut case = case();
        let name = |text: &str| text.parse().expect("a name");
        case.policy.teams = vec![Team {
            name: name("lighting"),
            members: BTreeSet::new(),
            budget: Budget {
                daily: money(limit),
                ..Budget::default()
            },
            max: None,
        }];
        let mut hold = Hold::of("ann", at("07:57:00"));
        hold.team = Some(name(team));
        case.session().hold = Some(hold);
        case
    };
    // Held since 07:57, and with a lease of 25 minutes until 08:19 at the least: 2.20.
    held("2.2", "lighting").allows(&[extend(25)]);
    held("2.19", "lighting").forbids(&[extend(25)], BrokenRule::Budget);
    held("0.1", "layout").allows(&[extend(25)]);
    held("0.1", "lighting").allows(&[stop_in("a/0", OLD)]);
    let mut reserved = held("0.1", "lighting");
    reserved.session().reserved = Minutes::new(25);
    reserved.allows(&[extend(25)]);
    // What its people held before counts too, and what ended sessions cost them.
    let before = || {
        let mut hold = Hold::of("bob", at("07:55:00"));
        hold.team = "lighting".parse().ok();
        hold.use_until(at("07:56:00"))
    };
    for (limit, broken) in [("2.3", false), ("2.29", true)] {
        let mut case = held(limit, "lighting");
        case.session().uses = vec![before()];
        assert_eq!(!case.broken(&[extend(25)]).is_empty(), broken, "{limit}");
        let mut case = held(limit, "lighting");
        let mut ended = spent(LATER, 10);
        ended.uses = vec![before()];
        case.state.spent.add(&ended);
        assert_eq!(!case.broken(&[extend(25)]).is_empty(), broken, "{limit}");
    }
}
