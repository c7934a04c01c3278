//! Every reason and every event: its words, how loud it is, and what it entails.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::fixtures::{id, now, pool};
use crate::keeper::*;
use crate::report::Hint;
use crate::units::{Size, TeamName};

const T: &str = "2026-03-02T08:00:00Z";

fn budget() -> Value {
    json!({ "pool": "a", "period": "day" })
}

fn reasons() -> Vec<Value> {
    let (budget, s) = (budget(), "st-a-0-01HF7YAT00NBPVQXX7HBV7FEYJ");
    let money = json!({
        "budget": budget, "limit": "10.00", "committed": "9.50", "request": "1.00",
        "currency": "EUR", "until": T,
    });
    let mut of_exposure = money.clone();
    of_exposure["reason"] = json!("budget");
    of_exposure["budget"]["period"] = json!("exposure");
    of_exposure["until"] = Value::Null;
    let with = |mut data: Value, kind: &str| {
        data["reason"] = json!(kind);
        data
    };
    vec![
        json!({ "reason": "wanted", "min": 2 }),
        json!({ "reason": "demand", "in_use": 2, "spare": 1 }),
        json!({ "reason": "requested" }),
        json!({ "reason": "create-unanswered", "since": T }),
        json!({ "reason": "successor", "of": s, "ends": T }),
        json!({ "reason": "lease-half-spent", "left": "1m30.5s", "lease": 20 }),
        json!({ "reason": "lease-half-spent", "left": "0s", "lease": 20 }),
        json!({ "reason": "lease-half-spent", "left": "1s", "lease": 20 }),
        json!({ "reason": "lease-shortened", "budget": budget, "wanted": 20 }),
        json!({ "reason": "not-due", "renew_at": T }),
        json!({ "reason": "booting", "since": T, "until": "2026-03-02T08:01:00Z" }),
        json!({ "reason": "runs-out", "ends": T }),
        json!({ "reason": "idle", "since": T, "timeout": "15m" }),
        json!({ "reason": "never-used", "since": T, "timeout": "15m" }),
        json!({ "reason": "held-too-long", "client": "ann", "since": T, "limit": "1h" }),
        json!({ "reason": "schedule-closed", "opens": T }),
        json!({ "reason": "schedule-closed", "opens": null }),
        with(money.clone(), "budget"),
        of_exposure,
        with(money, "over-budget"),
        json!({ "reason": "pool-removed" }),
        json!({ "reason": "beyond-max", "max": 1 }),
        json!({ "reason": "beyond-max", "max": 2 }),
        json!({ "reason": "surplus" }),
        json!({ "reason": "max-lifetime", "lifetime": 1440 }),
        json!({ "reason": "rolled-over", "to": s }),
        json!({ "reason": "boot-timeout", "timeout": "15m" }),
        json!({ "reason": "not-taken", "since": T, "ttl": "30m" }),
        json!({ "reason": "duplicate", "of": s }),
        json!({ "reason": "parked-by-person", "since": T }),
        json!({ "reason": "backoff", "failures": 1, "until": T, "last": "no answer" }),
        json!({ "reason": "backoff", "failures": 2, "until": T, "last": "no answer" }),
        json!({ "reason": "stopping", "since": T }),
        json!({ "reason": "exit" }),
        json!({ "reason": "service-unreachable", "said": "the key was refused" }),
        json!({ "reason": "service-unreachable" }),
        json!({ "reason": "region-not-listed", "region": "west" }),
        json!({ "reason": "not-needed" }),
    ]
}

#[test]
fn every_reason_has_its_words_its_level_and_its_effect() {
    let reasons: Vec<Reason> = reasons()
        .into_iter()
        .map(|sample| serde_json::from_value(sample).expect("a reason"))
        .collect();
    let sampled: BTreeSet<ReasonKind> = reasons.iter().map(Reason::kind).collect();
    assert_eq!(sampled, ReasonKind::iter().collect(), "each has a sample");
    let lines = reasons.iter().map(|reason| {
        let (level, effect, label) = (reason.level(), reason.slot_effect(), reason.kind().label());
        format!("{level:?} {effect:?} [{label}] {reason}\n")
    });
    insta::assert_snapshot!(lines.collect::<String>());
}

