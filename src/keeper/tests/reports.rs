//! What is known of what each activity source last said.

use super::fixtures::{ago, id, intent, knowing, now, policy, ready, target};
use crate::keeper::{ActivityAnswer, ActivityReading, Evidence, KeeperState, SourceReport};
use crate::policy::{ActivitySource, Policy};
use crate::units::{Span, Timestamp};

fn watching_sockets() -> Policy {
    let mut policy = policy();
    policy.pools[0].activity.insert(ActivitySource::Sockets);
    policy
}

fn exited(status: i32) -> Option<Evidence> {
    Some(Evidence::Exited { status })
}

fn say(state: &mut KeeperState, policy: &Policy, at: Timestamp, answer: ActivityAnswer) {
    let reading = ActivityReading {
        session: id(0, 0),
        source: ActivitySource::Sockets,
        at,
        used: answer.sign(),
        answer,
    };
    let _ = state.apply_activity(at, policy, &[reading]);
}

fn report(state: &KeeperState, source: &ActivitySource) -> Option<SourceReport> {
    state.sessions[&id(0, 0)].reports.get(source).cloned()
}

/// Since when and until when the sockets saw use, and by what.
fn usage(state: &KeeperState) -> Option<(Timestamp, Timestamp, Option<Evidence>)> {
    let usage = report(state, &ActivitySource::Sockets)?.usage?;
    Some((usage.since, usage.last, usage.by))
}

#[test]
fn use_goes_on_since_its_first_sign_while_no_gap_is_as_long_as_the_idle_time() {
    let (policy, mut state) = (watching_sockets(), knowing([ready(0, 0)]));
    let used = |at, status| ActivityAnswer::Used {
        at,
        saw: exited(status),
    };
    say(&mut state, &policy, ago(40), used(ago(40), 0));
    say(&mut state, &policy, ago(30), used(ago(30), 1));
    assert_eq!(usage(&state), Some((ago(40), ago(30), exited(1))));
    let unused = ActivityAnswer::Unused { saw: exited(2) };
    say(&mut state, &policy, ago(29), unused.clone());
    let said = report(&state, &ActivitySource::Sockets).expect("it answered");
    assert_eq!((said.at, said.answer), (ago(29), unused));
    assert_eq!(usage(&state), Some((ago(40), ago(30), exited(1))));
    // The idle time-out is a quarter of an hour.
    say(&mut state, &policy, ago(14), used(ago(14), 3));
    assert_eq!(usage(&state), Some((ago(14), ago(14), exited(3))));
    say(&mut state, &policy, ago(13), used(ago(20), 4));
    assert_eq!(usage(&state), Some((ago(14), ago(14), exited(3))));
    let unknown = ActivityAnswer::Unknown { why: "gone".into() };
    say(&mut state, &policy, ago(12), unknown);
    assert_eq!(usage(&state), Some((ago(14), ago(14), exited(3))));
}

#[test]
fn what_was_said_moves_with_the_line_of_time_and_goes_with_its_source() {
    let (policy, mut state) = (watching_sockets(), knowing([ready(0, 0)]));
    let saw = exited(0);
    let answer = ActivityAnswer::Used { at: ago(2), saw };
    say(&mut state, &policy, ago(1), answer);
    state.clock_stepped(Span::hours(1));
    let later = |minutes_ago| ago(minutes_ago) + Span::hours(1);
    let said = report(&state, &ActivitySource::Sockets).expect("it answered");
    assert_eq!(said.at, later(1));
    assert!(matches!(said.answer, ActivityAnswer::Used { at, .. } if at == later(2)));
    assert_eq!(usage(&state), Some((later(2), later(2), exited(0))));
    let without = super::fixtures::policy();
    let _ = state.apply_activity(now(), &without, &[]);
    assert_eq!(report(&state, &ActivitySource::Sockets), None);
}

#[test]
fn heartbeats_and_clients_that_ask_are_reported_by_the_heartbeat() {
    let (policy, mut state) = (policy(), knowing([ready(0, 0)]));
    let heartbeat = |state: &KeeperState| {
        let said = report(state, &ActivitySource::Heartbeat).expect("it is known");
        let usage = said.usage.expect("it was used");
        (said.at, usage.since, usage.by)
    };
    let by_ann = Some(Evidence::Acquired {
        client: "ann".into(),
    });
    let acquire = |state: &mut KeeperState, at| {
        let acquired = state.acquire(at, &policy, &policy.pools[0].name, "ann");
        let _ = acquired.expect("it is free, or hers");
    };
    acquire(&mut state, ago(3));
    assert_eq!(heartbeat(&state), (ago(3), ago(3), by_ann.clone()));
    let touched = state.touch(ago(2), &policy, &target("a"));
    assert_eq!(touched.expect("it listens"), []);
    assert_eq!(heartbeat(&state), (ago(2), ago(3), Some(Evidence::Touched)));
    acquire(&mut state, now());
    assert_eq!(heartbeat(&state), (now(), ago(3), by_ann));
}

#[test]
fn of_what_boots_nothing_is_reported() {
    let (policy, mut state) = (watching_sockets(), knowing([intent(0, 0)]));
    let answer = ActivityAnswer::Unused { saw: None };
    say(&mut state, &policy, now(), answer);
    assert_eq!(report(&state, &ActivitySource::Sockets), None);
}
