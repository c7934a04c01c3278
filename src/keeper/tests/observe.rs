//! What a list may take back: nothing.

use super::fixtures::{ago, answering, blank, id, intent, knowing, listing, now, ready, said};
use super::world::{TestWorld, policy};
use crate::keeper::state::{ManagedSession, StopAsked};
use crate::keeper::*;
use crate::policy::Unmanaged;
use crate::units::{Minutes, Span, Timestamp};

#[test]
fn a_list_right_after_an_accepted_update_still_shows_the_older_lease_and_takes_nothing_back() {
    // As a recording of the real service has it: PATCH to 72 minutes and GET say 72, the list
    // after them says 60.
    let mut world = TestWorld::new(policy());
    world.outsider("st-a-0-01HF7YAT000000000000000007", Span::minutes(2), 60);
    let now = world.now;
    let session = |lease: u32, elapsed: u32| {
        let (listed, _, _) = world.hosted().next().expect("one session");
        Session {
            max_lease: Minutes::new(lease),
            elapsed: Minutes::new(elapsed),
            ..listed.clone()
        }
    };
    let read = |sent: Timestamp, session| SessionReading {
        sent,
        received: sent + Span::millis(80),
        session,
    };
    let mut state = KeeperState::new(world.policy.owner.clone(), 7, super::world::LIMITS);
    let patched = read(now, session(72, 2));
    let read_back = read(now + Span::millis(100), session(72, 2));
    let observation = Observation {
        readings: vec![read_back, patched],
        ..Observation::default()
    };
    let _ = state.apply_observation(now, &world.policy, &observation);
    let managed = state.sessions.values().next().expect("adopted").clone();
    let (sent, received) = (now + Span::millis(200), now + Span::millis(280));
    let listing = Listing {
        sent,
        received,
        sessions: vec![session(60, 1)],
        ..Listing::default()
    };
    let events = state.apply_observation(
        now + Span::seconds(1),
        &world.policy,
        &Observation {
            listing: Some(listing),
            ..Observation::default()
        },
    );
    assert_eq!((events, managed.granted), (Vec::new(), Minutes::new(72)));
    assert_eq!(
        state.sessions.values().next(),
        Some(&managed),
        "not its lease, nor its minutes, nor its bounds"
    );
}

#[test]
fn the_longest_life_and_a_minute_is_believed_and_no_more() {
    // The service of the tests leases for 1,440 minutes at the most.
    let lived = |minutes: u32| {
        let lease = Minutes::new(1440);
        let long_ago = ago(i64::from(minutes) + 1);
        let mut state = knowing([ManagedSession {
            created: long_ago,
            granted: lease,
            reserved: lease,
            starting_at: None,
            clock: None,
            ..ready(0, 0)
        }]);
        let session = Session {
            status: Status::Ready,
            max_lease: lease,
            elapsed: Minutes::new(minutes),
            ..blank(&id(0, 0))
        };
        let observation = answering(session);
        let events = state.apply_observation(now(), &policy(), &observation);
        (state.sessions[&id(0, 0)].elapsed.get(), events.len())
    };
    assert_eq!(lived(1441), (1441, 0));
    assert_eq!(lived(1442), (0, 1));
}

fn doubts(before: ManagedSession, status: Status, elapsed: u32) -> bool {
    let mut state = knowing([before]);
    let session = Session {
        status,
        max_lease: Minutes::new(20),
        elapsed: Minutes::new(elapsed),
        ..blank(&id(0, 0))
    };
    let observation = answering(session);
    let events = state.apply_observation(now(), &policy(), &observation);
    let incredible = |e: &Event| matches!(e.what, EventKind::Incredible { .. });
    events.iter().any(incredible)
}

#[test]
fn what_is_off_by_a_minute_is_left_to_the_lease_clock_and_what_is_off_by_more_is_not_believed() {
    // It was still booting six minutes ago.
    let booted = || ManagedSession {
        starting_at: Some(ago(6)),
        clock: None,
        ..ready(0, 0)
    };
    assert!(!doubts(booted(), Status::Ready, 7));
    assert!(doubts(booted(), Status::Ready, 8));
    // It is Ready since four minutes ago at the latest, and says less.
    let known = || ManagedSession {
        elapsed: Minutes::new(4),
        starting_at: None,
        ..ready(0, 0)
    };
    assert!(!doubts(known(), Status::Ready, 2));
    assert!(doubts(known(), Status::Ready, 1));
    // An end tells no less than was heard before, give or take a minute.
    assert!(!doubts(known(), Status::Stopped, 3));
    assert!(doubts(known(), Status::Stopped, 2));
    // What boots has no minutes.
    assert!(!doubts(intent(0, 0), Status::Starting, 0));
    assert!(doubts(intent(0, 0), Status::Starting, 1));
}

