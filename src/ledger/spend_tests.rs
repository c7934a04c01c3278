//! Reports of spend: sums, days at the edges of a range, and every way to group.

use proptest::prelude::*;

use super::*;
use crate::keeper::{Hold, LeaseClock, Settled, Status};
use crate::ledger::testing::{at, ended, intent, keeper, ledger, owner, settled};
use crate::units::Span;

fn request(by: By, from: &str, to: &str) -> SpendRequest {
    let day = |text: &str| text.parse().expect("a date");
    SpendRequest {
        by,
        range: DateRange {
            from: day(from),
            to: day(to),
        },
        zone: chrono_tz::Europe::Berlin,
        prices: Prices {
            currency: Currency("EUR".into()),
            standard: "11.50".parse().ok(),
            premium: None,
        },
    }
}

/// Three sessions that ended, one of them over midnight in Berlin, one not known for certain,
/// and one that runs.
fn story(by: By) -> SpendReport {
    let now = at("2026-03-04T09:00:00Z");
    let mut unsure = settled(
        "studio7-dr-1-b",
        "design-review/1",
        at("2026-03-04T08:00:00Z"),
        20,
        "2.99",
    );
    unsure.certain = false;
    let never_ready = settled(
        "studio7-bk-0-c",
        "baking/0",
        at("2026-03-04T08:30:00Z"),
        0,
        "11.50",
    );
    let over_midnight = settled(
        "studio7-dr-0-a",
        "design-review/0",
        at("2026-03-03T22:30:00Z"),
        95,
        "2.99",
    );
    let mut ledger = ledger();
    ledger
        .write(
            &owner(),
            now,
            &ended(vec![unsure, never_ready, over_midnight]),
            &[],
        )
        .expect("writes");
    let mut runs = intent("studio7-bk-0-d", "baking/0", now);
    runs.status = Status::Ready;
    runs.clock = LeaseClock::new(
        now - Span::millis(12 * 60_000),
        now - Span::millis(11 * 60_000 + 30_000),
    );
    let boots = intent("studio7-bk-1-e", "baking/1", now);
    let request = request(by, "2026-03-01", "2026-03-31");
    ledger
        .spend(&request, &keeper(vec![runs, boots]), now)
        .expect("reads")
}

