//! Loading: memory as the last write left it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use rusqlite::{Row, ToSql, named_params};

use crate::keeper::{
    Boots, EventKind, KeeperState, ManagedSession, Period, PeriodKind, Settled, Spent, Use,
};
use crate::policy::Limits;
use crate::units::{Owner, SessionId, Span, Timestamp};

use super::error::LedgerError;
use super::{Ledger, rows};

/// How long an ended session is remembered by its id: lists lag by seconds or minutes, never by a
/// day.
const ENDED_LATELY: Span = Span::hours(24);

/// How long before its noted end a session can have become Ready, where the end was noted at once:
/// a policy lets a session live for 24 hours at the most; the rest is room for a clock that was
/// set. An end that is noted late only adds to it.
pub(super) const LONGEST_SESSION: Span = Span::hours(48);

/// Among so many of the newest events boots are looked for, so that a start stays quick.
const LATELY: u32 = 20_000;
/// How the text of an event begins that says that a session became Ready.
const READY: &str = r#"{"event":"ready","#;

impl Ledger {
    /// What is remembered of an owner's slots and queue and of all sessions, and what ended
    /// sessions cost in the month of `now` and the one before, in a budget's time zone. Whose
    /// sessions of a former owner are is for [`KeeperState::move_to`] to say. Lease clocks and
    /// retries of sessions begin anew, and no list is fresh.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn load(
        &self,
        owner: &Owner,
        zone: Tz,
        limits: Limits,
        now: Timestamp,
    ) -> Result<KeeperState, LedgerError> {
        // One transaction, so that a daemon's write is seen as a whole or not at all.
        let _one_state = self
            .connection
            .unchecked_transaction()
            .map_err(self.failed("read"))?;
        let mut keeper = KeeperState::new(owner.clone(), self.seed()?, limits);
        let known = self.all_live()?;
        keeper.sessions = known.into_iter().map(|k| (k.id.clone(), k)).collect();
        // One that took effect after its account was closed has that account's uses still.
        let live = "session IN (SELECT id FROM live EXCEPT SELECT id FROM settled)";
        self.each_use(live, named_params! {}, |session, used| {
            if let Some(managed) = keeper.sessions.get_mut(&session) {
                managed.uses.push(used);
            }
        })?;
        keeper.slots = self
            .rows_of("slot", owner, rows::slot)?
            .into_iter()
            .collect();
        keeper.queue = self
            .rows_of("waiting", owner, rows::waiter)?
            .into_iter()
            .map(|waiter| (waiter.hold.id, waiter))
            .collect();
        keeper.keys = self
            .rows_of("hold_key", owner, rows::key)?
            .into_iter()
            .collect();
        keeper.alerts = self
            .rows_of("alert", owner, rows::alert)?
            .into_iter()
            .collect();
        self.each_settled(now - ENDED_LATELY, |settled| {
            keeper.ended.insert(settled.id, settled.ended);
        })?;
        keeper.spent = self.spent(zone, now)?;
        keeper.boots = self.boots()?;
        Ok(keeper)
    }

    /// How long servers took to boot lately, as far as the newest events tell.
    fn boots(&self) -> Result<Boots, LedgerError> {
        let ready =
            format!("seq > (SELECT max(seq) FROM event) - {LATELY} AND what LIKE '{READY}%'");
        let newest = self.newest(&ready, named_params! { ":limit": LATELY });
        let newest = newest.map_err(self.failed("read events from"))?;
        let mut boots = Boots::default();
        for event in newest.iter().rev() {
            if let (Some(slot), EventKind::Ready { after, .. }) = (&event.slot, &event.what) {
                boots.note(&slot.pool, *after);
            }
        }
        Ok(boots)
    }

    /// What ended sessions cost in the month of `now` and the one before, in a budget's time zone;
    /// those of former owners too, so that no budget begins again with another name.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn spent(&self, zone: Tz, now: Timestamp) -> Result<Spent, LedgerError> {
        let month = Period::containing(PeriodKind::Month, now, zone);
        let before = Period::containing(PeriodKind::Month, month.start - Span::millis(1), zone);
        let mut spent = Spent::new(zone);
        let after = before.start - LONGEST_SESSION;
        let mut uses = self.uses_of_ended(after)?;
        self.each_settled(after, |mut settled| {
            settled.uses = uses.remove(&settled.id).unwrap_or_default();
            spent.add(&settled);
        })?;
        Ok(spent)
    }

    /// Who held the sessions when whose end was noted after an instant, whoever's.
    pub(super) fn uses_of_ended(
        &self,
        after: Timestamp,
    ) -> Result<BTreeMap<SessionId, Vec<Use>>, LedgerError> {
        let mut uses: BTreeMap<SessionId, Vec<Use>> = BTreeMap::new();
        let ended = "session IN (SELECT id FROM settled WHERE ended_ms > :after)";
        let values = named_params! { ":after": after.millis() };
        self.each_use(ended, values, |session, used| {
            uses.entry(session).or_default().push(used);
        })?;
        Ok(uses)
    }

    /// Hands over uses of sessions, each session's oldest first.
    fn each_use(
        &self,
        which: &str,
        values: &[(&str, &dyn ToSql)],
        mut take: impl FnMut(SessionId, Use),
    ) -> Result<(), LedgerError> {
        let mut read = || {
            let sql = format!("SELECT * FROM use WHERE {which} ORDER BY session, n");
            let mut select = self.connection.prepare(&sql)?;
            let read = |row: &Row<'_>| Ok((rows::text(row, "session")?, rows::used(row)?));
            for row in select.query_map(values, read)? {
                let (session, used) = row?;
                take(session, used);
            }
            Ok(())
        };
        read().map_err(self.failed("read uses from"))
    }

    /// Hands over every account of a session whose end was noted after an instant, whoever's. Its
    /// uses are left out.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn each_settled(
        &self,
        after: Timestamp,
        mut take: impl FnMut(Settled),
    ) -> Result<(), LedgerError> {
        let mut read = || {
            let mut select = self
                .connection
                .prepare("SELECT * FROM settled WHERE ended_ms > :after ORDER BY ended_ms, id")?;
            let values = named_params! { ":after": after.millis() };
            for settled in select.query_map(values, rows::settled)? {
                take(settled?);
            }
            Ok(())
        };
        read().map_err(self.failed("read spend from"))
    }

    /// All sessions that may be live, whoever's.
    fn all_live(&self) -> Result<Vec<ManagedSession>, LedgerError> {
        let all = || {
            let mut select = self.connection.prepare("SELECT * FROM live")?;
            select.query_map([], rows::live)?.collect()
        };
        let read: rusqlite::Result<_> = all();
        read.map_err(self.failed("read memory from"))
    }

    fn rows_of<T>(
        &self,
        table: &'static str,
        owner: &Owner,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let all = || {
            let mut select = self
                .connection
                .prepare(&format!("SELECT * FROM {table} WHERE owner = ?1"))?;
            select
                .query_map([owner.as_str()], read)?
                .collect::<rusqlite::Result<_>>()
        };
        all().map_err(self.failed("read memory from"))
    }
}
