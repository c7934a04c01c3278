//! Stories of teams: who pays for what from when, and who is answered before anything boots.

use insta::assert_snapshot;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::fixtures::team;
use super::world::{TestWorld, policy, pool};
use crate::keeper::scope::BudgetScope;
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Cost, HoldId, Minutes, SessionId, Span, TeamName, Timestamp};

fn name(text: &str) -> TeamName {
    text.parse().expect("a name")
}

/// Two teams of two that share a pool which is empty unless somebody asks: 6.00 an hour, in leases
/// of 20 minutes.
fn teams(lighting: &str, layout: &str) -> Policy {
    let mut policy = policy();
    policy.pools[0].min = 0;
    policy.teams = vec![
        team("lighting", &["ann", "bob"], lighting),
        team("layout", &["carl", "dora"], layout),
    ];
    policy
}

fn ready(acquired: Result<Acquired, Refusal>) -> (HoldId, SessionId) {
    match acquired {
        Ok(Acquired::Ready { hold, id, .. }) => (hold, id),
        other => panic!("{other:?}"),
    }
}

fn waits(acquired: Result<Acquired, Refusal>) -> u32 {
    match acquired {
        Ok(Acquired::Waiting { place, .. }) => place,
        other => panic!("{other:?}"),
    }
}

fn refused(acquired: Result<Acquired, Refusal>) -> String {
    acquired.expect_err("refused").to_string()
}

/// A client waits until it has a session.
fn gets(world: &mut TestWorld, client: &str) -> (HoldId, SessionId) {
    if let Ok(Acquired::Ready { hold, id, .. }) = world.ask(client) {
        return (hold, id);
    }
    world.run(Span::seconds(45));
    ready(world.ask(client))
}

#[test]
fn a_team_whose_budget_is_spent_loses_its_lease_and_the_other_team_keeps_its_own() {
    let mut world = TestWorld::new(teams("2.50", "40"));
    world.run(Span::seconds(1));
    let (hold, _) = gets(&mut world, "ann");
    gets(&mut world, "carl");
    for _ in 0..40 {
        world.run(Span::minutes(1));
        for client in ["ann", "carl"] {
            let _ = world.ask(client);
        }
    }
    assert_eq!(
        refused(world.ask("ann")),
        "pool a gives no session now: the daily budget of team lighting of 2.50 EUR has 2.50 \
         committed and cannot take 2.00 more; it begins again at 2026-03-03T00:00:00Z"
    );
    assert_snapshot!(world.told().replace(&hold.to_string(), "hold"));
}

#[test]
fn who_cannot_pay_for_a_lease_is_answered_before_anything_boots() {
    let mut world = TestWorld::new(teams("0.40", "40"));
    world.run(Span::seconds(1));
    // A quarter of a lease of 20 minutes is 0.50.
    let why = refused(world.ask("ann"));
    assert!(why.contains("daily budget of team lighting"), "{why}");
    world.run(Span::minutes(2));
    assert!(!world.told().contains("creating"));
    assert!(world.state.queue.is_empty());
    assert_eq!(
        waits(world.ask("carl")),
        1,
        "another team's budget is its own"
    );
    assert_eq!(waits(world.ask("eve")), 2, "who is in no team has none");
}

#[test]
fn a_lease_that_is_waited_for_is_reserved_for_whoever_waits() {
    let mut world = TestWorld::new(teams("2.30", "40"));
    world.run(Span::seconds(1));
    assert_eq!(waits(world.ask("ann")), 1);
    let why = refused(world.ask("bob"));
    assert!(why.contains("team lighting"), "0.30 is left for him: {why}");
    assert_eq!(
        waits(world.ask("ann")),
        1,
        "her own place does not stand in her way"
    );
}

#[test]
fn a_session_whose_lease_a_team_cannot_pay_for_is_not_given_to_it() {
    let mut policy = teams("1.90", "40");
    policy.pools[0].spare = 1;
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(1));
    let why = refused(world.ask("ann"));
    assert!(
        why.contains("team lighting"),
        "twenty minutes are left, at 2.00: {why}"
    );
    ready(world.ask("carl"));
}