fn events() -> Vec<Value> {
    let why = json!({ "reason": "requested" });
    let ended = |status: &str, certain, error| {
        json!({
            "event": "ended", "status": status, "minutes": 20, "cost": "2.00", "currency": "EUR",
            "certain": certain, "error": error,
        })
    };
    let source = json!({ "file": "/run/x" });
    vec![
        json!({ "event": "creating", "size": "Standard", "lease": 20, "why": why }),
        json!({
            "event": "creating", "region": "west", "size": "Standard", "lease": 20, "why": why,
        }),
        json!({ "event": "extending", "from": 20, "to": 30, "why": why }),
        json!({ "event": "stopping", "why": why }),
        json!({ "event": "booting" }),
        json!({ "event": "ready", "address": null, "after": "30.4s", "ends": T }),
        json!({
            "event": "ready", "address": { "hostname": "vm", "handshake_port": 1 },
            "after": "30.4s", "ends": T,
        }),
        json!({ "event": "renewed", "to": 30, "ends": T }),
        json!({ "event": "adopted", "status": "Ready", "lease": 20 }),
        ended("Stopped", true, None),
        ended("Stopped", false, None),
        ended("Error", true, Some("no servers")),
        json!({ "event": "never-created" }),
        json!({ "event": "failed", "operation": "create", "message": "no answer", "retry": T }),
        json!({ "event": "failed", "operation": "create", "message": "no answer", "retry": null }),
        json!({ "event": "slot-alarm", "failures": 3 }),
        json!({ "event": "parked", "why": why }),
        json!({ "event": "woken", "by": "ann" }),
        json!({ "event": "held", "client": "ann" }),
        json!({ "event": "held", "client": "ann", "team": "lighting" }),
        json!({ "event": "queued", "client": "ann", "pool": "q", "place": 1 }),
        json!({ "event": "left-queue", "client": "ann", "pool": "q" }),
        json!({ "event": "hold-lapsed", "client": "ann", "since": T }),
        json!({ "event": "released", "client": "ann" }),
        json!({
            "event": "warned", "client": "ann", "ends": T, "by": "idle_timeout", "hour": "6.00",
            "currency": "EUR",
        }),
        json!({
            "event": "warned", "client": "ann", "ends": T, "by": "budget", "hour": null,
            "currency": null,
        }),
        json!({ "event": "preparing", "why": why, "by": T }),
        json!({ "event": "snoozed", "client": "ann", "until": T }),
        json!({ "event": "renamed", "from": "old", "to": "new" }),
        json!({ "event": "clock-reset" }),
        json!({ "event": "incredible", "elapsed": 5_000, "lease": 20 }),
        json!({
            "event": "activity-unknown", "source": source, "message": "gone", "until": null,
        }),
        json!({ "event": "activity-unknown", "source": source, "message": "gone", "until": T }),
        json!({ "event": "activity-alarm", "source": source, "since": T }),
        json!({ "event": "activity-known", "source": source }),
        json!({ "event": "lease-alarm", "ends": T }),
        json!({
            "event": "budget-alert", "budget": budget(), "percent": 80, "committed": "8.00",
            "limit": "10.00", "currency": "EUR",
        }),
        json!({ "event": "unmanaged", "status": "Ready" }),
        json!({ "event": "unknown-word", "word": "Huge" }),
        json!({ "event": "audit-failed", "message": "a budget would be passed" }),
    ]
}

#[test]
fn every_event_has_its_words_its_level_and_its_pool() {
    let lines = events().into_iter().map(|mut sample| {
        sample["at"] = json!(T);
        sample["slot"] = json!("a/0");
        let event: Event = serde_json::from_value(sample).expect("an event");
        let pool = event.pool().map_or("-", |pool| pool.as_str());
        format!("{:?} {pool} {}\n", event.what.level(), event.what)
    });
    insta::assert_snapshot!(lines.collect::<String>());
    let nobodys: Event =
        serde_json::from_value(json!({ "at": T, "event": "booting" })).expect("an event");
    assert_eq!(nobodys.pool(), None);
}

#[test]
fn every_refusal_has_its_words_and_most_a_remedy() {
    let (pool, hold) = (|| pool("a").name, || HoldRef::Session(id(0, 0)));
    let team = || "lighting".parse::<TeamName>().expect("a name");
    let unavailable = |why| Refusal::Unavailable {
        pool: pool(),
        why: Box::new(why),
    };
    let refusals = [
        Refusal::NoPool {
            name: "c".into(),
            managed: "a, b".into(),
        },
        Refusal::NoSlot {
            pool: pool(),
            ordinal: 3,
            last: 2,
        },
        Refusal::NoSession { id: id(0, 0) },
        Refusal::NoHeartbeat { pool: pool() },
        Refusal::HeldByAnother {
            hold: hold(),
            by: "ann".into(),
        },
        Refusal::NotHeld { hold: hold() },
        Refusal::NoSlots { pool: pool() },
        Refusal::NoTeam {
            name: team(),
            teams: String::new(),
        },
        Refusal::NoTeam {
            name: team(),
            teams: "layout".into(),
        },
        Refusal::NotAMember {
            client: "ann".into(),
            team: team(),
        },
        Refusal::OtherTeam {
            hold: Hold::of("ann", now()).id,
            team: None,
        },
        Refusal::OtherTeam {
            hold: Hold::of("ann", now()).id,
            team: Some(team()),
        },
        Refusal::KeyReused {
            key: "a key".parse().expect("a key"),
        },
        Refusal::HoldOver {
            hold: Hold::of("ann", now()).id,
        },
        Refusal::Closes {
            hold: Hold::of("ann", now()).id,
            at: now(),
        },
        Refusal::CannotStay {
            hold: Hold::of("ann", now()).id,
            why: Box::new(Reason::Surplus),
        },
        Refusal::NoSize {
            pool: pool(),
            size: Size::Premium,
            sizes: "Standard".into(),
        },
        Refusal::TeamFull {
            team: team(),
            max: 3,
        },
        unavailable(Reason::ParkedByPerson { since: now() }),
        unavailable(Reason::ScheduleClosed { opens: None }),
    ];
    let lines = refusals.iter().map(|refusal| match refusal.hint() {
        Some(hint) => format!("{refusal}\n  {hint}\n"),
        None => format!("{refusal}\n"),
    });
    insta::assert_snapshot!(lines.collect::<String>());
}
