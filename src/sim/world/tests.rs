//! Tests of the world itself: that it runs, and that it is the same for the same seed.

use super::*;
use crate::arr::limits::LIMITS;
use crate::keeper::Target;
use crate::ledger::{EventFilter, Ledger};
use crate::policy::{Policy, load};
use crate::units::{Span, Timestamp};

/// A pass every five minutes, and what two sessions need that boot and end every three quarters of
/// an hour.
const MOST_PASSES_AN_HOUR: u64 = 150;

pub(super) fn start() -> Timestamp {
    "2026-03-02T06:00:00Z".parse().expect("an instant")
}

fn studio(pools: usize, interval: &str) -> Policy {
    load("p", &studio_text(pools, interval))
        .expect("a policy")
        .policy
}

fn studio_text(pools: usize, interval: &str) -> String {
    let mut text = format!(
        "owner = \"st\"\n\
         [service]\nendpoint = \"https://rendering.example\"\n\
         account_id = \"00000000-0000-0000-0000-000000000000\"\n\
         [auth]\nmethod = \"token\"\ntoken_env = \"T\"\n\
         [reconcile]\ninterval = \"{interval}\"\n\
         [prices]\ncurrency = \"EUR\"\nstandard = \"3\"\npremium = \"10\"\n\
         [budget]\ndaily = \"4000\"\n"
    );
    for pool in 0..pools {
        text += &format!(
            "[[pool]]\nname = \"p{pool}\"\nmin = 1\nmax = 6\nspare = 1\n\
             lease = \"20m\"\nidle_timeout = \"15m\"\n\
             schedule = [\"Mon-Fri 08:00-18:00 Europe/Berlin\"]\n"
        );
    }
    text
}

fn month(pools: usize, clients: usize, days: i64, interval: &str, config: SimConfig) -> World {
    let mut world = World::new(studio(pools, interval), 7, start(), config).expect("a world");
    for day in 0..days {
        for client in 0..clients {
            let from =
                start() + Span::hours(24 * day) + Span::minutes(90 + (client as i64 * 7) % 360);
            let pool = format!("p{}", client % pools).parse().expect("a name");
            world.visit(
                format!("c{client}"),
                pool,
                from,
                from + Span::minutes(45 + (client as i64 % 5) * 30),
            );
        }
    }
    world.run_until(start() + Span::hours(24 * days));
    world
}

#[test]
fn a_calm_week_serves_every_client_that_comes_while_the_pool_is_open() {
    let world = month(3, 12, 7, "1m", SimConfig::default());
    let weekdays = world
        .clients
        .visits
        .iter()
        .filter(|v| v.from < start() + Span::hours(24 * 5));
    for visit in weekdays {
        assert!(
            visit.progress.waited.is_some_and(|w| w < Span::minutes(3)),
            "{visit:?}"
        );
        assert_eq!(visit.progress.lost, 0, "{visit:?}");
    }
    let weekend = world
        .clients
        .visits
        .iter()
        .filter(|v| v.from >= start() + Span::hours(24 * 5));
    for visit in weekend {
        assert_eq!(visit.progress.waited, None, "{visit:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let config = SimConfig {
        latency: Span::millis(200),
        ..SimConfig::default()
    };
    let run = || {
        let mut world = month(2, 8, 2, "30s", config);
        (world.hash(), world.passes(), world.take_events())
    };
    assert_eq!(run(), run());
}

#[test]
fn activity_alone_is_written_with_the_next_pass() {
    let mut world =
        World::new(studio(1, "30s"), 7, start(), SimConfig::default()).expect("a world");
    world.run_until(start() + Span::hours(2));
    let shared = world.daemons[0].shared().expect("a daemon").clone();
    let id = shared
        .lock()
        .keeper
        .sessions
        .keys()
        .next()
        .expect("a session")
        .clone();
    let target = Target::Session(id.clone());
    at_once(shared.grant(|keeper, now, policy| Ok(((), keeper.touch(now, policy, &target)?))))
        .expect("granted");
    let written = |world: &World| {
        let owner = "st".parse().expect("an owner");
        let load = |ledger: &Ledger| {
            ledger
                .load(&owner, chrono_tz::UTC, LIMITS, world.now())
                .expect("reads")
        };
        world.daemons[0].with_ledger(load).sessions[&id].active
    };
    assert_eq!(
        (written(&world), shared.lock().keeper.sessions[&id].active),
        (None, Some(world.now()))
    );
    let touched = world.now();
    world.run_until(touched + Span::seconds(30));
    assert_eq!(written(&world), Some(touched));
}

#[test]
fn a_ledger_that_cannot_be_written_is_tried_every_ten_seconds_and_then_knows_everything() {
    let mut world =
        World::new(studio(1, "30s"), 7, start(), SimConfig::default()).expect("a world");
    let refuse = |world: &World, refuse| {
        world.daemons[0].with_ledger(|ledger| {
            ledger
                .refuse_writes(refuse)
                .expect("SQLite takes the setting");
        });
    };
    // The pool opens at seven, so one session is wanted that must not be asked for.
    world.run_until(start() + Span::minutes(59));
    refuse(&world, true);
    let (passes, events) = (world.passes(), world.take_events().len());
    world.run_until(start() + Span::minutes(69));
    assert!(
        world.passes() - passes <= 64,
        "{} passes in ten minutes",
        world.passes() - passes
    );
    let messages: Vec<String> = world
        .take_events()
        .iter()
        .map(|e| e.what.to_string())
        .collect();
    assert_eq!(
        messages
            .iter()
            .filter(|what| what.starts_with("creating"))
            .count(),
        1,
        "after {events}: {messages:?}"
    );
    assert_eq!(
        world.wire.lock().sites.live(world.now()).count(),
        0,
        "{messages:?}"
    );
    refuse(&world, false);
    world.run_until(start() + Span::minutes(72));
    assert_eq!(world.wire.lock().sites.live(world.now()).count(), 1);
    let all = |ledger: &Ledger| {
        ledger
            .events(&EventFilter::All, usize::MAX)
            .expect("reads")
            .len()
    };
    assert!(world.daemons[0].with_ledger(all) > events + messages.len());
}

#[test]
fn a_lease_that_cannot_grow_any_more_is_waited_for_and_not_watched() {
    // Its last eighth is longer than the session may live.
    let text =
        studio_text(1, "5m").replace("lease = \"20m\"", "lease = \"8h\"\nmax_lifetime = \"50m\"");
    let policy = load("p", &text).expect("a policy").policy;
    let mut world =
        World::new(policy, 7, start() + Span::hours(2), SimConfig::default()).expect("a world");
    world.run_until(start() + Span::hours(6));
    let passes = world.passes();
    assert!(
        passes < 4 * MOST_PASSES_AN_HOUR,
        "{passes} passes in four hours"
    );
}