#[test]
fn a_team_pays_from_when_its_people_hold_a_session_until_they_do_not() {
    let mut policy = teams("40", "40");
    policy.pools[0].spare = 1;
    let mut world = TestWorld::new(policy);
    world.run(Span::minutes(10));
    let committed = |world: &TestWorld| {
        let planned = plan(world.now, &world.policy, &world.state);
        let lines = planned.budgets.into_iter();
        let told = lines.map(|line| format!("{} {}", line.budget, line.committed.to_money(2)));
        told.collect::<Vec<_>>().join(", ")
    };
    let nothing = "daily budget of team lighting 0.00, daily budget of team layout 0.00";
    assert_eq!(committed(&world), nothing);
    let (hold, _) = ready(world.ask("ann"));
    world.run(Span::minutes(5));
    let reserved = committed(&world);
    assert!(!reserved.contains("team lighting 0.00"), "{reserved}");
    let hold = HoldRef::Hold(hold);
    let event = world.state.release(world.now, &hold, "ann").expect("hers");
    world.tell(&[event]);
    // Five minutes at 6.00 an hour, to the day's end, whatever becomes of the session.
    let spent = "daily budget of team lighting 0.50, daily budget of team layout 0.00";
    assert_eq!(committed(&world), spent);
    ready(world.ask("carl"));
    world.run(Span::hours(3));
    let later = committed(&world);
    assert!(
        later.starts_with("daily budget of team lighting 0.50,"),
        "{later}"
    );
}

#[test]
fn a_team_has_no_more_sessions_than_it_may_and_a_place_counts_as_one() {
    let mut policy = teams("40", "40");
    policy.teams[0].max = Some(1);
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(1));
    assert_eq!(waits(world.ask("ann")), 1);
    let full = "team lighting has all its 1 sessions";
    assert_eq!(refused(world.ask("bob")), full);
    gets(&mut world, "ann");
    assert_eq!(refused(world.ask("bob")), full);
    let (hold, _) = ready(world.ask("ann"));
    world
        .state
        .release(world.now, &HoldRef::Hold(hold), "ann")
        .expect("hers");
    world.run(Span::minutes(16));
    assert_eq!(waits(world.ask("bob")), 1);
}

