//! How long one plan takes, with 10, 1,000 and 10,000 live sessions.
//!
//! Run with `cargo bench --bench plan`.

use divan::{Bencher, black_box};
use leasekeeper::keeper::{
    KeeperState, Listing, Observation, Session, SessionReading, Status, audit, plan,
};
use leasekeeper::policy::{ExtensionLimits, Limits, Policy, load};
use leasekeeper::units::{Minutes, SessionName, Size, SlotId, Span, Timestamp};

fn main() {
    divan::main();
}

const SESSIONS: [u32; 3] = [10, 1_000, 10_000];
/// What a service allows: a day, minute by minute.
const LIMITS: Limits = Limits {
    largest_create: Minutes::new(1_440),
    extension: Some(ExtensionLimits {
        largest_total: Minutes::new(1_440),
        smallest_step: Minutes::new(1),
    }),
};

fn policy(sessions: u32) -> Policy {
    let text = format!(
        r#"
        owner = "bench"
        [service]
        embedded = true
        [prices]
        standard = "2.99"
        premium = "11.50"
        [budget]
        daily = "10000000"
        monthly = "100000000"
        [[pool]]
        name = "pool"
        min = {sessions}
        max = {sessions}
        lease = "20m"
        idle_timeout = "15m"
        budget = {{ daily = "10000000" }}
        "#
    );
    load("bench.toml", &text).expect("a policy").policy
}

/// A memory of so many sessions that have been Ready for seven minutes, and the present instant.
fn world(sessions: u32, policy: &Policy) -> (KeeperState, Timestamp) {
    let now = Timestamp::from_millis(1_772_438_400_000);
    let pool = &policy.pools[0].name;
    let mut keeper = KeeperState::new(policy.owner.clone(), 1, LIMITS);
    let sessions: Vec<Session> = (0..sessions)
        .map(|ordinal| Session {
            id: SessionName {
                slot: SlotId {
                    pool: pool.clone(),
                    ordinal,
                },
                ulid: ulid::Ulid::from_parts(1, ordinal.into()),
            }
            .id(&policy.owner),
            region: None,
            size: Size::Standard,
            status: Status::Ready,
            max_lease: Minutes::new(20),
            elapsed: Minutes::new(7),
            created: None,
            address: None,
            teraflops: None,
            error: None,
        })
        .collect();
    let answer = |session: &Session| SessionReading {
        sent: now,
        received: now,
        session: session.clone(),
    };
    let observation = Observation {
        unlisted: None,
        readings: sessions.iter().map(answer).collect(),
        listing: Some(Listing {
            sent: now,
            received: now,
            sessions,
            ..Listing::default()
        }),
        unknown: Vec::new(),
    };
    keeper.apply_observation(now, policy, &observation);
    (keeper, now)
}

/// Nothing is due: what most passes find.
#[divan::bench(args = SESSIONS)]
fn nothing_due(bencher: Bencher<'_, '_>, sessions: u32) {
    let policy = policy(sessions);
    let (keeper, now) = world(sessions, &policy);
    bencher.bench_local(|| black_box(plan(black_box(now), &policy, &keeper)));
}

/// Every lease is due for renewal at once, under four budgets.
#[divan::bench(args = SESSIONS)]
fn everything_due(bencher: Bencher<'_, '_>, sessions: u32) {
    let policy = policy(sessions);
    let (keeper, now) = world(sessions, &policy);
    bencher.bench_local(|| black_box(plan(black_box(now + Span::minutes(6)), &policy, &keeper)));
}

/// The audit of a plan that renews everything.
#[divan::bench(args = SESSIONS)]
fn audit_everything(bencher: Bencher<'_, '_>, sessions: u32) {
    let policy = policy(sessions);
    let (keeper, now) = world(sessions, &policy);
    let planned = plan(now + Span::minutes(6), &policy, &keeper);
    bencher.bench_local(|| black_box(audit(&policy, &keeper, &planned)));
}
