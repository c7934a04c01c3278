//! The arithmetic of reservations: from when to when a session can be billed, and what fits.

use super::{CostWindow, Fit, Request, Reservations, TeamShare};
use crate::keeper::lease::LeaseClock;
use crate::keeper::scope::{BudgetKind, BudgetScope};
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::keeper::tests::fixtures::{LIMITS, policy, pool, ready};
use crate::keeper::{Hold, Reason, Status};
use crate::policy::{Budget, Policy, Team};
use crate::units::{Minutes, Money, Price, SessionId, Size, Span, TeamName, Timestamp};

const BOOT: Span = Span::minutes(10);

fn at(text: &str) -> Timestamp {
    format!("2026-03-02T{text}Z").parse().expect("an instant")
}

fn minutes(n: u32) -> Minutes {
    Minutes::new(n)
}

fn money(text: &str) -> Option<Money> {
    text.parse().ok()
}

/// A session that was asked for at 08:00 with a lease of 20 minutes.
fn session() -> ManagedSession {
    ManagedSession::intended(
        SessionId::new("st-a-0-x").expect("an id"),
        "a/0".parse().expect("a slot"),
        None,
        Size::Standard,
        minutes(20),
        at("08:00:00"),
    )
}

fn window(earliest: &str, latest: &str, length: u32) -> CostWindow {
    CostWindow {
        earliest: at(earliest),
        latest: at(latest),
        length: minutes(length),
    }
}

#[test]
fn a_session_is_billed_from_when_it_can_have_become_ready() {
    let now = at("08:30:00");
    let adopted = |granted| ManagedSession {
        status: Status::Ready,
        elapsed: minutes(10),
        granted: minutes(granted),
        ..session()
    };
    let clock = LeaseClock::new(at("08:01:00"), at("08:02:00"));
    for (session, length, expected) in [
        // Measured.
        (
            ManagedSession {
                status: Status::Ready,
                clock,
                ..session()
            },
            30,
            window("08:01:00", "08:02:00", 30),
        ),
        // Listed as Ready, and not measured: at least the minutes that the list says, at most as
        // old as the longer of its two leases.
        (adopted(20), 30, window("07:50:00", "08:20:00", 30)),
        (adopted(40), 30, window("07:40:00", "08:20:00", 30)),
        // Booting: since its own start is known, or since it was asked for.
        (
            ManagedSession {
                starting_at: Some(at("08:03:00")),
                ..session()
            },
            20,
            window("08:03:00", "08:30:00", 20),
        ),
        (session(), 20, window("08:00:00", "08:30:00", 20)),
    ] {
        let found = CostWindow::of(&session, BOOT, now, minutes(length));
        assert_eq!(found, expected);
    }
    let early = CostWindow::of(&session(), BOOT, at("08:01:00"), minutes(20));
    assert_eq!(
        early,
        window("08:00:00", "08:10:00", 20),
        "while it may still boot"
    );
    let asked = CostWindow::asked_now(now, BOOT, minutes(20));
    assert_eq!(asked, window("08:30:00", "08:40:00", 20));
    assert_eq!(asked.ends(), at("09:00:00"));
}

#[test]
fn what_is_left_of_a_window_is_its_lease_until_it_can_run_down() {
    let window = window("08:00:00", "08:10:00", 20);
    for (now, left) in [
        ("08:00:00", 20),
        ("08:10:00", 20),
        ("08:10:01", 20),
        ("08:11:00", 19),
        ("08:29:30", 1),
        ("08:30:00", 0),
        ("09:00:00", 0),
    ] {
        assert_eq!(window.remaining(at(now)), minutes(left), "{now}");
    }
}

/// Six an hour, so ten minutes cost one.
fn six() -> Price {
    "6".parse().expect("a price")
}

/// Two pools, the first with a daily budget of its own.
fn two_pools(daily: &str) -> Policy {
    let mut policy = policy();
    policy.pools.push(pool("b"));
    policy.pools[0].budget.daily = money(daily);
    policy
}

fn open<'a>(policy: &'a Policy, now: Timestamp) -> Reservations<'a> {
    let state = KeeperState::new(policy.owner.clone(), 0, LIMITS);
    Reservations::open(policy, &state, now)
}

fn request(pool: usize, asked: CostWindow, before: Option<CostWindow>) -> Request {
    Request {
        pool: Some(pool),
        team: None,
        price: six(),
        asked,
        before,
        least: minutes(1),
        least_exposed: minutes(1),
    }
}

