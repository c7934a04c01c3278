//! Tests of the report on records made by hand, and of its arithmetic against a second, simplest
//! statement.

use proptest::prelude::*;

use super::figures::Report;
use super::text::text;
use super::timeline::Segment;
use crate::sim::run::record::{Record, Use, Visited};
use crate::sim::testing::{at, heading, lived, policy, record};
use crate::sim::usage::Visit;
use crate::units::{Money, PoolName, Size, Span};

fn report() -> Report {
    Report::of(&record(), &policy(), &heading())
}

#[test]
fn a_report_begins_with_what_it_costs_and_ends_with_what_each_slot_did() {
    insta::assert_snapshot!(text(&report(), 100));
}

#[test]
fn a_report_as_json_has_everything() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&report()).expect("serializes"));
}

#[test]
fn a_run_without_anybody_and_without_prices_says_so() {
    let mut policy = policy();
    (policy.prices.standard, policy.prices.premium) = (None, None);
    policy.budget = crate::policy::Budget::default();
    policy.pools[0].budget = crate::policy::Budget::default();
    let empty = Record {
        from: record().from,
        to: record().to,
        ..Record::default()
    };
    insta::assert_snapshot!(text(&Report::of(&empty, &policy, &heading()), 80));
    let json = serde_json::to_value(Report::of(&record(), &policy, &heading())).expect("a report");
    assert!(json["total"]["ready_minutes"].as_u64() > Some(0));
    assert!(json["currency"].is_null() && json["total"]["cost"].is_null());
    for part in ["pools", "daily", "sessions"] {
        let first = &json[part][0];
        assert!(
            first.is_object() && first["cost"].is_null(),
            "{part}: {first}"
        );
    }
    assert!(json["daily"][0]["pools"][0]["cost"].is_null());
}

/// Counts minute by minute, as one would on paper, what [`Report`] works out from intervals.
fn on_paper(record: &Record, pool: &str) -> (u64, u64, u64) {
    let (mut ready, mut held, mut wasted) = (0, 0, 0);
    for lived in record
        .sessions
        .iter()
        .filter(|s| s.slot.pool.as_str() == pool)
    {
        let Some(mut minute) = lived.ready else {
            continue;
        };
        let to = lived.ended.unwrap_or(record.to);
        while minute + Span::minutes(1) <= to {
            ready += 1;
            let in_use = lived.used.iter().any(|u| u.from <= minute && minute < u.to);
            held += u64::from(in_use);
            wasted += u64::from(!in_use && lived.used.iter().all(|u| u.to <= minute));
            minute += Span::minutes(1);
        }
    }
    (ready, held, wasted)
}

