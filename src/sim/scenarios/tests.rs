//! The runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::keeper::mutation::{self, Mutation};

use super::coverage::Coverage;
use super::promises::BrokenPromise;
use super::scenario::Scenario;
use super::shrink::shrink;
use super::trial::{run, run_reporting};

/// How many threads run scenarios.
const THREADS: usize = 2;

/// A failing scenario as a person needs it.
fn rendered(scenario: &Scenario, broken: &BrokenPromise) -> String {
    let (scenario, broken) = shrink(scenario, broken);
    let json = serde_json::to_string(&scenario).expect("a scenario is data");
    let mut text = format!(
        "promise {} broken at {}: {}\n",
        broken.promise, broken.at, broken.what
    );
    text += &format!(
        "seed {}, {} from {}; what happens:\n",
        scenario.seed, scenario.length, scenario.start
    );
    for (after, event) in &scenario.events {
        text += &format!("  {after}: {event:?}\n");
    }
    text += &format!(
        "replay: LEASEKEEPER_SCENARIO='{json}' cargo test --lib \
         sim::scenarios::tests::one_scenario -- --ignored --nocapture\n"
    );
    text
}

/// Runs many scenarios on all threads; the first that fails is reported.
fn run_all(seeds: std::ops::Range<u64>, days: i64) -> Coverage {
    let next = AtomicU64::new(seeds.start);
    let (failed, covered) = (Mutex::new(None), Mutex::new(Coverage::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut mine = Coverage::default();
                while failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .is_none()
                {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let scenario = Scenario::draw(seed, days);
                    match std::panic::catch_unwind(|| run(&scenario)) {
                        Ok(Ok(result)) => mine.add(&result.coverage),
                        Ok(Err(broken)) => {
                            failed
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .get_or_insert((scenario, broken));
                        }
                        Err(_) => panic!("seed {seed} panics; see above"),
                    }
                }
                covered
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(&mine);
            });
        }
    });
    if let Some((scenario, broken)) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        panic!("{}", rendered(&scenario, &broken));
    }
    covered.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn number(variable: &str, or: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(or)
}

#[test]
fn no_seed_breaks_a_promise_and_every_reason_is_given() {
    let (from, count) = (
        number("LEASEKEEPER_FROM", 0),
        number("LEASEKEEPER_SEEDS", 2_000),
    );
    let covered = run_all(from..from + count, 3);
    println!("{covered:#?}");
    if count >= 2_000 {
        assert_eq!(covered.never(), Vec::new(), "reasons that no scenario gave");
    }
}

#[test]
fn a_few_scenarios_of_a_month_hold() {
    run_all(1_000_000..1_000_006, 30);
}

#[test]
fn every_scenario_that_ever_failed_holds() {
    for (line, json) in include_str!("regressions.jsonl").lines().enumerate() {
        let scenario: Scenario =
            serde_json::from_str(json).unwrap_or_else(|e| panic!("line {}: {e}", line + 1));
        if let Err(broken) = run(&scenario) {
            panic!("line {}\n{}", line + 1, rendered(&scenario, &broken));
        }
    }
}

#[test]
fn the_same_scenario_gives_the_same_run() {
    for seed in [3, 5, 11] {
        let scenario = Scenario::draw(seed, 1);
        assert_eq!(run(&scenario), run(&scenario), "seed {seed}");
    }
}

/// Breaks a rule, and looks for a scenario that notices.
fn caught(mutation: Mutation, promise: u8) {
    /// So many scenarios are tried.
    const TRIES: u64 = 500;
    mutation::set(Some(mutation));
    let found = (0..TRIES)
        .any(|seed| run(&Scenario::draw(seed, 2)).is_err_and(|broken| broken.promise == promise));
    mutation::set(None);
    assert!(
        found,
        "{mutation:?} breaks promise {promise}, and no scenario noticed"
    );
}

#[test]
fn a_slot_filled_beside_an_ending_session_is_caught() {
    caught(Mutation::FillBesideEnding, 1);
}

#[test]
fn a_lease_that_is_not_reserved_is_caught() {
    caught(Mutation::ReserveNothing, 2);
}

#[test]
fn a_team_that_spends_more_than_its_budget_is_caught() {
    caught(Mutation::IgnoreTeams, 2);
}

#[test]
fn a_lease_that_grows_is_caught() {
    caught(Mutation::RenewTwice, 3);
}

#[test]
fn a_lease_that_is_renewed_too_late_is_caught() {
    caught(Mutation::RenewLate, 4);
}

#[test]
fn touching_the_sessions_of_others_is_caught() {
    caught(Mutation::OwnEverything, 5);
}

#[test]
fn an_idle_session_that_is_stopped_late_is_caught() {
    caught(Mutation::StopIdleLate, 6);
}

#[test]
fn an_account_that_is_wrong_by_a_minute_is_caught() {
    caught(Mutation::CountOneMore, 7);
}

#[test]
fn a_request_that_should_have_been_refused_is_caught() {
    caught(Mutation::TakeAnyTarget, 8);
}

#[test]
fn a_cap_on_exposure_that_is_passed_is_caught() {
    caught(Mutation::IgnoreExposure, 9);
}

#[test]
fn a_source_that_cannot_say_and_is_taken_for_silence_is_caught() {
    caught(Mutation::TakeUnknownForIdle, 10);
}

#[test]
fn a_client_that_is_served_before_its_turn_is_caught() {
    caught(Mutation::ServeWhoeverAsks, 12);
}

#[test]
#[ignore = "replays the one scenario in LEASEKEEPER_SCENARIO, or the seed in LEASEKEEPER_SEED"]
fn one_scenario() {
    let days = i64::try_from(number("LEASEKEEPER_DAYS", 3)).expect("a few days");
    let scenario = match std::env::var("LEASEKEEPER_SCENARIO") {
        Ok(json) => serde_json::from_str(&json).expect("a scenario"),
        Err(_) => Scenario::draw(number("LEASEKEEPER_SEED", 0), days),
    };
    if let Err(broken) = run_reporting(&scenario, |line| println!("{line}")) {
        panic!("{}", rendered(&scenario, &broken));
    }
}

#[test]
#[ignore = "lists every failing seed of LEASEKEEPER_SEEDS, without shrinking"]
#[expect(
    clippy::disallowed_methods,
    reason = "it measures the machine, not the world"
)]
fn survey() {
    let days = i64::try_from(number("LEASEKEEPER_DAYS", 3)).expect("a few days");
    let (from, count) = (
        number("LEASEKEEPER_FROM", 0),
        number("LEASEKEEPER_SEEDS", 200),
    );
    for seed in from..from + count {
        let begun = std::time::Instant::now();
        match run(&Scenario::draw(seed, days)) {
            Ok(result) if begun.elapsed().as_millis() < 500 => drop(result),
            Ok(result) => println!(
                "seed {seed}: {} passes in {:?}",
                result.passes,
                begun.elapsed()
            ),
            Err(broken) => println!(
                "seed {seed}: promise {} at {}: {}",
                broken.promise, broken.at, broken.what
            ),
        }
    }
}
