//! Advice on a studio whose days are all alike, so that every figure is known by hand.

use super::*;
use crate::keeper::{Event, EventKind};
use crate::policy::{Policy, load};
use crate::sim::Heading;
use crate::sim::usage::{Days, Visit, history};
use crate::sim::world::SimConfig;
use crate::units::SessionId;

/// A pool that starts a session for whoever comes, at 6 EUR an hour: 10 cents a minute.
const POLICY: &str = r#"owner = "studio7"
[service]
endpoint = "https://rendering.studio7.example"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
[auth]
method = "token"
token_env = "TOKEN"
[prices]
currency = "EUR"
standard = "6"
[[pool]]
name = "review"
min = 0
max = 2
lease = "20m"
idle_timeout = "40m"
[[pool]]
name = "baking"
min = 0
max = 1
lease = "20m"
"#;

const DAYS: u32 = 10;

fn policy(text: &str) -> Policy {
    load("policy.toml", text).expect("a policy").policy
}

fn days() -> Days {
    Days {
        first: "2026-03-02".parse().expect("a date"),
        count: DAYS,
        zone: chrono_tz::UTC,
    }
}

/// What a ledger has of days on which Ann comes from 10:00 to 10:30, Ben from 10:40 to 11:10 and
/// Cem from 11:40 to 12:10.
fn visits() -> Vec<Visit> {
    let day = |n: u32| {
        let event = move |time: &str, what: EventKind| Event {
            at: format!("2026-03-{:02}T{time}:00Z", 2 + n)
                .parse()
                .expect("an instant"),
            slot: Some("review/0".parse().expect("a slot")),
            session: Some(SessionId::new(&format!("s{n}")).expect("an id")),
            what,
        };
        [
            ("ann", "10:00", "10:30"),
            ("ben", "10:40", "11:10"),
            ("cem", "11:40", "12:10"),
        ]
        .into_iter()
        .flat_map(move |(client, from, to)| {
            let client = client.to_owned();
            let held = EventKind::Held {
                client: client.clone(),
                team: None,
            };
            [event(from, held), event(to, EventKind::Released { client })]
        })
    };
    let events: Vec<Event> = (0..DAYS).flat_map(day).collect();
    history::read(&events, &policy(POLICY)).visits
}

fn advice(policy: &Policy, idle: &[i64], spares: &[u32]) -> Advice {
    let pool = &policy.pools[0];
    let idle: Vec<Option<Span>> = idle.iter().map(|m| Some(Span::minutes(*m))).collect();
    let replay = Replay {
        policy,
        pool,
        visits: &visits(),
        heading: Heading {
            policy: "policy.toml".into(),
            usage: "the ledger (30 visits; it begins on 2026-03-02)".into(),
            days: days(),
        },
        seed: 1,
        config: SimConfig {
            boots: (Span::seconds(60), Span::seconds(60)),
            ..SimConfig::default()
        },
    };
    let grid = Grid::around(pool, &idle, spares);
    replay.advice(&grid, |_| ()).expect("runs")
}

/// Servers take a minute to boot, and a client that waits asks every ten seconds, so a wait is 70
/// seconds long. In minutes billed a day:
///
/// - 5m: each visit has a session of its own, from a minute after it until 5 minutes after its end:
///   3 × (29 + 5) = 102, and 3 waits.
/// - 15m: Ben finds Ann's, which lives from 10:01 to 11:25, and Cem waits for the one from 11:41 to
///   12:25: 84 + 44 = 128, and 2 waits.
/// - 40m: one session from 10:01 to 12:50: 169, and a wait.
/// - 2h: the same until 14:10: 249.
fn by_hand() -> Advice {
    advice(&policy(POLICY), &[5, 15, 40, 120], &[0])
}

