//! Values for the tests of usage and reports: a small studio's policy, and instants.

use crate::keeper::Status;
use crate::policy::{Policy, load};
use crate::units::{Minutes, PoolName, SessionId, Size, SlotId, Span, Timestamp};

use super::Heading;
use super::run::record::{Exposure, Lived, Record, Use, Visited};
use super::usage::{Days, Visit};

/// Two pools in Berlin: reviews by day, baking whenever somebody asks.
pub(super) const POLICY: &str = r#"owner = "studio7"
[service]
endpoint = "https://rendering.studio7.example"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
[auth]
method = "token"
token_env = "TOKEN"
[reconcile]
interval = "5m"
[prices]
currency = "EUR"
standard = "2.99"
premium = "11.50"
[budget]
daily = "60"
monthly = "900"
time_zone = "Europe/Berlin"
[[pool]]
name = "review"
min = 1
max = 3
spare = 1
lease = "20m"
idle_timeout = "15m"
schedule = ["Mon-Fri 08:00-18:00 Europe/Berlin"]
budget = { daily = "40" }
[[pool]]
name = "baking"
size = "premium"
min = 0
lease = "30m"
idle_timeout = "10m"
"#;

pub(super) fn policy() -> Policy {
    load("policy.toml", POLICY).expect("a policy").policy
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(super) fn lived(
    slot: &str,
    size: Size,
    created: &str,
    ready: Option<&str>,
    ended: Option<&str>,
) -> Lived {
    let slot: SlotId = slot.parse().expect("a slot");
    let id = format!(
        "studio7-{}-{}-{}",
        slot.pool,
        slot.ordinal,
        at(created).millis()
    );
    Lived {
        id: SessionId::new(&id).expect("an id"),
        slot,
        price: policy().prices.of(&size),
        size,
        created: at(created),
        ready: ready.map(at),
        ended: ended.map(at),
        status: if ended.is_some() {
            Status::Stopped
        } else {
            Status::Ready
        },
        started_by: "wanted".into(),
        stopped_by: ended.map(|_| "schedule-closed".into()),
        used: Vec::new(),
    }
}

fn used(client: &str, from: &str, to: &str) -> Use {
    Use {
        client: client.into(),
        from: at(from),
        to: at(to),
    }
}

fn visited(used: &Use, pool: &str, waited: Option<Span>) -> Visited {
    let from = used.from - waited.unwrap_or_default();
    let pool = PoolName::new(pool).expect("a name");
    Visited {
        visit: Visit {
            from,
            to: used.to,
            pool,
            client: used.client.clone(),
        },
        waited,
        lost: 0,
    }
}

/// Two days of the studio: a session by day, a second one when Bob comes, one that bakes over
/// midnight and one that never boots; and on the second day a budget that is spent.
pub(super) fn record() -> Record {
    let mut first = lived(
        "review/0",
        Size::Standard,
        "2026-03-02T07:00:00Z",
        Some("2026-03-02T07:00:50Z"),
        Some("2026-03-02T17:00:00Z"),
    );
    first.used = vec![
        used("ann", "2026-03-02T07:30:00Z", "2026-03-02T11:00:00Z"),
        used("ann", "2026-03-02T12:00:00Z", "2026-03-02T16:15:00Z"),
    ];
    let mut second = lived(
        "review/1",
        Size::Standard,
        "2026-03-02T07:30:00Z",
        Some("2026-03-02T07:31:05Z"),
        Some("2026-03-02T17:00:00Z"),
    );
    second.started_by = "demand".into();
    second.used = vec![used("bob", "2026-03-02T07:31:05Z", "2026-03-02T09:00:00Z")];
    let mut never = lived(
        "baking/0",
        Size::Premium,
        "2026-03-02T20:00:00Z",
        None,
        Some("2026-03-02T20:01:00Z"),
    );
    (never.status, never.started_by, never.stopped_by) = (Status::Error, "requested".into(), None);
    let mut baking = lived(
        "baking/0",
        Size::Premium,
        "2026-03-02T20:01:30Z",
        Some("2026-03-02T20:02:30Z"),
        Some("2026-03-03T01:10:00Z"),
    );
    (baking.started_by, baking.stopped_by) = ("requested".into(), Some("idle".into()));
    baking.used = vec![used("cem", "2026-03-02T20:02:30Z", "2026-03-03T01:00:00Z")];
    let last = lived(
        "review/0",
        Size::Standard,
        "2026-03-03T07:00:00Z",
        Some("2026-03-03T07:01:00Z"),
        None,
    );
    let visits = vec![
        visited(&first.used[0], "review", Some(Span::ZERO)),
        visited(&second.used[0], "review", Some(Span::seconds(65))),
        visited(&first.used[1], "review", Some(Span::ZERO)),
        visited(&baking.used[0], "baking", Some(Span::seconds(150))),
        visited(
            &used("dee", "2026-03-03T10:00:00Z", "2026-03-03T11:30:00Z"),
            "baking",
            None,
        ),
    ];
    let exposure = Exposure {
        session: first.id.clone(),
        slot: first.slot.clone(),
        lease: Minutes::new(20),
        at: at("2026-03-02T09:00:50Z"),
        length: Span::seconds(20 * 60 + 40),
    };
    Record {
        from: at("2026-03-01T23:00:00Z"),
        to: at("2026-03-03T23:00:00Z"),
        sessions: vec![first, second, never, baking, last],
        visits,
        unaffordable: vec![(
            "baking/0".parse().expect("a slot"),
            at("2026-03-03T10:00:00Z"),
            at("2026-03-03T23:00:00Z"),
        )],
        exposure: Some(exposure),
        reasons: [("wanted", 2), ("demand", 1), ("lease-half-spent", 88)]
            .map(|(w, n)| (w.to_owned(), n))
            .into(),
    }
}

pub(super) fn heading() -> Heading {
    let days = Days {
        first: "2026-03-02".parse().expect("a date"),
        count: 2,
        zone: chrono_tz::Europe::Berlin,
    };
    Heading {
        policy: "policy.toml".into(),
        usage: "usage.csv (5 visits)".into(),
        days,
    }
}
