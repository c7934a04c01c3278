//! Plain values for the tests of the ledger, and what a ledger must keep of changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use super::{Fresh, Ledger, LedgerError, RecordedEvent};
use crate::arr::limits::LIMITS;
use crate::keeper::{
    Changes, Event, KeeperState, KeyUse, LeaseClock, ManagedSession, Retry, Settled, SlotState,
    Status, ToldAlert, Waiter,
};
use crate::policy::{Policy, load};
use crate::units::{
    HoldId, HoldKey, Minutes, Owner, Region, SessionId, Size, SlotId, Span, Timestamp,
};

pub(crate) const FRESH: Fresh = Fresh {
    seed: u64::MAX - 6,
    made: Timestamp::from_millis(1_772_323_200_000),
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn owner() -> Owner {
    Owner::new("studio7").expect("an owner")
}

pub(crate) fn session(id: &str) -> SessionId {
    SessionId::new(id).expect("an id")
}

pub(crate) fn slot(text: &str) -> SlotId {
    text.parse().expect("a slot")
}

pub(super) fn ledger() -> Ledger {
    Ledger::in_memory(FRESH).expect("memory has room")
}

impl Ledger {
    /// Writes events without numbers: they get those that come next.
    pub(super) fn write(
        &mut self,
        owner: &Owner,
        at: Timestamp,
        changes: &Changes,
        events: &[Event],
    ) -> Result<(), LedgerError> {
        let mut seq = self.last_seq()?;
        let number = |event: &Event| {
            seq = seq.next();
            RecordedEvent {
                seq,
                event: event.clone(),
            }
        };
        let events: Vec<RecordedEvent> = events.iter().map(number).collect();
        self.write_numbered(owner, at, changes, &events)
    }
}

/// An intent: a create that is about to be sent.
pub(crate) fn intent(id: &str, place: &str, now: Timestamp) -> ManagedSession {
    ManagedSession {
        id: session(id),
        slot: slot(place),
        region: None,
        service: None,
        size: Size::Premium,
        status: Status::Starting,
        seen: false,
        absent: None,
        alarmed: false,
        granted: Minutes::ZERO,
        reserved: Minutes::new(20),
        elapsed: Minutes::ZERO,
        created: now,
        clock: None,
        ready_by: None,
        starting_at: None,
        last_read: None,
        doubted: false,
        hold: None,
        uses: Vec::new(),
        active: None,
        unknown: BTreeMap::new(),
        reports: BTreeMap::new(),
        released: None,
        stop: None,
        retry: Retry::default(),
        address: None,
    }
}

/// A session that was Ready from an instant on, for so many minutes.
pub(super) fn settled(
    id: &str,
    place: &str,
    ready: Timestamp,
    minutes: u32,
    price: &str,
) -> Settled {
    Settled {
        id: session(id),
        slot: slot(place),
        region: None,
        size: Size::Standard,
        status: Status::Stopped,
        ready: LeaseClock::new(ready - Span::seconds(20), ready),
        minutes: Minutes::new(minutes),
        certain: true,
        price: price.parse().expect("a price"),
        ended: ready + Span::minutes(i64::from(minutes)),
        why: None,
        uses: Vec::new(),
    }
}

pub(super) fn live(known: ManagedSession) -> Changes {
    Changes {
        sessions: vec![known],
        ..Changes::default()
    }
}

pub(super) fn ended(settled: Vec<Settled>) -> Changes {
    Changes {
        settled,
        ..Changes::default()
    }
}

/// What of a memory is in the ledger, written a second time as plainly as possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) sessions: BTreeMap<SessionId, ManagedSession>,
    pub(super) slots: BTreeMap<SlotId, SlotState>,
    pub(super) queue: BTreeMap<HoldId, Waiter>,
    pub(super) keys: BTreeMap<HoldKey, KeyUse>,
    pub(super) alerts: BTreeSet<ToldAlert>,
    pub(super) settled: BTreeMap<SessionId, Settled>,
}

impl Kept {
    pub(super) fn apply(&mut self, changes: &Changes) {
        for known in &changes.sessions {
            let bare = ManagedSession {
                unknown: BTreeMap::new(),
                reports: BTreeMap::new(),
                clock: None,
                ready_by: known.known_ready_by(),
                starting_at: None,
                last_read: None,
                doubted: false,
                retry: Retry::default(),
                ..known.clone()
            };
            self.sessions.insert(known.id.clone(), bare);
        }
        self.slots.extend(changes.slots.iter().cloned());
        for settled in &changes.settled {
            self.sessions.remove(&settled.id);
            self.settled.insert(settled.id.clone(), settled.clone());
        }
        for id in &changes.dropped {
            self.sessions.remove(id);
        }
        for (from, to) in &changes.renamed {
            let settled = self.settled.values_mut();
            for account in settled.filter(|s| s.slot.pool == *from) {
                account.slot.pool = to.clone();
            }
        }
        let waiting = changes.waiting.iter().map(|w| (w.hold.id, w.clone()));
        self.queue.extend(waiting);
        self.queue.retain(|id, _| !changes.left.contains(id));
        for (key, used) in &changes.keys {
            match used {
                Some(used) => drop(self.keys.insert(key.clone(), used.clone())),
                None => drop(self.keys.remove(key)),
            }
        }
        if let Some(alerts) = &changes.alerts {
            self.alerts = alerts.iter().cloned().collect();
        }
    }