/// Sessions whose uses follow each other at whole minutes.
fn any_record() -> impl Strategy<Value = Record> {
    let session = (
        0usize..2,
        0i64..2_000,
        0i64..800,
        prop::collection::vec((0i64..60, 1i64..120), 0..4),
    );
    let visit = (0usize..2, prop::option::of(0i64..300), 0u32..2);
    (
        prop::collection::vec(session, 0..8),
        prop::collection::vec(visit, 0..20),
    )
        .prop_map(|(sessions, visits)| {
            let pools = ["review", "baking"];
            let begin = at("2026-03-01T23:00:00Z");
            let sessions = sessions.into_iter().map(|(pool, start, length, uses)| {
                let size = [Size::Standard, Size::Premium][pool].clone();
                let ready = begin + Span::minutes(start);
                let end = ready + Span::minutes(length);
                let text = |at: crate::units::Timestamp| at.to_string();
                let slot = format!("{}/0", pools[pool]);
                let mut lived = lived(
                    &slot,
                    size,
                    &text(ready),
                    Some(&text(ready)),
                    Some(&text(end)),
                );
                let mut from = ready;
                for (gap, length) in uses {
                    let use_from = (from + Span::minutes(gap)).min(end);
                    from = (use_from + Span::minutes(length)).min(end);
                    lived.used.push(Use {
                        client: "c".into(),
                        from: use_from,
                        to: from,
                    });
                }
                lived.used.retain(|u| u.from < u.to);
                lived
            });
            let visits = visits.into_iter().map(|(pool, waited, lost)| Visited {
                visit: Visit {
                    from: begin,
                    to: begin,
                    pool: PoolName::new(pools[pool]).expect("a name"),
                    client: "c".into(),
                },
                waited: waited.map(Span::seconds),
                lost,
            });
            Record {
                from: begin,
                to: at("2026-03-03T23:00:00Z"),
                sessions: sessions.collect(),
                visits: visits.collect(),
                ..Record::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_minutes_of_a_report_are_those_that_one_counts_on_paper(record in any_record()) {
        let report = Report::of(&record, &policy(), &heading());
        for pool in &report.pools {
            let f = &pool.figures;
            let counted = (f.ready_minutes, f.held_minutes, f.wasted_minutes);
            prop_assert_eq!(counted, on_paper(&record, pool.pool.as_str()));
            prop_assert_eq!(f.ready_minutes, f.held_minutes + f.idle_minutes);
            let session = record.sessions.iter().find(|s| s.slot.pool == pool.pool);
            let price = session.map(|s| s.price).unwrap_or_default();
            let minutes = u32::try_from(f.ready_minutes).expect("few");
            prop_assert_eq!(f.cost, price.cost(crate::units::Minutes::new(minutes)).to_money(2));
        }
    }

    #[test]
    fn pools_and_sessions_add_up_to_the_total(record in any_record()) {
        let report = Report::of(&record, &policy(), &heading());
        let sum = |of: fn(&super::figures::Figures) -> u64| -> u64 {
            report.pools.iter().map(|p| of(&p.figures)).sum()
        };
        let of_sessions: u64 = report.sessions.iter().map(|s| s.ready_minutes).sum();
        prop_assert_eq!(sum(|f| f.ready_minutes), report.total.ready_minutes);
        prop_assert_eq!(sum(|f| f.wasted_minutes), report.total.wasted_minutes);
        prop_assert_eq!(sum(|f| f.sessions.into()), u64::from(report.total.sessions));
        prop_assert_eq!(of_sessions, report.total.ready_minutes);
        prop_assert_eq!(report.starts.values().sum::<u64>(), u64::from(report.total.sessions));
        // Days outside the run are no part of it; sessions of this record end at most half a day
        // after.
        let days: u64 = report.daily.iter().map(|d| d.ready_minutes).sum();
        let capped = |s: &crate::sim::run::record::Lived| {
            let ready = s.ready.expect("all were Ready");
            let whole = (s.ended.expect("all ended").min(record.to) - ready).floor_minutes();
            u64::from(whole.get())
        };
        prop_assert_eq!(days, record.sessions.iter().map(capped).sum::<u64>());
        let dearest = report.daily.iter().map(|d| d.cost).max().unwrap_or(Money::ZERO);
        prop_assert_eq!(report.budgets[0].most, dearest);
    }

    #[test]
    fn waits_are_those_of_a_sorted_list(record in any_record()) {
        let clients = Report::of(&record, &policy(), &heading()).total.clients;
        let waited = record.visits.iter().filter_map(|v| v.waited);
        let mut waits: Vec<i64> = waited.map(Span::as_secs).collect();
        waits.sort_unstable();
        prop_assert_eq!(clients.wait.map(|w| w.max_seconds), waits.last().copied());
        if let Some(wait) = clients.wait {
            // So many do not exceed it, and one less would be too few.
            for (limit, percent) in [(wait.median_seconds, 50), (wait.p95_seconds, 95)] {
                let within = waits.iter().filter(|w| **w <= limit).count();
                let below = waits.iter().filter(|w| **w < limit).count();
                let share = waits.len() * percent;
                prop_assert!(within * 100 >= share && below * 100 < share);
            }
        }
        prop_assert_eq!(clients.warm + clients.cold + clients.never, clients.visits);
    }

    #[test]
    fn every_lane_covers_the_run_without_gap_or_overlap(record in any_record()) {
        for lane in Report::of(&record, &policy(), &heading()).slots {
            let all = lane.segments;
            prop_assert_eq!((all[0].from, all[all.len() - 1].to), (record.from, record.to));
            let follows = |w: &[Segment]| w[0].to == w[1].from && w[0].state != w[1].state;
            prop_assert!(all.windows(2).all(follows));
        }
    }
}
