//! What is loaded: the owner's own, as it was written, and no more.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::arbitrary::*;
use super::testing::*;
use crate::arr::limits::LIMITS;
use crate::keeper::{
    Boots, BudgetScope, Changes, Event, EventKind, Hold, KeeperState, Period, PeriodKind, Spent,
};
use crate::ledger::Ledger;
use crate::units::{Owner, Span};

#[test]
fn an_intent_comes_back_with_the_body_of_its_create_and_without_its_clock() {
    let mut ledger = ledger();
    let now = at("2026-03-02T08:00:00Z");
    let intended = intent("s", "a/0", now);
    ledger
        .write(&owner(), now, &live(intended.clone()), &[])
        .expect("writes");
    let keeper = ledger.load(&owner(), Tz::UTC, LIMITS, now).expect("loads");
    assert_eq!(keeper.sessions.values().collect::<Vec<_>>(), [&intended]);
    assert_eq!(
        (keeper.fresh, keeper.listed_at, keeper.seed),
        (false, None, FRESH.seed)
    );
}

#[test]
fn who_held_a_session_when_is_known_again_while_it_lives_and_once_it_has_ended() {
    let mut ledger = ledger();
    let now = at("2026-03-02T08:00:00Z");
    let used = |client: &str, minutes: i64| {
        let mut hold = Hold::of(client, now + Span::minutes(minutes));
        hold.team = "lighting".parse().ok();
        hold.use_until(now + Span::minutes(minutes + 5))
    };
    let mut changes = live(intent("s", "a/0", now));
    let uses = [used("ann", 1), used("bob", 10)];
    let numbered = uses.iter().enumerate();
    changes.uses = numbered
        .map(|(n, used)| (session("s"), n, used.clone()))
        .collect();
    ledger.write(&owner(), now, &changes, &[]).expect("writes");
    let load = |ledger: &Ledger| {
        let loaded = ledger.load(&owner(), Tz::UTC, LIMITS, now);
        loaded.expect("loads")
    };
    assert_eq!(load(&ledger).sessions[&session("s")].uses, uses);

    // Moved with the clock, or cut to what was billed: the newest account counts.
    let mut account = settled("s", "a/0", now, 12, "6");
    account.uses = vec![used("ann", 1), used("bob", 7)];
    ledger
        .write(&owner(), now, &ended(vec![account]), &[])
        .expect("writes");
    let spent = |ledger: &Ledger| {
        let team = BudgetScope::Team("lighting".parse().expect("a team"));
        let day = Period::containing(PeriodKind::Day, now, Tz::UTC).start;
        let spent = load(ledger).spent.in_scope(PeriodKind::Day, day, &team);
        spent.to_money(2).to_string()
    };
    assert_eq!(spent(&ledger), "1.00");
    // What took effect after its account was closed is not used twice.
    ledger
        .write(&owner(), now, &live(intent("s", "a/0", now)), &[])
        .expect("writes");
    assert_eq!(load(&ledger).sessions[&session("s")].uses, []);
    assert_eq!(spent(&ledger), "1.00");
}

#[test]
fn the_latest_boots_of_each_pool_are_known_again() {
    let now = at("2026-03-02T08:00:00Z");
    let ready = |pool: &str, seconds: i64| Event {
        at: now,
        slot: Some(slot(&format!("{pool}/0"))),
        session: Some(session("s")),
        what: EventKind::Ready {
            address: None,
            after: Span::seconds(seconds),
            ends: now,
        },
    };
    let booting = Event {
        what: EventKind::Booting,
        ..ready("a", 0)
    };
    let mut events = vec![ready("a", 600), ready("b", 90)];
    events.extend((0..20).flat_map(|n| [ready("a", 40 + n), booting.clone()]));
    let mut ledger = ledger();
    ledger
        .write(&owner(), now, &Changes::default(), &events)
        .expect("writes");
    let loaded = ledger.load(&owner(), Tz::UTC, LIMITS, now).expect("loads");
    let mut expected = Boots::default();
    (0..20).for_each(|n| expected.note(&slot("a/0").pool, Span::seconds(40 + n)));
    expected.note(&slot("b/0").pool, Span::seconds(90));
    assert_eq!(loaded.boots, expected);
}

