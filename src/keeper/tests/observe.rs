//! What a list may take back: nothing.

use super::fixtures::{ago, blank, id, knowing, now, ready};
use super::world::{TestWorld, policy};
use crate::keeper::state::ManagedSession;
use crate::keeper::*;
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
        let observation = Observation {
            readings: vec![SessionReading {
                sent: now(),
                received: now(),
                session,
            }],
            ..Observation::default()
        };
        let events = state.apply_observation(now(), &policy(), &observation);
        (state.sessions[&id(0, 0)].elapsed.get(), events.len())
    };
    assert_eq!(lived(1441), (1441, 0));
    assert_eq!(lived(1442), (0, 1));
}
