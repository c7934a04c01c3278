//! A session's life, and a registry's promises.

use proptest::prelude::*;

use super::registry::{RegistryError, SessionRegistry, TimeChanges};
use crate::arr::limits::LARGEST_UPDATE;
use crate::host::engine::{Boot, Engine, Simulated};
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
        let (mut registry, mut engine) = (SessionRegistry::default(), engine());
        let mut now = Timestamp::default();
        registry
            .create(&mut engine, &id(), &Size::Standard, Minutes::new(1), now)
            .expect("created");
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

/// An engine that always gives the same answer.
struct Always(Boot);

impl Engine for Always {
    fn start(&mut self, _id: &SessionId, _size: &Size, _live: usize) -> Boot {
        self.0.clone()
    }
    fn extend(&mut self, _id: &SessionId, _lease: Minutes) {}
    fn stop(&mut self, _id: &SessionId) {}
}

/// A registry with one session of a lease of 2 minutes, created at 0.
fn registry_of(engine: &mut dyn Engine) -> SessionRegistry {
    let mut registry = SessionRegistry::default();
    registry
        .create(
            engine,
            &id(),
            &Size::Standard,
            Minutes::new(2),
            Timestamp::default(),
        )
        .expect("created");
    registry
}

fn told(registry: &SessionRegistry, millis: i64) -> String {
    let session = registry.get(&id()).expect("there");
    let body = session.body(Timestamp::from_millis(millis));
    serde_json::to_string(&body).expect("JSON")
}