#[test]
fn spend_by_day_splits_a_session_at_midnight_and_marks_what_is_not_certain() {
    insta::assert_snapshot!(story(By::Day), @r"
    Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

    day         sessions     time    cost  live  live time  live cost
    2026-03-03         1      30m    1.50
    2026-03-04         3  ≤ 1h25m  ≤ 4.24     1        12m       2.30
    total              3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

    ≤     the service could not say how long it billed; this is the most it can have been
    live  sessions that still run; the most they can have billed until now
    ");
}

#[test]
fn only_what_needs_a_word_of_explanation_has_a_part_below_the_table() {
    let told = |certain: bool, live: u32| {
        let mut report = story(By::Pool);
        report.total.certain = certain;
        report.total.live.sessions = live;
        let text = report.to_string();
        let explained = |word: &str| text.lines().any(|line| line.starts_with(word));
        (
            explained("≤ "),
            explained("live  "),
            text.contains("\n\n≤") || text.contains("\n\nlive"),
            text.ends_with("\n\n"),
        )
    };
    assert_eq!(told(true, 0), (false, false, false, false));
    assert_eq!(told(false, 0), (true, false, true, false));
    assert_eq!(told(true, 1), (false, true, true, false));
    assert_eq!(told(false, 1), (true, true, true, false));
}

#[test]
fn spend_by_pool() {
    insta::assert_snapshot!(story(By::Pool), @r"
    Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

    pool           sessions     time    cost  live  live time  live cost
    baking                1       0m    0.00     1        12m       2.30
    design-review         2  ≤ 1h55m  ≤ 5.73
    total                 3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

    ≤     the service could not say how long it billed; this is the most it can have been
    live  sessions that still run; the most they can have billed until now
    ");
}

#[test]
fn spend_by_session() {
    insta::assert_snapshot!(story(By::Session), @r"
    Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

    session         sessions     time    cost  live  live time  live cost
    studio7-bk-0-c         1       0m    0.00
    studio7-bk-0-d                                1        12m       2.30
    studio7-dr-0-a         1    1h35m    4.73
    studio7-dr-1-b         1    ≤ 20m  ≤ 1.00
    total                  3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

    ≤     the service could not say how long it billed; this is the most it can have been
    live  sessions that still run; the most they can have billed until now
    ");
}

/// A session over midnight that two clients held one after the other, and one that one of them
/// holds now.
fn shared(by: By) -> SpendReport {
    let now = at("2026-03-04T09:00:00Z");
    let held = |client: &str, team: &str, from: &str| Hold {
        team: team.parse().ok(),
        ..Hold::of(client, at(from))
    };
    let ready = at("2026-03-03T22:30:00Z");
    let mut over_midnight = settled("studio7-dr-0-a", "design-review/0", ready, 95, "2.99");
    over_midnight.uses = vec![
        held("ann", "lighting", "2026-03-03T22:40:00Z").use_until(at("2026-03-03T23:10:00Z")),
        held("bob", "", "2026-03-03T23:20:00Z").use_until(at("2026-03-03T23:40:30Z")),
    ];
    let mut ledger = ledger();
    ledger
        .write(&owner(), now, &ended(vec![over_midnight]), &[])
        .expect("writes");
    let mut runs = intent("studio7-bk-0-d", "baking/0", now);
    runs.status = Status::Ready;
    runs.clock = LeaseClock::new(now - Span::minutes(12), now - Span::seconds(700));
    runs.hold = Some(held("ann", "layout", "2026-03-04T08:50:00Z"));
    let request = request(by, "2026-03-01", "2026-03-31");
    ledger
        .spend(&request, &keeper(vec![runs]), now)
        .expect("reads")
}

#[test]
fn spend_by_team_and_by_client_is_what_each_held_and_the_rest_is_nobodys() {
    insta::assert_snapshot!(shared(By::Team));
    insta::assert_snapshot!(shared(By::Client));
    let of_nobody = |report: &SpendReport| report.rows[0].ended.minutes;
    assert_eq!(of_nobody(&shared(By::Client)), Minutes::new(95 - 30 - 21));
}

#[test]
fn spend_as_csv_is_the_rows_in_plain_figures() {
    let text = story(By::Pool).to_csv();
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count());
    insta::assert_snapshot!(text.replace('\r', ""), @r"
    pool,sessions,minutes,cost,certain,live_sessions,live_minutes,live_cost,currency
    baking,1,0,0.00,true,1,12,2.30,EUR
    design-review,2,115,5.73,false,0,0,0.00,EUR
    ");
    let mut unpriced = story(By::Day);
    unpriced.currency = None;
    for row in &mut unpriced.rows {
        (row.ended.cost, row.live.cost) = (None, None);
    }
    insta::assert_snapshot!(unpriced.to_csv().replace('\r', ""), @r"
    day,sessions,minutes,cost,certain,live_sessions,live_minutes,live_cost,currency
    2026-03-03,1,30,,true,0,0,,
    2026-03-04,3,85,,false,1,12,,
    ");
    let keys: Vec<String> = [By::Session, By::Region]
        .map(|by| {
            story(by)
                .to_csv()
                .chars()
                .take_while(|c| *c != ',')
                .collect()
        })
        .into();
    assert_eq!(keys, ["session", "region"]);
}

#[test]
fn a_report_without_anything_says_so_and_since_when_it_would_know() {
    let now = at("2026-03-04T09:00:00Z");
    let request = request(By::Day, "2026-02-01", "2026-02-28");
    let report = ledger()
        .spend(&request, &keeper(vec![]), now)
        .expect("reads");
    insta::assert_snapshot!(report, @r"
    Spend from 2026-02-01 to 2026-02-28 (Europe/Berlin), in EUR
    The ledger was made on 2026-03-01; sessions that ended before are not in it.
    Nothing was billed.
    ");
}

#[test]
fn a_report_is_the_same_after_a_trip_through_json() {
    let report = story(By::Pool);
    let json = serde_json::to_string_pretty(&report).expect("serializes");
    insta::assert_snapshot!(json, @r#"
    {
      "by": "pool",
      "from": "2026-03-01",
      "to": "2026-03-31",
      "time_zone": "Europe/Berlin",
      "currency": "EUR",
      "live_measured": true,
      "ledger_since": "2026-03-01T00:00:00Z",
      "rows": [
        {
          "key": "baking",
          "sessions": 1,
          "minutes": 0,
          "cost": "0.00",
          "certain": true,
          "live": {
            "sessions": 1,
            "minutes": 12,
            "cost": "2.30"
          }
        },
        {
          "key": "design-review",
          "sessions": 2,
          "minutes": 115,
          "cost": "5.73",
          "certain": false,
          "live": {
            "sessions": 0,
            "minutes": 0,
            "cost": "0.00"
          }
        }
      ],
      "total": {
        "key": "total",
        "sessions": 3,
        "minutes": 115,
        "cost": "5.73",
        "certain": false,
        "live": {
          "sessions": 1,
          "minutes": 12,
          "cost": "2.30"
        }
      }
    }
    "#);
    let back: SpendReport = serde_json::from_str(&json).expect("reads back");
    assert_eq!(back.to_string(), report.to_string());
}

#[test]
fn a_live_session_without_a_lease_clock_is_told_with_the_most_it_can_have_billed() {
    let now = at("2026-03-04T09:00:00Z");
    let so_far = |asked_for: i64, elapsed: u32| {
        let mut known = intent("s", "a/0", now - Span::minutes(asked_for));
        (known.status, known.elapsed) = (Status::Ready, Minutes::new(elapsed));
        let entry = Entry::live(&known, crate::units::Price::default(), now);
        // It is told on the days before now.
        assert_eq!(entry.ready + entry.minutes.span(), now);
        entry.minutes.get()
    };
    // The lease is 20 minutes.
    assert_eq!(
        (so_far(7, 0), so_far(7, 5), so_far(60, 5), so_far(60, 30)),
        (7, 12, 20, 30)
    );
}

#[test]
fn a_report_without_prices_tells_minutes_and_invents_no_amount() {
    let now = at("2026-03-04T09:00:00Z");
    let mut ledger = ledger();
    let billed = settled("s", "a/0", at("2026-03-04T08:00:00Z"), 20, "0");
    ledger
        .write(&owner(), now, &ended(vec![billed]), &[])
        .expect("writes");
    let mut request = request(By::Pool, "2026-03-01", "2026-03-31");
    request.prices = Prices::default();
    let report = ledger.spend(&request, &keeper(vec![]), now).expect("reads");
    insta::assert_snapshot!(report, @"
    Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in minutes alone: the policy names no prices

    pool   sessions  time  cost
    a             1   20m     -
    total         1   20m     -
    ");
    let json = serde_json::to_value(&report).expect("serializes");
    let null = serde_json::Value::Null;
    assert_eq!((&json["currency"], &json["total"]["cost"]), (&null, &null));
}

#[test]
fn a_report_beside_the_daemon_says_that_it_counts_from_when_sessions_were_asked_for() {
    let now = at("2026-03-04T09:00:00Z");
    let mut runs = intent("studio7-bk-0-d", "baking/0", now - Span::minutes(12));
    runs.status = Status::Ready;
    let request = request(By::Pool, "2026-03-01", "2026-03-31");
    let report = ledger()
        .spend(&request, &keeper(vec![runs]), now)
        .expect("reads");
    insta::assert_snapshot!(report, @"
    Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

    pool    sessions  time  cost  live  live time  live cost
    baking                           1      ≤ 12m     ≤ 2.30
    total                            1      ≤ 12m     ≤ 2.30

    live  sessions that still run; counted from when they were asked for; when they became Ready only their daemon knows, so `leasekeeper spend` without --policy may say less
    ");
}

#[test]
fn a_session_whose_end_was_learnt_late_is_in_the_days_it_ran_in() {
    let mut late = settled("s", "a/0", at("2026-02-10T10:00:00Z"), 60, "6");
    late.ended = at("2026-03-04T09:00:00Z");
    let mut ledger = ledger();
    ledger
        .write(&owner(), late.ended, &ended(vec![late]), &[])
        .expect("writes");
    let minutes = |from, to| {
        let report = ledger.spend(
            &request(By::Day, from, to),
            &keeper(vec![]),
            at("2026-03-05T00:00:00Z"),
        );
        report.expect("reads").total.ended.minutes
    };
    assert_eq!(minutes("2026-02-10", "2026-02-10"), Minutes::new(60));
    assert_eq!(minutes("2026-03-01", "2026-03-31"), Minutes::ZERO);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rows_add_up_to_the_accounts_whatever_they_are_grouped_by(
        runs in proptest::collection::vec(
            (0i64..90 * 1440, 0u32..1440, 0u32..3, 1u32..20_000), 0..12,
        ),
    ) {
        let first = at("2026-01-01T00:00:00Z");
        let all: Vec<Settled> = runs.iter().enumerate().map(|(n, (start, minutes, pool, price))| {
            let price = format!("{}.{:03}", price / 1_000, price % 1_000);
            let ready = first + Span::minutes(*start);
            let mut account =
                settled(&format!("s{n}"), &format!("p{pool}/0"), ready, *minutes, &price);
            let used = Hold::of("ann", ready + Span::minutes(5));
            account.uses = vec![used.use_until(ready + Span::minutes(90))];
            account
        }).collect();
        let mut ledger = ledger();
        ledger.write(&owner(), first, &ended(all.clone()), &[]).expect("writes");
        let truth: Cost = all.iter().map(|s| s.price.cost(s.minutes)).sum();
        let now = at("2026-05-01T00:00:00Z");
        for by in [By::Day, By::Pool, By::Session, By::Team, By::Client] {
            let of = |from, to| {
                let request = request(by, from, to);
                let sheet = ledger.sheet(&request, &keeper(vec![]), now).expect("reads");
                (sheet.rows, sheet.total.ended)
            };
            let (rows, ended) = of("2025-12-01", "2026-04-30");
            prop_assert_eq!(rows.values().map(|row| row.ended.cost).sum::<Cost>(), truth);
            prop_assert_eq!((ended.cost, ended.sessions as usize), (truth, all.len()));
            // Wherever the range is cut in two, nothing is lost and nothing is told twice.
            let (before, after) = (of("2025-12-01", "2026-02-14"), of("2026-02-15", "2026-04-30"));
            prop_assert_eq!(before.1.cost + after.1.cost, truth);
        }
    }
}