    /// All that a ledger holds of the owner.
    pub(super) fn of(ledger: &Ledger) -> Self {
        let keeper = ledger
            .load(&owner(), Tz::UTC, LIMITS, at("2026-03-05T00:00:00Z"))
            .expect("loads");
        let mut kept = Self {
            sessions: keeper.sessions,
            slots: keeper.slots,
            queue: keeper.queue,
            keys: keeper.keys,
            alerts: keeper.alerts,
            settled: BTreeMap::new(),
        };
        let mut uses = ledger.uses_of_ended(Timestamp::MIN).expect("reads");
        let take = |mut settled: Settled| {
            settled.uses = uses.remove(&settled.id).unwrap_or_default();
            kept.settled.insert(settled.id.clone(), settled);
        };
        ledger.each_settled(Timestamp::MIN, take).expect("reads");
        kept
    }
}

/// An empty memory of the owner with the given sessions.
pub(crate) fn keeper(sessions: Vec<ManagedSession>) -> KeeperState {
    let mut keeper = KeeperState::new(owner(), 0, LIMITS);
    keeper.sessions = sessions.into_iter().map(|k| (k.id.clone(), k)).collect();
    keeper
}

/// A policy with two pools, prices in EUR and days of Berlin.
pub(super) fn priced_policy(service: &str) -> Policy {
    let text = format!(
        "owner = \"studio7\"\n\n[service]\n{service}\n\n[auth]\nmethod = \"account-key\"\n\
         key_file = \"/key\"\n\n[prices]\ncurrency = \"EUR\"\nstandard = \"2.99\"\n\
         premium = \"11.50\"\n\n[budget]\ntime_zone = \"Europe/Berlin\"\n\n\
         [[pool]]\nname = \"design-review\"\nsize = \"standard\"\nmax = 2\nlease = \"20m\"\n\n\
         [[pool]]\nname = \"baking\"\nsize = \"premium\"\nmax = 2\nlease = \"20m\"\n"
    );
    load("policy.toml", &text).expect("a sound policy").policy
}

/// An endpoint of one's own.
pub(super) const OWN_SERVICE: &str = "endpoint = \"https://rendering.studio7.example\"\n\
    account_id = \"7c1f9c5e-1111-4a5b-9a55-0123456789ab\"\naccount_domain = \"studio7.example\"";

/// When [`billed`] is looked at.
pub(super) const BILLED_AT: Timestamp = Timestamp::from_millis(1_772_614_800_000);

/// What two months of work left: a session over midnight and into another month, one whose minutes
/// are only the most it can have been, one that never billed, one at a former price, one that
/// still runs, and one that boots.
pub(super) fn billed() -> (Ledger, KeeperState) {
    let ready = |text| at(text);
    let into_march = settled(
        "studio7-design-review-0-a",
        "design-review/0",
        ready("2026-02-28T22:30:00Z"),
        95,
        "2.99",
    );
    let unsure = Settled {
        certain: false,
        ..settled(
            "studio7-design-review-1-b",
            "design-review/1",
            ready("2026-03-04T08:00:00Z"),
            20,
            "2.99",
        )
    };
    let former_price = Settled {
        size: Size::Premium,
        region: Some(Region::new("north").expect("a name")),
        ..settled(
            "studio7-baking-0-c",
            "baking/0",
            ready("2026-02-10T10:00:00Z"),
            7,
            "9.999999",
        )
    };
    let never_ready = settled(
        "studio7-baking-0-d",
        "baking/0",
        ready("2026-03-04T08:30:00Z"),
        0,
        "11.50",
    );
    let mut ledger = ledger();
    let all = vec![into_march, unsure, former_price, never_ready];
    ledger
        .write(&owner(), BILLED_AT, &ended(all), &[])
        .expect("writes");
    let mut runs = intent("studio7-baking-1-e", "baking/1", BILLED_AT);
    runs.status = Status::Ready;
    runs.clock = LeaseClock::new(
        BILLED_AT - Span::millis(12 * 60_000),
        BILLED_AT - Span::millis(11 * 60_000 + 30_000),
    );
    let boots = intent("studio7-baking-2-f", "baking/2", BILLED_AT);
    (ledger, keeper(vec![runs, boots]))
}