#[test]
fn what_is_asked_for_is_cut_to_what_fits_to_the_minute() {
    let policy = two_pools("2");
    let now = at("08:00:00");
    let whole = window("08:00:00", "08:10:00", 20);
    let mut reservations = open(&policy, now);
    assert_eq!(reservations.request(request(0, whole, None)), Fit::Whole);
    let Fit::Refused(Reason::Budget {
        limit,
        committed,
        request: more,
        until,
        ..
    }) = reservations.request(request(0, whole, None))
    else {
        panic!("nothing is left");
    };
    assert_eq!((limit, committed, more), tuple("2", "2", "2"));
    assert_eq!(
        until,
        Some("2026-03-03T00:00:00Z".parse().expect("an instant"))
    );
    // Where a pool has a bound, another one's is its own.
    assert_eq!(reservations.request(request(1, whole, None)), Fit::Whole);

    let mut reservations = open(&policy, now);
    assert_eq!(
        reservations.request(request(0, window("08:00:00", "08:10:00", 13), None)),
        Fit::Whole
    );
    let Fit::Shortened(fits, by) = reservations.request(request(0, whole, None)) else {
        panic!("seven minutes are left");
    };
    assert_eq!((fits, by.kind), (minutes(7), BudgetKind::Day));
    assert!(matches!(by.scope, BudgetScope::Pool(_)));
}

fn tuple(limit: &str, committed: &str, request: &str) -> (Money, Money, Money) {
    let [a, b, c] = [limit, committed, request].map(|t| money(t).expect("an amount"));
    (a, b, c)
}

#[test]
fn a_renewal_adds_what_it_adds_and_one_that_adds_nothing_fits_even_where_nothing_does() {
    let policy = two_pools("2");
    let mut reservations = open(&policy, at("08:00:00"));
    let had = window("08:00:00", "08:01:00", 30);
    reservations.enter(Some(0), six(), had, None);
    assert_eq!(
        reservations.request(request(0, had, Some(had))),
        Fit::Whole,
        "over it as it is"
    );
    let longer = window("08:00:00", "08:01:00", 31);
    let of_use = Request {
        least: minutes(31),
        ..request(0, longer, Some(had))
    };
    assert!(matches!(reservations.request(of_use), Fit::Refused(_)));
}

#[test]
fn a_lease_over_midnight_is_charged_in_each_day_with_the_most_that_can_fall_there() {
    let policy = two_pools("1");
    let now = at("23:50:00");
    // It may begin at 23:50 and have ten minutes today, or at midnight and have twenty tomorrow.
    let asked = CostWindow {
        latest: now + Span::minutes(10),
        ..window("23:50:00", "23:50:00", 20)
    };
    let mut reservations = open(&policy, now);
    let Fit::Shortened(fits, _) = reservations.request(request(0, asked, None)) else {
        panic!("twenty minutes tomorrow do not fit");
    };
    assert_eq!(fits, minutes(10));
}

#[test]
fn what_is_certainly_too_much_is_told_of_its_own_pool_and_can_be_relieved() {
    let policy = two_pools("2");
    let ready = window("08:00:00", "08:00:00", 30);
    let mut reservations = open(&policy, at("08:05:00"));
    reservations.enter(Some(0), six(), ready, None);
    let (exceeded, why) = reservations.exceeded().expect("three of two");
    assert!(matches!(why, Reason::OverBudget { .. }));
    assert!(reservations.concerns(exceeded, 0, None));
    assert!(
        !reservations.concerns(exceeded, 1, None),
        "another pool's sessions do not help"
    );
    assert!(
        !reservations.relieve(exceeded, 0, six(), None, ready, minutes(30)),
        "nothing is saved"
    );
    assert!(reservations.exceeded().is_some());
    assert!(reservations.relieve(exceeded, 0, six(), None, ready, minutes(5)));
    assert!(reservations.exceeded().is_none());

    // What is stopping already is certain only as far as it goes.
    let mut reservations = open(&policy, at("08:05:00"));
    reservations.enter(Some(0), six(), ready, Some(minutes(6)));
    assert!(reservations.exceeded().is_none());
    reservations.enter(Some(0), six(), window("08:00:00", "08:00:00", 15), None);
    let (exceeded, _) = reservations.exceeded().expect("0.60 and 1.50");
    reservations.accept(exceeded);
    assert!(reservations.exceeded().is_none(), "nothing more can help");
}

