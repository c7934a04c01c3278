//! What one answer moves, and what it leaves as it was: a list may be old, an answer about one
//! session alone may be late, and neither takes anything back.

use super::fixtures::{ago, answering, blank, id, intent, knowing, listing, now, policy, said};
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::keeper::*;
use crate::units::{Minutes, Size, Span, Timestamp};

/// A session that was asked for ten minutes ago with a lease of 20.
fn booting() -> ManagedSession {
    ManagedSession {
        seen: true,
        created: ago(10),
        starting_at: Some(ago(10)),
        ..intent(0, 0)
    }
}

/// It booted for three to four minutes.
fn ready() -> ManagedSession {
    ManagedSession {
        status: Status::Ready,
        granted: Minutes::new(20),
        elapsed: Minutes::new(5),
        clock: LeaseClock::new(ago(7), ago(6)),
        address: blank(&id(0, 0)).address,
        ..booting()
    }
}

fn known(managed: &ManagedSession) -> KeeperState {
    knowing([managed.clone()])
}

fn listed(before: &ManagedSession, session: Session) -> ManagedSession {
    let mut state = known(before);
    let observation = Observation {
        listing: Some(listing(vec![session])),
        ..Observation::default()
    };
    let _ = state.apply_observation(now(), &policy(), &observation);
    state.sessions[&id(0, 0)].clone()
}

#[test]
fn a_list_moves_nothing_where_it_says_nothing_new_or_something_older() {
    let starting = booting();
    let mut beyond = said(Status::Ready, 20, 5);
    beyond.address = None;
    for (before, session) in [
        // The same numbers under another word.
        (ready(), said(Status::Other("Hibernating".into()), 20, 5)),
        // Less of either.
        (ready(), said(Status::Other("Hibernating".into()), 19, 4)),
        // Still booting, whatever lease it names.
        (ready(), said(Status::Starting, 30, 0)),
        // An end is asked for by itself.
        (ready(), said(Status::Stopped, 30, 6)),
        (starting.clone(), said(Status::Expired, 20, 0)),
        (ready(), beyond),
    ] {
        let after = listed(&before, session.clone());
        assert_eq!(after, before, "{session:?}");
    }
}

#[test]
fn a_list_moves_what_it_says_more_of_and_nothing_else() {
    // A lease that somebody else has extended.
    let after = listed(&ready(), said(Status::Ready, 30, 5));
    let expected = ManagedSession {
        granted: Minutes::new(30),
        reserved: Minutes::new(30),
        ..ready()
    };
    assert_eq!(after, expected);
    // Minutes, which say that it was Ready by then.
    let after = listed(&ready(), said(Status::Ready, 20, 7));
    let expected = ManagedSession {
        elapsed: Minutes::new(7),
        clock: None,
        starting_at: None,
        ..ready()
    };
    assert_eq!(after, expected, "seven minutes are more than can be");
    let later = ManagedSession {
        clock: LeaseClock::new(ago(9), ago(6)),
        ..ready()
    };
    let expected = ManagedSession {
        elapsed: Minutes::new(7),
        clock: LeaseClock::new(ago(9), ago(7)),
        ..ready()
    };
    assert_eq!(listed(&later, said(Status::Ready, 20, 7)), expected);
    // A boot that is over: since it was last seen booting, and for so long at least.
    let after = listed(&booting(), said(Status::Ready, 20, 4));
    let expected = ManagedSession {
        elapsed: Minutes::new(4),
        clock: LeaseClock::new(ago(10), ago(4)),
        ..ready()
    };
    assert_eq!(after, expected);
    // That a boot is over is enough.
    let granted = ManagedSession {
        granted: Minutes::new(20),
        ..booting()
    };
    let after = listed(&granted, said(Status::Ready, 20, 0));
    assert_eq!(after.status, Status::Ready);
    // So is that it is there at all.
    let unheard = ManagedSession {
        seen: false,
        ..booting()
    };
    assert!(listed(&unheard, said(Status::Starting, 0, 0)).seen);
    // One that it shows for the first time, and that still boots.
    let unseen = ManagedSession {
        seen: false,
        absent: Some(now()),
        address: None,
        ..booting()
    };
    let mut boots = said(Status::Starting, 20, 0);
    boots.address = None;
    let expected = ManagedSession {
        granted: Minutes::new(20),
        ..booting()
    };
    assert_eq!(listed(&unseen, boots), expected);
}

#[test]
fn minutes_of_a_list_that_cannot_be_leave_the_bounds_that_are_known() {
    let session = said(Status::Ready, 20, 4_000_000);
    let expected = ManagedSession {
        doubted: true,
        ..ready()
    };
    // The lease is news.
    let mut longer = session.clone();
    longer.max_lease = Minutes::new(21);
    assert_eq!(listed(&ready(), session.clone()), expected);
    let expected = ManagedSession {
        granted: Minutes::new(21),
        reserved: Minutes::new(21),
        ..expected
    };
    assert_eq!(listed(&ready(), longer), expected);
    // What boots has no bounds, whatever minutes it says.
    let after = listed(&booting(), said(Status::Starting, 30, 5));
    assert_eq!((after.clock, after.granted), (None, Minutes::new(30)));
    // Of a boot that is over there is only that it lasted until the last answer that said so.
    let after = listed(&booting(), session);
    let expected = LeaseClock::new(ago(10), now());
    assert_eq!((after.clock, after.elapsed), (expected, Minutes::ZERO));
}