#[test]
fn of_another_owner_what_may_live_and_what_was_spent_is_loaded_and_nothing_else() {
    let mut ledger = ledger();
    let now = at("2026-03-02T08:00:00Z");
    let other = Owner::new("studio8").expect("an owner");
    let mut changes = live(intent("studio8-a-0-x", "a/0", now));
    changes.slots.push((
        slot("a/0"),
        crate::keeper::SlotState {
            drawn: 3,
            ..Default::default()
        },
    ));
    changes
        .settled
        .push(settled("studio8-a-1-x", "a/1", now, 5, "6"));
    ledger.write(&other, now, &changes, &[]).expect("writes");
    let theirs = ledger.load(&other, Tz::UTC, LIMITS, now).expect("loads");
    let ours = ledger.load(&owner(), Tz::UTC, LIMITS, now).expect("loads");
    assert_eq!((theirs.slots.len(), ours.slots.len()), (1, 0));
    for keeper in [&theirs, &ours] {
        assert_eq!((keeper.sessions.len(), keeper.ended.len()), (1, 1));
        assert_ne!(keeper.spent, Spent::new(Tz::UTC));
    }
}

#[test]
fn the_book_of_spend_covers_this_month_and_the_last_in_the_budgets_own_zone() {
    let mut ledger = ledger();
    let zone = chrono_tz::Asia::Tokyo;
    // February begins in Tokyo at 15:00 UTC of 31 January; the first two sessions touch it, the
    // third does not.
    let across = settled("s0", "a/0", at("2026-01-31T14:50:00Z"), 20, "6");
    let newest = settled("s1", "b/0", at("2026-03-02T07:00:00Z"), 30, "6");
    let mut late = settled("s2", "a/1", at("2026-01-20T12:00:00Z"), 60, "6");
    late.ready = None;
    let all = vec![across.clone(), newest.clone(), late];
    ledger
        .write(&owner(), newest.ended, &ended(all), &[])
        .expect("writes");
    let now = at("2026-03-02T08:00:00Z");
    let keeper: KeeperState = ledger.load(&owner(), zone, LIMITS, now).expect("loads");
    let mut spent = Spent::new(zone);
    spent.add(&across);
    spent.add(&newest);
    assert_eq!(keeper.spent, spent);
    assert_eq!(keeper.ended.keys().collect::<Vec<_>>(), [&newest.id]);
    assert_eq!(ledger.spent(Tz::UTC, now).expect("reads").zone(), Tz::UTC);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn changes_load_the_same_written_at_once_or_in_pieces(
        steps in proptest::collection::vec(any_changes(), 1..8),
    ) {
        let (mut whole, mut pieces, mut kept) = (ledger(), ledger(), Kept::default());
        for changes in &steps {
            kept.apply(changes);
            whole.write(&owner(), FRESH.made, changes, &[]).expect("writes");
            for piece in split(changes) {
                pieces.write(&owner(), FRESH.made, &piece, &[]).expect("writes");
            }
        }
        prop_assert_eq!(&Kept::of(&whole), &kept);
        prop_assert_eq!(&Kept::of(&pieces), &kept);
    }
}

fn split(changes: &Changes) -> Vec<Changes> {
    let none = Changes::default;
    let sessions = changes.sessions.iter().map(|k| live(k.clone()));
    let slots = changes.slots.iter().map(|s| Changes {
        slots: vec![s.clone()],
        ..none()
    });
    let settled = changes.settled.iter().map(|s| ended(vec![s.clone()]));
    let dropped = changes.dropped.iter().map(|id| Changes {
        dropped: vec![id.clone()],
        ..none()
    });
    let waiting = changes.waiting.iter().map(|waiter| Changes {
        waiting: vec![waiter.clone()],
        ..none()
    });
    let left = changes.left.iter().map(|hold| Changes {
        left: vec![*hold],
        ..none()
    });
    let keys = changes.keys.iter().map(|key| Changes {
        keys: vec![key.clone()],
        ..none()
    });
    let renamed = changes.renamed.iter().map(|names| Changes {
        renamed: vec![names.clone()],
        ..none()
    });
    let alerts = changes.alerts.iter().map(|told| Changes {
        alerts: Some(told.clone()),
        ..none()
    });
    sessions
        .chain(slots)
        .chain(settled)
        .chain(dropped)
        .chain(waiting)
        .chain(left)
        .chain(keys)
        .chain(renamed)
        .chain(alerts)
        .collect()
}