#[test]
fn a_team_that_is_named_counts_if_the_client_may_name_it() {
    let mut policy = teams("40", "40");
    policy.teams.push(team("guests", &[], "40"));
    policy.pools.push(pool("b"));
    policy.pools[1].min = 0;
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(1));
    let names = |client, team: Option<&'static TeamName>| Claimant {
        client,
        team,
        size: None,
    };
    let [guests, layout, other]: [&'static TeamName; 3] =
        ["guests", "layout", "other"].map(|text| &*Box::leak(Box::new(name(text))));
    let of = |acquired: Result<Acquired, Refusal>| match acquired {
        Ok(Acquired::Waiting { team, .. }) => team.map(|team| team.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(world.ask("ann")).as_deref(), Some("lighting"));
    assert_eq!(of(world.ask("eve")), None);
    let asked = world.ask_for(0, names("fay", Some(guests)));
    assert_eq!(of(asked).as_deref(), Some("guests"));
    assert_eq!(
        of(world.ask("fay")).as_deref(),
        Some("guests"),
        "she need not say it again"
    );
    let asked = world.ask_for(1, names("ann", Some(guests)));
    assert_eq!(of(asked).as_deref(), Some("guests"), "in another pool");
    let refusals = [
        world.ask_for(0, names("ann", Some(layout))),
        world.ask_for(0, names("ann", Some(other))),
        world.ask_for(0, names("ann", Some(guests))),
        world.ask_for(0, names("eve", Some(guests))),
    ];
    let hidden = |text: String| {
        let words = text.split(' ').map(|word| match word.starts_with("hold-") {
            true => "hold",
            false => word,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        refusals.map(refused).map(hidden),
        [
            "ann is not a member of team layout",
            "the policy has no team other; it has lighting, layout, guests",
            "hold counts to team lighting",
            "hold counts to no team",
        ]
    );
}

#[test]
fn a_team_pays_no_longer_than_the_lease_for_what_ended_while_no_daemon_ran() {
    let mut world = TestWorld::new(teams("40", "40"));
    world.run(Span::seconds(1));
    gets(&mut world, "ann");
    world.run(Span::minutes(5));
    world.crash();
    world.now += Span::hours(2);
    world.run(Span::seconds(1));
    let used = &world.settled[0].uses[..];
    assert!(world.settled[0].ready.is_none(), "nobody saw when it ended");
    let held: Vec<Span> = used.iter().map(|used| used.to - used.from).collect();
    // Ready at most five seconds before she was given it 15 seconds later.
    assert_eq!(held, [Span::minutes(20) - Span::seconds(15)]);
}

/// Of sessions that live for 40 minutes ann's is handed over to its successor as far as her team
/// can pay for that.
fn successor(budget: &str) -> String {
    let mut policy = teams(budget, "40");
    policy.pools[0].idle_timeout = None;
    policy.pools[0].max_lifetime = Minutes::new(40);
    let mut world = TestWorld::new(policy);
    world.run(Span::seconds(1));
    gets(&mut world, "ann");
    world.run(Span::minutes(45));
    world.told()
}

#[test]
fn a_successor_is_handed_over_with_no_longer_a_lease_than_its_team_can_pay_for() {
    assert_snapshot!(successor("4.80"));
}

#[test]
fn a_successor_that_its_team_cannot_pay_for_is_not_asked_for() {
    assert_snapshot!(successor("4.30"));
}

/// What the holds of a team cost in a period at the worst: of those that go on, until their leases
/// end.
fn worst_of(world: &TestWorld, team: &TeamName, period: Period) -> Cost {
    let uses = |session: &Session, end: Timestamp| {
        let live = world.state.sessions.get(&session.id);
        let live = live.map(|k| k.uses_until(end.max(world.now)).collect::<Vec<_>>());
        let mut ended = world.settled.iter();
        let ended = ended.find(|s| s.id == session.id).map(|s| s.uses.clone());
        live.or(ended).unwrap_or_default()
    };
    let mut sum = Cost::ZERO;
    for (session, ready, _) in world.hosted() {
        let end = ready + session.max_lease.span();
        let uses = uses(session, end).into_iter();
        for used in uses.filter(|used| used.team.as_ref() == Some(team)) {
            let held = period.overlap(used.from.max(ready), used.to.min(end));
            sum += world
                .policy
                .prices
                .of(&session.size)
                .cost(held.floor_minutes());
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_holds_and_no_crash_makes_a_team_pay_more_than_its_budget(
        start in 0i64..(40 * 24 * 60),
        budgets in (5u32..60, 5u32..60),
        lifetime in 30u32..200,
        events in proptest::collection::vec((0u8..9, 0usize..4, 1i64..40), 1..60),
    ) {
        let money = |tenths: u32| format!("{}.{}", tenths / 10, tenths % 10);
        let mut policy = teams(&money(budgets.0), &money(budgets.1));
        policy.pools[0].spare = 1;
        policy.pools[0].max_lifetime = Minutes::new(lifetime);
        policy.teams[0].budget.monthly = TestWorld::money(&money(budgets.0 * 2));
        let mut world = TestWorld::new(policy);
        world.now += Span::minutes(start);
        let mut held: Vec<(HoldId, &str)> = Vec::new();
        for (what, client, minutes) in events {
            let client = ["ann", "bob", "carl", "dora"][client];
            match what {
                0..4 => if let Ok(Acquired::Ready { hold, .. }) = world.ask(client) {
                    held.push((hold, client));
                },
                4 => if let Some((hold, client)) = held.pop() {
                    let _ = world.state.release(world.now, &HoldRef::Hold(hold), client);
                },
                5 => world.crash(),
                _ => world.run(Span::minutes(minutes)),
            }
            world.settle_servers();
            for team in world.policy.teams.clone() {
                for kind in [PeriodKind::Day, PeriodKind::Month] {
                    let scope = BudgetScope::Team(team.name.clone());
                    let budget = scope.budget(&world.policy);
                    let limit = match kind {
                        PeriodKind::Day => budget.daily_cost(),
                        PeriodKind::Month => budget.monthly_cost(),
                    };
                    let Some(limit) = limit else { continue };
                    let yesterday: Timestamp = world.now - Span::hours(24);
                    let mut period = Period::containing(kind, yesterday, chrono_tz::Tz::UTC);
                    for _ in 0..3 {
                        let worst = worst_of(&world, &team.name, period);
                        prop_assert!(
                            worst <= limit,
                            "{}: {} of {} from {}\n{}",
                            team.name, worst.to_money(2), limit.to_money(2), period.start,
                            world.told(),
                        );
                        period = period.next(kind, chrono_tz::Tz::UTC);
                    }
                }
            }
        }
    }
}
