//! Small states, and what a team can pay for and may hold in them.

use super::fixtures::{ago, id, intent, knowing, now, policy, pool, ready, slot, team};
use crate::keeper::state::{KeeperState, ManagedSession, StopAsked, Waiter};
use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Minutes, PoolName, Size, Span, TeamName, Timestamp};

fn name(text: &str) -> TeamName {
    text.parse().expect("a name")
}

/// Two pools, the second of them of servers of twice the price, and two teams: what a lease of 20
/// minutes costs is 2.00 in the first pool and 4.00 in the second.
fn teams(lighting: &str) -> Policy {
    let mut policy = policy();
    policy.pools.push(pool("b"));
    policy.pools[1].size = Size::Premium;
    policy.teams = vec![
        team("lighting", &["ann", "bob"], lighting),
        team("layout", &["carl", "dora"], "40"),
    ];
    policy
}

fn hold(client: &str, team: &str, since: Timestamp) -> Hold {
    Hold {
        team: Some(name(team)),
        ..Hold::of(client, since)
    }
}

/// Of the team lighting.
fn held(session: ManagedSession, client: &str) -> ManagedSession {
    ManagedSession {
        hold: Some(hold(client, "lighting", ago(4))),
        ..session
    }
}

fn waits(client: &str, team: &str, pool: &str, asked: i64) -> Waiter {
    Waiter {
        hold: hold(client, team, ago(11)),
        pool: pool.parse().expect("a pool"),
        asked: ago(asked),
    }
}

fn queued(waiters: impl IntoIterator<Item = Waiter>) -> KeeperState {
    let mut state = knowing([]);
    for waiter in waiters {
        state.queue.insert(waiter.hold.id, waiter);
    }
    state
}

fn a() -> PoolName {
    slot(0).pool
}

/// Whether a team's budget is in the way of what ann asks for.
fn is_too_dear(at: Timestamp, policy: &Policy, mut state: KeeperState) -> bool {
    match state.acquire(at, policy, &a(), "ann") {
        Ok(_) => false,
        Err(why) => {
            let why = why.to_string();
            assert!(why.contains("daily budget of team lighting"), "{why}");
            true
        }
    }
}

#[test]
fn a_lease_is_reserved_for_each_of_a_team_that_waits_and_at_its_own_price() {
    let refuses = |daily: &str, waiter: Waiter| is_too_dear(now(), &teams(daily), queued([waiter]));
    // Of use is a quarter of a lease, 0.50.
    assert!(refuses("2.40", waits("bob", "lighting", "a", 1)));
    assert!(!refuses("2.50", waits("bob", "lighting", "a", 1)));
    assert!(refuses("4.40", waits("bob", "lighting", "b", 1)));
    assert!(!refuses("4.50", waits("bob", "lighting", "b", 1)));
    assert!(
        refuses("4.40", waits("ann", "lighting", "b", 1)),
        "elsewhere"
    );
    assert!(
        !refuses("2.40", waits("ann", "lighting", "a", 1)),
        "her own"
    );
    assert!(!refuses("2.40", waits("bob", "lighting", "a", 10)), "left");
    assert!(!refuses("2.40", waits("carl", "layout", "a", 1)));
}

#[test]
fn a_hold_is_paid_for_besides_those_that_the_team_has() {
    // She would have 16 minutes of it for certain, and bob has his since it was Ready.
    let refuses = |daily: &str, state| is_too_dear(now(), &teams(daily), state);
    assert!(refuses("1.50", knowing([ready(0, 0)])));
    assert!(!refuses("1.60", knowing([ready(0, 0)])));
    let two = || knowing([ready(0, 0), held(ready(1, 0), "bob")]);
    assert!(refuses("3.50", two()));
    assert!(!refuses("3.60", two()));
    // A successor in another's slot is that one's, unless it is about to be stopped.
    let successor = |session| knowing([ready(0, 0), held(ready(1, 0), "bob"), session]);
    let booting = || ManagedSession {
        created: now(),
        starting_at: Some(now()),
        ..intent(1, 1)
    };
    assert!(refuses("5.50", successor(booting())));
    assert!(!refuses("5.60", successor(booting())));
    let stopping = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: now(),
            reason: Reason::Surplus,
        }),
        ..booting()
    };
    assert!(!refuses("3.60", successor(stopping)));
    let mut elsewhere = booting();
    (elsewhere.id, elsewhere.slot) = (id(2, 1), slot(2));
    assert!(!refuses("3.60", successor(elsewhere)), "it succeeds nobody");
}

/// Five minutes before midnight.
fn late() -> Timestamp {
    now() + Span::minutes(16 * 60 - 5)
}

/// Ready for four to five minutes of its 20 then, so that eleven of them may be tomorrow's.
fn ready_late(ordinal: u32) -> ManagedSession {
    ManagedSession {
        created: late() - Span::minutes(6),
        clock: LeaseClock::new(late() - Span::minutes(5), late() - Span::minutes(4)),
        ..ready(ordinal, 0)
    }
}

/// It is asked for then: with a boot timeout of a minute, 16 of its 20 minutes may be tomorrow's.
fn booting_late(ordinal: u32, n: u32) -> ManagedSession {
    ManagedSession {
        created: late(),
        starting_at: Some(late()),
        ..intent(ordinal, n)
    }
}