fn read(before: &ManagedSession, sent: Timestamp, session: Session) -> ManagedSession {
    let mut state = known(before);
    let reading = SessionReading {
        sent,
        received: sent,
        session,
    };
    let observation = Observation {
        readings: vec![reading],
        ..Observation::default()
    };
    let _ = state.apply_observation(now(), &policy(), &observation);
    state.sessions[&id(0, 0)].clone()
}

#[test]
fn a_late_answer_moves_nothing() {
    let before = ManagedSession {
        last_read: Some(now()),
        ..ready()
    };
    let early = now() - Span::millis(1);
    assert_eq!(read(&before, early, said(Status::Ready, 30, 6)), before);
    assert_eq!(read(&before, now(), said(Status::Starting, 30, 0)), before);
    let after = read(&before, now(), said(Status::Ready, 30, 6));
    assert_eq!(after.granted, Minutes::new(30));
}

#[test]
fn an_end_counts_however_late_its_answer_is() {
    let mut state = known(&ManagedSession {
        last_read: Some(now()),
        ..ready()
    });
    let reading = SessionReading {
        sent: now() - Span::seconds(5),
        received: now(),
        session: said(Status::Stopped, 20, 6),
    };
    let observation = Observation {
        readings: vec![reading],
        ..Observation::default()
    };
    let _ = state.apply_observation(now(), &policy(), &observation);
    assert_eq!(state.sessions.len(), 0);
}

#[test]
fn a_word_that_is_not_known_is_told_once() {
    let mut state = known(&ready());
    let mut told = |session: Session| {
        let observation = Observation {
            listing: Some(listing(vec![session.clone()])),
            readings: vec![SessionReading {
                sent: now(),
                received: now(),
                session,
            }],
            ..Observation::default()
        };
        let events = state.apply_observation(now(), &policy(), &observation);
        events
            .into_iter()
            .filter_map(|event| match event.what {
                EventKind::UnknownWord { word } => Some(word),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let odd = said(Status::Other("Hibernating".into()), 20, 6);
    let none: [&str; 0] = [];
    assert_eq!(told(said(Status::Ready, 20, 6)), none);
    assert_eq!(told(odd.clone()), ["Hibernating"]);
    assert_eq!(told(odd), none);
    // Of a session that is found, both.
    let found = || Session {
        id: id(1, 0),
        size: Size::Other("Huge".into()),
        ..said(Status::Other("Hibernating".into()), 20, 6)
    };
    assert_eq!(told(found()), ["Hibernating", "Huge"]);
    assert_eq!(told(found()), none);
}

#[test]
fn nothing_that_has_ended_comes_back() {
    let reading = |status| SessionReading {
        sent: now(),
        received: now(),
        session: said(status, 20, 5),
    };
    for (status, ended, comes) in [
        (Status::Ready, false, true),
        (Status::Ready, true, false),
        (Status::Stopped, false, false),
        (Status::Stopped, true, false),
    ] {
        let mut state = knowing([]);
        if ended {
            state.ended.insert(id(0, 0), now());
        }
        let mut listed = state.clone();
        let observation = Observation {
            readings: vec![reading(status.clone())],
            ..Observation::default()
        };
        let _ = state.apply_observation(now(), &policy(), &observation);
        assert_eq!(state.sessions.len(), usize::from(comes), "{status:?}");
        let observation = Observation {
            listing: Some(listing(vec![said(status.clone(), 20, 5)])),
            ..Observation::default()
        };
        let _ = listed.apply_observation(now(), &policy(), &observation);
        assert_eq!(listed.sessions.len(), usize::from(comes), "{status:?}");
    }
}

#[test]
fn only_what_must_outlive_the_process_is_written() {
    let before = || ManagedSession {
        reserved: Minutes::new(30),
        region: "west".parse().ok(),
        ..ready()
    };
    let same = || said(Status::Ready, 20, 5);
    let writes = |before: &ManagedSession, session: Session| {
        let mut state = known(before);
        let observation = answering(session);
        let _ = state.apply_observation(now(), &policy(), &observation);
        !state.take_changes().sessions.is_empty()
    };
    let unseen = ManagedSession {
        seen: false,
        ..before()
    };
    let elsewhere = |name: &str| Session {
        region: name.parse().ok(),
        ..same()
    };
    let mut silent = same();
    silent.address = None;
    let mut moved = same();
    moved.address.as_mut().expect("an address").hostname = "other".into();
    let larger = Session {
        size: Size::Premium,
        ..same()
    };
    for (before, session, is_written) in [
        (before(), same(), false),
        (before(), silent, false),
        (before(), elsewhere("west"), false),
        // What is reserved anyway, and minutes, are read again.
        (before(), said(Status::Ready, 30, 6), false),
        (unseen, same(), true),
        (before(), said(Status::Other("Odd".into()), 20, 5), true),
        (before(), larger, true),
        (before(), said(Status::Ready, 31, 5), true),
        (before(), elsewhere("north"), true),
        (before(), moved, true),
    ] {
        assert_eq!(writes(&before, session.clone()), is_written, "{session:?}");
    }
}