#[test]
fn what_is_told_of_a_session_in_each_state() {
    let mut registry = registry_of(&mut engine());
    let begins = r#"{"id":"s","creationTime":"1970-01-01T00:00:00+00:00","#;
    let (elapsed, lease) = (r#""elapsedTimeMinutes":"#, r#","maxLeaseTimeMinutes":2"#);
    let (size, speed) = (r#","size":"Standard","status":"#, r#","teraflops":8.1}"#);
    let starting = format!(r#"{begins}{elapsed}0{lease}{size}"Starting"}}"#);
    let ports = r#""arrInspectorPort":53952,"handshakePort":57638,"#;
    let host = r#","hostname":"vm-af63ee4c.simulated.local""#;
    let ready = format!(r#"{begins}{ports}{elapsed}0{host}{lease}{size}"Ready"{speed}"#);
    let expired = format!(r#"{begins}{elapsed}2{lease}{size}"Expired"{speed}"#);
    assert_eq!(told(&registry, 9_999), starting);
    assert_eq!(told(&registry, 10_000), ready);
    assert_eq!(told(&registry, 130_000), expired);
    let session = registry.get(&id()).expect("there");
    assert_eq!(session.boots(), Some(Timestamp::from_millis(10_000)));
    let host = session.place().map(|place| place.hostname.as_str());
    assert_eq!(host, Some("vm-af63ee4c.simulated.local"));
    // Once it was seen to have ended, a clock that is set back does not bring it to life again.
    registry.settle(Timestamp::from_millis(130_000));
    assert_eq!(told(&registry, 0), expired);
}

#[test]
fn a_session_that_was_stopped_while_it_booted_never_had_a_server() {
    let mut engine = engine();
    let mut registry = registry_of(&mut engine);
    let at = Timestamp::from_millis;
    registry.stop(&mut engine, &id(), at(9_999)).expect("there");
    let stopped = "{\"id\":\"s\",\"creationTime\":\"1970-01-01T00:00:00+00:00\",\
                   \"elapsedTimeMinutes\":0,\"maxLeaseTimeMinutes\":2,\"size\":\"Standard\",\
                   \"status\":\"Stopped\"}";
    for millis in [0, 9_999, 10_000, 999_999] {
        assert_eq!(told(&registry, millis), stopped);
    }
}

#[test]
fn a_session_without_a_server_ends_in_error_when_that_turns_out() {
    let after = Span::seconds(7);
    for (boot, message) in [
        (
            Boot::OutOfServers { after },
            "No Standard servers are available.",
        ),
        (Boot::Broken { after }, "The server could not be started."),
    ] {
        let registry = registry_of(&mut Always(boot));
        let session = registry.get(&id()).expect("there");
        let at = Timestamp::from_millis;
        assert_eq!(session.body(at(6_999)).status, "Starting");
        assert_eq!(session.body(at(6_999)).error, None);
        let body = session.body(at(7_000));
        let error = body.error.expect("an error");
        assert_eq!(
            (&*body.status, &*error.code, &*error.message),
            ("Error", "InternalServerError", message)
        );
        assert_eq!((body.teraflops, body.elapsed_time_minutes), (None, Some(0)));
    }
}

#[test]
fn a_retry_of_a_create_names_the_lease_that_it_asked_for_first() {
    let mut engine = engine();
    let mut registry = registry_of(&mut engine);
    let (now, asked) = (Timestamp::default(), Minutes::new(2));
    registry
        .extend(&mut engine, &id(), Minutes::new(30), now)
        .expect("extended");
    let mut again = |size, lease| {
        let created = registry.create(&mut engine, &id(), size, lease, now);
        created.map(|(new, session)| (new, session.lease))
    };
    let there = Ok((false, Minutes::new(30)));
    assert_eq!(again(&Size::Standard, asked), there);
    let conflict = Err(RegistryError::Conflict);
    assert_eq!(again(&Size::Standard, Minutes::new(30)), conflict);
    assert_eq!(again(&Size::Premium, asked), conflict);
}

#[test]
fn a_lease_can_grow_to_just_below_the_maximum() {
    let mut engine = engine();
    let mut registry = registry_of(&mut engine);
    let mut extend = |lease| {
        let lease = Minutes::new(lease);
        let extended = registry.extend(&mut engine, &id(), lease, Timestamp::default());
        extended.map(|session| session.lease.get())
    };
    assert_eq!(extend(2), Err(RegistryError::NotLarger));
    assert_eq!(extend(1_440), Err(RegistryError::AboveMaximum));
    assert_eq!(extend(1_439), Ok(1_439));
    assert_eq!(extend(1_439), Err(RegistryError::NotLarger));
}

#[test]
fn a_registry_counts_and_lists_what_is_live_and_what_can_be_read() {
    let mut engine = Simulated {
        boot_delay: Span::ZERO,
        capacity: 9,
    };
    let mut registry = SessionRegistry::default();
    assert!(registry.is_empty());
    let at = |n| Timestamp::default() + Span::minutes(n);
    let ids = ["a", "b", "c"].map(|id| SessionId::new(id).expect("an id"));
    for (id, lease) in ids.iter().zip([5, 9, 9]) {
        let lease = Minutes::new(lease);
        registry
            .create(&mut engine, id, &Size::Standard, lease, at(0))
            .expect("created");
    }
    let names = |registry: &SessionRegistry, now, from| -> String {
        registry.live(now, from).map(|s| s.id.as_str()).collect()
    };
    assert!(!registry.is_empty());
    assert_eq!((registry.len(), registry.live_len()), (3, 3));
    assert_eq!(names(&registry, at(1), None), "abc");
    assert_eq!(names(&registry, at(1), Some(&ids[1])), "c");
    // The lease of one has run out, whether or not the registry was told.
    assert_eq!(names(&registry, at(5), None), "bc");
    assert_eq!(registry.settle(at(5)).ended, [ids[0].clone()]);
    assert_eq!((registry.len(), registry.live_len()), (3, 2));
    let all: String = registry.all().map(|s| s.id.as_str()).collect();
    assert_eq!(all, "abc");

    let mut restored = SessionRegistry::default();
    registry.all().for_each(|s| restored.restore(s.clone()));
    assert_eq!((restored.len(), restored.live_len()), (3, 2));
    assert_eq!(names(&restored, at(6), None), "bc");
    assert_eq!(
        restored.settle(at(9)).ended,
        [ids[1].clone(), ids[2].clone()]
    );
    let forgotten = restored.settle(at(5) + Span::hours(30 * 24)).forgotten;
    assert_eq!(forgotten, [ids[0].clone()]);
}