#[test]
fn the_edge_of_the_day_is_looked_at_where_anything_is_bounded() {
    let (now, midnight) = (
        at("08:00:00"),
        "2026-03-03T00:00:00Z".parse().expect("an instant"),
    );
    assert_eq!(open(&two_pools("2"), now).next_edge(), Some(midnight));
    assert_eq!(open(&policy(), now).next_edge(), None);
    let mut exposed = policy();
    exposed.budget.max_exposure = money("5");
    assert_eq!(open(&exposed, now).next_edge(), None, "it knows no days");
}

#[test]
fn each_day_and_month_that_a_request_can_touch_is_bounded_by_itself() {
    let now = at("08:00:00");
    let in_april = "2026-04-01T00:05:00Z".parse().expect("an instant");
    let days = |n: i64| now + Span::hours(24 * n);
    for (is_daily, begins) in [
        (true, now),
        (true, days(1)),
        (true, days(2)),
        (false, days(2)),
        (false, in_april),
    ] {
        let mut policy = policy();
        if is_daily {
            policy.budget.daily = money("1");
        } else {
            policy.budget.monthly = money("1");
        }
        let asked = CostWindow {
            earliest: begins,
            latest: begins,
            length: minutes(20),
        };
        let mut reservations = open(&policy, now);
        let Fit::Shortened(fits, by) = reservations.request(request(0, asked, None)) else {
            panic!("twenty minutes from {begins} cost two");
        };
        assert_eq!(fits, minutes(10), "from {begins}");
        assert_eq!(by.kind == BudgetKind::Day, is_daily);
    }
}

#[test]
fn what_a_stop_saves_is_taken_back_to_the_cent_and_only_where_it_counts() {
    let policy = two_pools("2");
    let ready = |length| window("08:00:00", "08:00:00", length);
    let mut reservations = open(&policy, at("08:05:00"));
    reservations.enter(Some(0), six(), ready(20), None);
    assert!(reservations.exceeded().is_none(), "all of it is spent");
    reservations.enter(Some(0), six(), ready(10), None);
    let (exceeded, _) = reservations.exceeded().expect("three of two");
    let stopped = |reservations: &mut Reservations<'_>, pool| {
        reservations.relieve(exceeded, pool, six(), None, ready(20), minutes(5))
    };
    assert!(!stopped(&mut reservations, 1), "another pool's");
    assert!(stopped(&mut reservations, 0));
    // 0.50 and 1.00 of 2.00.
    reservations.enter(Some(0), six(), ready(5), None);
    assert!(reservations.exceeded().is_none());
    reservations.enter(Some(0), six(), ready(1), None);
    assert!(reservations.exceeded().is_some());
}

#[test]
fn what_a_team_cannot_pay_is_relieved_by_what_its_people_hold_and_by_nothing_else() {
    let mut policy = two_pools("40");
    let name: TeamName = "lighting".parse().expect("a name");
    policy.teams.push(Team {
        name: name.clone(),
        members: [].into(),
        budget: Budget {
            daily: money("1"),
            ..Budget::default()
        },
        max: None,
    });
    let since = at("08:10:00");
    let mut held = ready(0, 0);
    held.hold = Some(Hold {
        team: Some(name),
        ..Hold::of("ann", since)
    });
    let ready = window("08:00:00", "08:00:00", 30);
    let share = TeamShare::of(&policy, &held).expect("a team's");
    let mut reservations = open(&policy, at("08:15:00"));
    reservations.enter_uses(&held, Some(share), ready, None);
    let (exceeded, _) = reservations.exceeded().expect("two of one");
    assert!(reservations.concerns(exceeded, 0, Some(share)));
    assert!(
        reservations.concerns(exceeded, 1, Some(share)),
        "in any pool"
    );
    assert!(!reservations.concerns(exceeded, 0, None));
    assert!(!reservations.relieve(exceeded, 0, six(), None, ready, minutes(15)));
    assert!(reservations.exceeded().is_some());
    // Of fifteen minutes it has held the last five.
    assert!(reservations.relieve(exceeded, 0, six(), Some(share), ready, minutes(15)));
    assert!(reservations.exceeded().is_none());
    let used = |length| CostWindow {
        earliest: since,
        latest: since,
        length: minutes(length),
    };
    reservations.enter_uses(&held, Some(share), used(5), None);
    assert!(reservations.exceeded().is_none(), "all of it is spent");
    reservations.enter_uses(&held, Some(share), used(1), None);
    assert!(reservations.exceeded().is_some());
}