#[test]
fn cost_and_waits_are_what_they_are_by_hand() {
    insta::assert_snapshot!(text::text(&by_hand(), 100), @r#"
    policy.toml, pool review: 10 days from Mon 2 Mar 2026 (UTC), the ledger (30 visits; it begins on 2026-03-02)

    idle timeout  spare  cost EUR    waited  median    p95   mean  never  lost
    5m                0    102.00  30 of 30   1m10s  1m10s  1m10s      0     0
    15m               0    128.00  20 of 30   1m10s  1m10s    47s      0     0    knee
    40m               0    169.00  10 of 30      0s  1m10s    23s      0     0     now
    2h                0    249.00  10 of 30      0s  1m10s    23s      0     0  beaten

    Take idle_timeout 15m and spare 0. What is dearer saves little waiting for its money; what is
    cheaper costs much of it. In these 10 days it would have cost 41.00 EUR less, and on average clients
    would have waited 47s instead of 23s.

    [[pool]]  # review
    idle_timeout = "15m"  # was "40m"
    "#);
}

#[test]
fn a_setting_that_is_best_at_both_is_taken_or_kept() {
    let advice = advice(&policy(POLICY), &[40, 120], &[0]);
    let said = text::text(&advice, 200);
    assert!(
        said.ends_with(
            "\nKeep idle_timeout 40m and spare 0. Nothing else that was tried is cheaper, or makes \
             clients wait less.\n"
        ),
        "{said}"
    );
}

#[test]
fn a_front_without_a_knee_is_left_to_taste() {
    let advice = advice(&policy(POLICY), &[5, 40], &[0]);
    assert_eq!((advice.knee, advice.best()), (None, None));
    let said = text::text(&advice, 200);
    assert!(
        said.contains("\nThere is no knee: ") && !said.contains("[[pool]]"),
        "{said}"
    );
}

#[test]
fn without_prices_the_minutes_decide() {
    let unpriced = POLICY.replace("[prices]\ncurrency = \"EUR\"\nstandard = \"6\"\n", "");
    let advice = advice(&policy(&unpriced), &[5, 15, 40, 120], &[0]);
    assert_eq!(advice.knee, by_hand().knee);
    let said = text::text(&advice, 200);
    assert!(
        said.contains("would have billed 6h50m less") && said.contains("17h00m"),
        "{said}"
    );
    let json = serde_json::to_value(&advice).expect("serializes");
    assert!(
        json["currency"].is_null() && json["trials"][0]["cost"].is_null(),
        "{json}"
    );
}

#[test]
fn spares_take_the_waits_and_cost_the_time_between() {
    let advice = advice(&policy(POLICY), &[], &[0, 1, 2, 3]);
    // Three spares are more than the pool has slots.
    let spares: Vec<u32> = advice.trials.iter().map(|t| t.spare).collect();
    assert_eq!(spares, [0, 1, 2]);
    let waited: Vec<u32> = advice.trials.iter().map(|t| t.waited).collect();
    assert_eq!(waited, [10, 0, 0]);
    assert!(advice.trials.is_sorted_by_key(|t| t.ready_minutes));
}

#[test]
fn the_same_visits_give_the_same_advice_and_the_pools_own_setting_is_among_them() {
    let policy = policy(POLICY);
    let own = advice(&policy, &[], &[]);
    assert_eq!((own.trials.len(), own.now), (1, 0));
    let first = by_hand();
    assert_eq!(first, by_hand());
    assert_eq!(
        first.trials[first.now].idle_timeout,
        Some(Span::minutes(40))
    );
}

#[test]
fn settings_stand_in_order_each_once_with_never_last() {
    let pool = &policy(POLICY).pools[0];
    let idle = [
        None,
        Some(Span::hours(1)),
        Some(Span::minutes(40)),
        Some(Span::minutes(5)),
    ];
    let grid = Grid::around(pool, &idle, &[1, 1, 0]);
    let shown: Vec<String> = grid
        .settings
        .iter()
        .map(|s| format!("{} {}", written(s.idle_timeout), s.spare))
        .collect();
    assert_eq!(
        shown,
        [
            "5m 0", "5m 1", "40m 0", "40m 1", "1h 0", "1h 1", "never 0", "never 1"
        ]
    );
}

#[test]
fn pools_that_share_a_budget_are_replayed_together() {
    let shared = POLICY.replace("[prices]", "[budget]\ndaily = \"0.5\"\n[prices]");
    let advice = advice(&policy(&shared), &[], &[0]);
    // Five minutes a day are no session for anybody.
    let trial = &advice.trials[0];
    assert!(trial.never > 0 && trial.ready_minutes < 1_690, "{trial:?}");
    // Who never got one waited for as long as they would have stayed.
    assert!(
        trial.total_wait_seconds >= i64::from(trial.never) * 30 * 60,
        "{trial:?}"
    );
}

#[test]
fn the_picture_has_a_point_for_each_setting_and_rings_the_present_one() {
    let text = picture::svg(&by_hand());
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let drawn = |class: &str| {
        let circles = document.descendants().filter(|n| n.has_tag_name("circle"));
        circles
            .filter(|n| n.attribute("class") == Some(class))
            .count()
    };
    // The ring stands in the legend too.
    assert_eq!(["knee", "held", "other", "now"].map(drawn), [1, 2, 1, 2]);
    let texts: Vec<&str> = document.descendants().filter_map(|n| n.text()).collect();
    for said in [
        "15m, spare 0",
        "40m, spare 0",
        "waiting per visit",
        "cost in 10 days, EUR",
    ] {
        assert!(texts.contains(&said), "{said} is not in {texts:?}");
    }
    // No point lies outside of the picture.
    for circle in document.descendants().filter(|n| n.has_tag_name("circle")) {
        let place = |axis| circle.attribute(axis).and_then(|v| v.parse::<f64>().ok());
        assert!(place("cx").is_some_and(|x| (0.0..1_200.0).contains(&x)));
        assert!(place("cy").is_some_and(|y| y > 0.0));
    }
}
