//! A session's life, and a registry's promises.

use proptest::prelude::*;

use super::registry::{RegistryError, SessionRegistry, TimeChanges};
use crate::arr::limits::LARGEST_UPDATE;
use crate::host::engine::Simulated;
use crate::keeper::Status;
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

fn id() -> SessionId {
    SessionId::new("s").expect("an id")
}
fn engine() -> Simulated {
    Simulated {
        boot_delay: Span::seconds(10),
        capacity: 1,
    }
}

#[test]
fn a_session_expires_at_the_end_of_its_lease_to_the_millisecond() {
    let (mut registry, at) = (SessionRegistry::default(), Timestamp::from_millis);
    registry
        .create(
            &mut engine(),
            &id(),
            &Size::Standard,
            Minutes::new(2),
            at(0),
        )
        .expect("created");
    let seen = |ms| {
        let s = registry.get(&id()).expect("there");
        (s.status(at(ms)), s.elapsed(at(ms)).get())
    };
    assert_eq!(seen(9_999), (Status::Starting, 0));
    assert_eq!(seen(10_000), (Status::Ready, 0));
    assert_eq!(seen(129_999), (Status::Ready, 1));
    assert_eq!(seen(130_000), (Status::Expired, 2));
    assert_eq!(seen(999_999_999), (Status::Expired, 2));
}

#[test]
fn an_ended_session_can_be_read_for_30_days_and_its_id_is_free_after() {
    let (mut registry, mut engine) = (SessionRegistry::default(), engine());
    let day = |n: i64| Timestamp::default() + Span::hours(24 * n);
    registry
        .create(&mut engine, &id(), &Size::Standard, Minutes::new(9), day(0))
        .expect("created");
    registry.stop(&mut engine, &id(), day(1)).expect("there");
    let ended = day(0) + Span::seconds(10) + Span::minutes(9);
    assert_eq!(
        registry.settle(ended + Span::hours(30 * 24) - Span::millis(1)),
        TimeChanges::default()
    );
    assert_eq!(
        registry.get(&id()).expect("readable").status(day(30)),
        Status::Expired
    );
    let again = registry
        .create(&mut engine, &id(), &Size::Premium, Minutes::new(9), day(30))
        .map(|(new, _)| new);
    assert_eq!(again.expect_err("its id is taken"), RegistryError::Conflict);
    assert_eq!(
        registry.settle(ended + Span::hours(30 * 24)).forgotten,
        [id()]
    );
    assert_eq!(
        registry.get(&id()).expect_err("forgotten"),
        RegistryError::NotFound
    );
    assert!(
        registry
            .create(&mut engine, &id(), &Size::Premium, Minutes::new(9), day(31))
            .expect("free")
            .0
    );
}

#[test]
fn an_older_list_shows_older_leases_and_sessions_that_have_ended_since() {
    let (mut registry, mut engine) = (
        SessionRegistry::default(),
        Simulated {
            boot_delay: Span::ZERO,
            capacity: 9,
        },
    );
    let at = |n| Timestamp::default() + Span::minutes(n);
    let [a, b, c] = ["a", "b", "c"].map(|id| SessionId::new(id).expect("an id"));
    registry
        .create(&mut engine, &a, &Size::Standard, Minutes::new(20), at(0))
        .expect("created");
    registry
        .create(&mut engine, &b, &Size::Standard, Minutes::new(20), at(1))
        .expect("created");
    registry
        .extend(&mut engine, &a, Minutes::new(30), at(2))
        .expect("extended");
    registry.stop(&mut engine, &b, at(3)).expect("there");
    registry
        .create(&mut engine, &c, &Size::Standard, Minutes::new(20), at(4))
        .expect("created");
    let then = |n| {
        let past = registry.live_as_of(at(n), None);
        past.map(|s| format!("{} {} {}", s.id, s.lease, s.elapsed(at(n))))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(then(0), "a 20m 0m");
    assert_eq!(then(1), "a 20m 1m, b 20m 0m");
    assert_eq!(then(2), "a 30m 2m, b 20m 1m");
    assert_eq!(then(3), "a 30m 3m");
    assert_eq!(then(4), "a 30m 4m, c 20m 0m");
}

#[test]
fn a_region_without_servers_ends_the_session_in_error() {
    let (mut registry, mut engine) = (SessionRegistry::default(), engine());
    let other = SessionId::new("t").expect("an id");
    registry
        .create(
            &mut engine,
            &id(),
            &Size::Standard,
            Minutes::new(9),
            Timestamp::default(),
        )
        .expect("created");
    registry
        .create(
            &mut engine,
            &other,
            &Size::Standard,
            Minutes::new(9),
            Timestamp::default(),
        )
        .expect("created");
    let body = registry
        .get(&other)
        .expect("there")
        .body(Timestamp::from_millis(10_000));
    assert_eq!(
        (
            body.status.as_str(),
            body.error.expect("an error").message.as_str()
        ),
        ("Error", "No Standard servers are available.")
    );
}

proptest! {
    #[test]
    fn a_lease_only_grows_and_a_terminal_session_stays_as_it_ended(
        requests in proptest::collection::vec((1i64..40_000, 0u8..3, 0u32..1_500), 1..40),
    ) {
        let (mut registry, mut engine, mut now) = (SessionRegistry::default(), engine(), Timestamp::default());
        registry.create(&mut engine, &id(), &Size::Standard, Minutes::new(1), now).expect("created");
        let mut ended = None;
        for (pause, what, lease) in requests {
            now += Span::millis(pause);
            let before = registry.get(&id()).expect("there").lease;
            match what {
                0 => { let _ = registry.extend(&mut engine, &id(), Minutes::new(lease), now); }
                1 if lease % 7 == 0 => registry.stop(&mut engine, &id(), now).expect("there"),
                _ => {}
            }
            let s = registry.get(&id()).expect("there");
            prop_assert!(s.lease >= before && s.lease <= LARGEST_UPDATE);
            let seen = (s.status(now), s.elapsed(now));
            if let Some(ended) = &ended { prop_assert_eq!(ended, &seen); }
            if seen.0.is_terminal() { ended = Some(seen); }
        }
    }
}
