//! What the tests of the keeper begin with: a policy, a pool, a service's limits, a session, and
//! the small states of a Monday morning at eight.

use std::collections::BTreeMap;

use crate::keeper::*;
use crate::policy::{
    Auth, Budget, ControlSettings, Embedded, ExtensionLimits, Limits, Location, Policy, Pool,
    Prices, Reconcile, ServiceConfig, Settings, Team, Unmanaged,
};
use crate::units::{Currency, Minutes, Owner, Price, SessionId, Size, SlotId, Span, Timestamp};

/// What the service of the tests allows.
pub(in crate::keeper) const LIMITS: Limits = Limits {
    largest_create: Minutes::new(1440),
    extension: Some(ExtensionLimits {
        largest_total: Minutes::new(1439),
        smallest_step: Minutes::new(1),
    }),
};

/// A policy with one pool `a` of at most four Standard sessions: lease 20m, idle timeout 15m, price
/// 6.00 an hour.
pub(in crate::keeper) fn policy() -> Policy {
    Policy {
        owner: Owner::new("st").expect("an owner"),
        service: ServiceConfig {
            location: Location::Embedded(Embedded {
                listen: ([127, 0, 0, 1], 0).into(),
                boot_delay: Span::seconds(30),
                capacity: 16,
            }),
            regions: BTreeMap::new(),
            account_id: String::new(),
            account_domain: None,
            authentication_endpoint: None,
            timeout: Span::seconds(20),
            ca_file: None,
        },
        auth: Auth::Embedded,
        reconcile: Reconcile {
            interval: Span::seconds(30),
        },
        prices: Prices {
            currency: Currency("EUR".into()),
            standard: "6".parse::<Price>().ok(),
            premium: "12".parse::<Price>().ok(),
        },
        budget: Budget::default(),
        time_zone: chrono_tz::Tz::UTC,
        alert_at: Vec::new(),
        unmanaged: Unmanaged::Report,
        control: ControlSettings::default(),
        ledger: None,
        pools: vec![pool("a")],
        teams: Vec::new(),
        settings: Settings::default(),
    }
}

pub(in crate::keeper) fn pool(name: &str) -> Pool {
    Pool {
        max: 4,
        idle_timeout: Some(Span::minutes(15)),
        ..Pool::new(name.parse().expect("a pool name"))
    }
}

/// A team with these members and a bound on each day.
pub(in crate::keeper) fn team(name: &str, members: &[&str], daily: &str) -> Team {
    let members = members.iter().map(|m| m.parse().expect("a client"));
    Team {
        name: name.parse().expect("a name"),
        members: members.collect(),
        budget: Budget {
            daily: daily.parse().ok(),
            ..Budget::default()
        },
        max: None,
    }
}

pub(super) fn blank(id: &SessionId) -> Session {
    Session {
        id: id.clone(),
        region: None,
        size: Size::Standard,
        status: Status::Starting,
        max_lease: Minutes::ZERO,
        elapsed: Minutes::ZERO,
        created: None,
        address: Some(Address {
            hostname: "vm".into(),
            ports: Ports::new([("handshake", Some(50_000))]),
        }),
        teraflops: None,
        error: None,
    }
}

/// A Monday morning at eight.
pub(in crate::keeper) fn now() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("an instant")
}

/// So many minutes before that.
pub(in crate::keeper) fn ago(minutes: i64) -> Timestamp {
    now() - Span::minutes(minutes)
}

/// A slot of the pool `a`.
pub(in crate::keeper) fn slot(ordinal: u32) -> SlotId {
    format!("a/{ordinal}").parse().expect("a slot")
}

/// The nth session that was drawn for a slot.
pub(in crate::keeper) fn id(ordinal: u32, n: u32) -> SessionId {
    let text = format!("st-a-{ordinal}-01HF7YAT00NBPVQXX7HBV7FE0{n}");
    text.parse().expect("an id")
}

/// A create of six minutes ago, for a lease of 20, that nothing has been heard of.
pub(in crate::keeper) fn intent(ordinal: u32, n: u32) -> ManagedSession {
    let lease = Minutes::new(20);
    let (id, slot) = (id(ordinal, n), slot(ordinal));
    ManagedSession::intended(id, slot, None, Size::Standard, lease, ago(6))
}

/// Ready for four to five minutes of its 20, and nobody's.
pub(in crate::keeper) fn ready(ordinal: u32, n: u32) -> ManagedSession {
    ManagedSession {
        seen: true,
        status: Status::Ready,
        granted: Minutes::new(20),
        clock: LeaseClock::new(ago(5), ago(4)),
        address: blank(&id(ordinal, n)).address,
        ..intent(ordinal, n)
    }
}

/// What is known of some sessions, and nothing else.
pub(in crate::keeper) fn knowing(
    sessions: impl IntoIterator<Item = ManagedSession>,
) -> KeeperState {
    let mut state = KeeperState::new(policy().owner, 7, LIMITS);
    for session in sessions {
        state.sessions.insert(session.id.clone(), session);
    }
    state
}

/// What the service says of the first session of the first slot.
pub(in crate::keeper) fn said(status: Status, lease: u32, elapsed: u32) -> Session {
    Session {
        status,
        max_lease: Minutes::new(lease),
        elapsed: Minutes::new(elapsed),
        ..blank(&id(0, 0))
    }
}

/// A list of this instant.
pub(in crate::keeper) fn listing(sessions: Vec<Session>) -> Listing {
    Listing {
        sent: now(),
        received: now(),
        sessions,
        ..Listing::default()
    }
}

/// One answer about one session, of this instant, and no list.
pub(in crate::keeper) fn answering(session: Session) -> Observation {
    let reading = SessionReading {
        sent: now(),
        received: now(),
        session,
    };
    Observation {
        readings: vec![reading],
        ..Observation::default()
    }
}

/// A pool of three slots that keeps two filled.
pub(in crate::keeper) fn three() -> Policy {
    let mut policy = policy();
    policy.pools[0].max = 3;
    policy.pools[0].min = 2;
    policy
}

/// What a person or a client names.
pub(in crate::keeper) fn target(text: &str) -> Target {
    text.parse().expect("a target")
}