#[test]
fn what_boots_costs_a_team_tomorrow_as_much_as_its_pool_lets_it_boot() {
    let refuses = |daily: &str| {
        let mut policy = teams(daily);
        policy.pools[0].boot_timeout = Span::minutes(1);
        let bobs = ManagedSession {
            hold: Some(hold("bob", "lighting", late())),
            ..ready_late(1)
        };
        is_too_dear(
            late(),
            &policy,
            knowing([ready_late(0), bobs, booting_late(1, 1)]),
        )
    };
    // Eleven minutes, eleven, and sixteen.
    assert!(refuses("3.70"));
    assert!(!refuses("3.80"));
}

#[test]
fn who_asks_to_stay_until_tomorrow_shares_that_day_with_what_boots() {
    let refuses = |daily: &str| {
        let mut policy = policy();
        policy.budget.daily = daily.parse().ok();
        policy.pools[0].boot_timeout = Span::minutes(1);
        let anns = Hold::of("ann", late());
        let mut state = knowing([
            ManagedSession {
                hold: Some(anns.clone()),
                ..ready_late(0)
            },
            booting_late(1, 0),
        ]);
        let length = Span::minutes(40);
        let asked = state.snooze(late(), &policy, anns.id, None, length);
        asked.is_err()
    };
    // From the earliest Ready, 45 minutes: of these up to 36, and sixteen.
    assert!(refuses("5.10"));
    assert!(!refuses("5.20"));
}

#[test]
fn what_a_client_has_in_the_same_pool_says_its_team_and_elsewhere_it_does_not() {
    let mut policy = teams("40");
    policy.teams.push(team("guests", &[], "40"));
    let asks = |state: &KeeperState, named: Option<&TeamName>| {
        let claimant = Claimant {
            client: "ann",
            team: named,
            size: None,
        };
        let asked = state.clone().acquire(now(), &policy, &a(), claimant);
        asked.map(|(acquired, _)| match acquired {
            Acquired::Ready { team, .. } | Acquired::Waiting { team, .. } => team,
        })
    };
    let guest = |session| ManagedSession {
        hold: Some(hold("ann", "guests", ago(4))),
        ..session
    };
    let mut elsewhere = guest(ready(0, 0));
    elsewhere.slot.pool = pool("b").name;
    let (lighting, guests) = (name("lighting"), name("guests"));
    for (state, team) in [
        (knowing([guest(ready(0, 0))]), &guests),
        (queued([waits("ann", "guests", "a", 1)]), &guests),
        (knowing([elsewhere]), &lighting),
        (queued([waits("ann", "guests", "b", 1)]), &lighting),
    ] {
        assert_eq!(asks(&state, None), Ok(Some(team.clone())));
        assert_eq!(asks(&state, Some(team)), Ok(Some(team.clone())));
        let other = if team == &guests { &lighting } else { &guests };
        let asked = asks(&state, Some(other));
        match team == &guests {
            true => assert!(matches!(asked, Err(Refusal::OtherTeam { .. }))),
            false => assert_eq!(asked, Ok(Some(other.clone()))),
        }
    }
}

#[test]
fn a_team_is_full_by_what_its_own_people_hold_and_wait_for_now() {
    let mut policy = teams("40");
    policy.teams[0].max = Some(2);
    let full = |state: &mut KeeperState| {
        let asked = state.acquire(now(), &policy, &a(), "ann");
        matches!(asked, Err(Refusal::TeamFull { max: 2, .. }))
    };
    let with = |waiters: Vec<Waiter>| {
        let mut state = queued(waiters);
        let bobs = held(ready(1, 0), "bob");
        state.sessions.insert(bobs.id.clone(), bobs);
        state
    };
    let place = |asked| waits("bob", "lighting", "b", asked);
    assert!(!full(&mut with(vec![])));
    assert!(full(&mut with(vec![place(1)])));
    assert!(!full(&mut with(vec![place(10)])), "it has lapsed");
    assert!(!full(&mut with(vec![waits("carl", "layout", "a", 1)])));
}

#[test]
fn a_team_over_its_budget_loses_the_successor_before_the_session_that_its_people_use() {
    let stops = |daily: &str| {
        let mut policy = teams(daily);
        policy.pools[0].max_lifetime = Minutes::new(20);
        policy.pools[0].idle_timeout = None;
        let at = now() + Span::minutes(11);
        let successor = ManagedSession {
            seen: true,
            granted: Minutes::new(20),
            created: at,
            starting_at: Some(at),
            ..intent(0, 1)
        };
        let anns = held(ready(0, 0), "ann");
        let planned = plan(at, &policy, &knowing([anns, successor]));
        let stopped = planned
            .actions
            .into_iter()
            .filter_map(|action| match action {
                Action::Stop { id, .. } => Some(id),
                _ => None,
            });
        stopped.collect::<Vec<_>>()
    };
    // Two leases of 2.00 each.
    assert_eq!(stops("4.00"), []);
    assert_eq!(stops("3.90"), [id(0, 1)]);
    assert_eq!(stops("1.90"), [id(0, 1), id(0, 0)]);
}