#[test]
fn a_sign_of_use_counts_until_the_idle_timeout_and_not_at_it() {
    let quarter = Span::minutes(15);
    let used = |span: Span| {
        let session = ManagedSession {
            active: Some(now() - span),
            ..ready(0, 0)
        };
        session.in_use(now(), Some(quarter))
    };
    assert!(used(quarter - Span::millis(1)));
    assert!(!used(quarter));
    let given_back = |at: Timestamp| {
        let session = ManagedSession {
            active: Some(ago(3)),
            released: Some(at),
            ..ready(0, 0)
        };
        session.in_use(now(), Some(quarter))
    };
    assert!(given_back(ago(4)));
    assert!(!given_back(ago(3)), "at the same instant it is over");
}

#[test]
fn a_session_of_which_no_minutes_are_known_began_within_its_lease() {
    let mut state = knowing([ManagedSession {
        starting_at: None,
        clock: None,
        ..ready(0, 0)
    }]);
    let session = Session {
        status: Status::Ready,
        max_lease: Minutes::new(20),
        elapsed: Minutes::new(u32::MAX),
        ..blank(&id(0, 0))
    };
    let observation = answering(session);
    let _ = state.apply_observation(now(), &policy(), &observation);
    assert_eq!(
        state.sessions[&id(0, 0)].clock,
        LeaseClock::new(ago(21), now())
    );
}

#[test]
fn a_session_that_is_not_ours_is_told_when_it_appears_where_the_policy_wants_to_know() {
    let told = |unmanaged| {
        let mut policy = policy();
        policy.unmanaged = unmanaged;
        let mut state = knowing([]);
        let mut lists = |names: &[&str]| {
            let foreign = |name: &&str| Session {
                status: Status::Ready,
                ..blank(&name.parse().expect("an id"))
            };
            let listing = Listing {
                sent: now(),
                received: now(),
                sessions: names.iter().map(foreign).collect(),
                ..Listing::default()
            };
            let observation = Observation {
                listing: Some(listing),
                ..Observation::default()
            };
            let events = state.apply_observation(now(), &policy, &observation);
            let ids = events.into_iter().filter_map(|event| event.session);
            ids.map(|id| id.to_string()).collect::<Vec<_>>()
        };
        [
            lists(&["one"]),
            lists(&["one", "two"]),
            lists(&["two"]),
            lists(&["one", "two"]),
        ]
    };
    let expected = [vec!["one"], vec!["two"], vec![], vec!["one"]];
    assert_eq!(told(Unmanaged::Report), expected);
    let none: [Vec<&str>; 4] = Default::default();
    assert_eq!(told(Unmanaged::Ignore), none);
}

#[test]
fn only_what_a_list_does_not_settle_is_asked_for_by_itself() {
    let interval = Span::seconds(30);
    let asked = |managed: &ManagedSession, sessions: Vec<Session>| {
        let listing = listing(sessions);
        knowing([managed.clone()])
            .sessions_to_get(Some(&listing), interval)
            .into_iter()
            .map(|query| query.id.to_string())
            .collect::<Vec<_>>()
    };
    let known_id = id(0, 0).to_string();
    let shown = || vec![said(Status::Ready, 20, 5)];
    let wide = |span: Span, from: Timestamp| ManagedSession {
        clock: LeaseClock::new(from - span, from),
        ..ready(0, 0)
    };
    let recently = ago(5);
    let none: [&str; 0] = [];
    assert_eq!(asked(&wide(interval, recently), shown()), none);
    let wider = interval + Span::millis(1);
    assert_eq!(asked(&wide(wider, recently), shown()), [known_id.as_str()]);
    assert_eq!(
        asked(&wide(interval, recently), Vec::new()),
        [known_id.as_str()]
    );
    // Its lease must have run out, and has it not.
    let long_ago = ago(20);
    assert_eq!(asked(&wide(interval, long_ago), shown()), none);
    let before = long_ago - Span::millis(1);
    assert_eq!(asked(&wide(interval, before), shown()), [known_id.as_str()]);
    let stopping = ManagedSession {
        stop: Some(StopAsked {
            after: None,
            since: now(),
            reason: Reason::Requested,
        }),
        ..wide(interval, recently)
    };
    assert_eq!(asked(&stopping, shown()), [known_id.as_str()]);

    // Strangers that carry our prefix are, others are not, nor is what has ended.
    let stranger = |id: &str| Session {
        id: id.parse().expect("an id"),
        ..said(Status::Ready, 20, 5)
    };
    let ours = id(1, 0).to_string();
    let others = vec![
        said(Status::Ready, 20, 5),
        stranger(&ours),
        stranger("by-hand"),
    ];
    assert_eq!(
        asked(&wide(interval, recently), others.clone()),
        [ours.as_str()]
    );
    let mut state = knowing([wide(interval, recently)]);
    state.ended.insert(id(1, 0), now());
    let listing = listing(others);
    assert_eq!(state.sessions_to_get(Some(&listing), interval), []);
}
