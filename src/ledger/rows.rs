//! Rows of the ledger as the keeper's types, and back.
//!
//! Instants are milliseconds, minutes whole numbers, prices decimal text, names the text that they
//! are; what no report asks for (holds, stops, addresses, parkings) is JSON. A value that cannot be
//! read is an error, never a default.

use std::collections::BTreeMap;
use std::error::Error;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Row, Statement, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keeper::{
    KeyUse, LeaseClock, ManagedSession, ReasonKind, Retry, Settled, SlotState, Status, ToldAlert,
    Use, Waiter,
};
use crate::units::{
    HoldKey, Minutes, Owner, PoolName, Region, SessionId, Size, SlotId, TeamName, Timestamp,
};

// Values are bound in the order of the columns: by name, each would be searched for at every write.
pub(super) const PUT_LIVE: &str = "INSERT OR REPLACE INTO live VALUES (:id, :owner, :pool, \
     :ordinal, :size, :status, :seen, :granted, :reserved, :elapsed, :created, :active, :hold, \
     :stop, :address, :region, :released, :service, :ready_by)";

pub(super) const PUT_SLOT: &str = "INSERT OR REPLACE INTO slot VALUES (:owner, :pool, \
     :ordinal, :parked, :failures, :not_before, :last_failure, :drawn, :wish, :told)";

pub(super) const PUT_SETTLED: &str = "INSERT OR REPLACE INTO settled VALUES (:id, :owner, \
     :pool, :ordinal, :size, :status, :after, :until, :minutes, :certain, :price, :ended, :why, \
     :region)";

pub(super) const PUT_WAITING: &str =
    "INSERT OR REPLACE INTO waiting VALUES (:hold, :owner, :waiter)";

pub(super) const PUT_KEY: &str = "INSERT OR REPLACE INTO hold_key VALUES (:key, :owner, :used)";

pub(super) const PUT_USE: &str =
    "INSERT OR REPLACE INTO use VALUES (:session, :n, :hold, :client, :team, :from, :to)";

pub(super) fn put_live(
    statement: &mut Statement<'_>,
    owner: &Owner,
    known: &ManagedSession,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        known.id.as_str(),
        owner.as_str(),
        known.slot.pool.as_str(),
        known.slot.ordinal,
        known.size.as_str(),
        known.status.as_str(),
        known.seen,
        known.granted.get(),
        known.reserved.get(),
        known.elapsed.get(),
        known.created.millis(),
        known.active.map(Timestamp::millis),
        to_json(known.hold.as_ref())?,
        to_json(known.stop.as_ref())?,
        to_json(known.address.as_ref())?,
        known.region.as_ref().map(Region::as_str),
        known.released.map(Timestamp::millis),
        to_json(known.service.as_ref())?,
        known.known_ready_by().map(Timestamp::millis),
    ])
}

/// A live session as it is known after a restart: nothing of its lease clock, because bounds do not
/// outlive a process, and without its uses.
pub(super) fn live(row: &Row<'_>) -> rusqlite::Result<ManagedSession> {
    Ok(ManagedSession {
        id: text(row, "id")?,
        slot: slot_id(row)?,
        region: region(row)?,
        service: from_json(row, "service")?,
        size: Size::from(row.get::<_, String>("size")?),
        status: Status::from(row.get::<_, String>("status")?),
        seen: row.get("seen")?,
        absent: None,
        alarmed: false,
        granted: minutes(row, "granted")?,
        reserved: minutes(row, "reserved")?,
        elapsed: minutes(row, "elapsed")?,
        created: Timestamp::from_millis(row.get("created_ms")?),
        clock: None,
        ready_by: instant(row, "ready_by_ms")?,
        starting_at: None,
        last_read: None,
        doubted: false,
        hold: from_json(row, "hold")?,
        uses: Vec::new(),
        active: instant(row, "active_ms")?,
        unknown: BTreeMap::new(),
        reports: BTreeMap::new(),
        released: instant(row, "released_ms")?,
        stop: from_json(row, "stop")?,
        retry: Retry::default(),
        address: from_json(row, "address")?,
    })
}

pub(super) fn put_slot(
    statement: &mut Statement<'_>,
    owner: &Owner,
    id: &SlotId,
    slot: &SlotState,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        owner.as_str(),
        id.pool.as_str(),
        id.ordinal,
        to_json(slot.parked.as_ref())?,
        slot.retry.failures,
        slot.retry.not_before.map(Timestamp::millis),
        slot.last_failure,
        slot.drawn.cast_signed(),
        to_json(slot.wish.as_ref())?,
        slot.told.map(ReasonKind::name),
    ])
}

pub(super) fn slot(row: &Row<'_>) -> rusqlite::Result<(SlotId, SlotState)> {
    let keeper = SlotState {
        parked: from_json(row, "parked")?,
        wish: from_json(row, "wish")?,
        retry: Retry {
            failures: row.get("failures")?,
            not_before: instant(row, "not_before_ms")?,
        },
        last_failure: row.get("last_failure")?,
        drawn: row.get::<_, i64>("drawn")?.cast_unsigned(),
        told: row
            .get::<_, Option<String>>("told")?
            .and_then(|name| name.parse().ok()),
    };
    Ok((slot_id(row)?, keeper))
}

pub(super) fn put_alert(
    statement: &mut Statement<'_>,
    owner: &Owner,
    alert: &ToldAlert,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        owner.as_str(),
        alert.budget,
        alert.start.millis(),
        alert.share.to_string(),
        alert.limit.to_string(),
    ])
}

pub(super) fn alert(row: &Row<'_>) -> rusqlite::Result<ToldAlert> {
    Ok(ToldAlert {
        budget: row.get("budget")?,
        start: Timestamp::from_millis(row.get("start_ms")?),
        share: text(row, "share")?,
        limit: text(row, "bound")?,
    })
}

pub(super) fn put_waiting(
    statement: &mut Statement<'_>,
    owner: &Owner,
    waiter: &Waiter,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        waiter.hold.id.to_string(),
        owner.as_str(),
        to_json(Some(waiter))?,
    ])
}

pub(super) fn waiter(row: &Row<'_>) -> rusqlite::Result<Waiter> {
    from_json(row, "waiter")
}

pub(super) fn put_key(
    statement: &mut Statement<'_>,
    owner: &Owner,
    key: &HoldKey,
    used: &KeyUse,
) -> rusqlite::Result<usize> {
    statement.execute(params![key.as_str(), owner.as_str(), to_json(Some(used))?])
}

pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<(HoldKey, KeyUse)> {
    Ok((text(row, "key")?, from_json(row, "used")?))
}

pub(super) fn put_settled(
    statement: &mut Statement<'_>,
    owner: &Owner,
    settled: &Settled,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        settled.id.as_str(),
        owner.as_str(),
        settled.slot.pool.as_str(),
        settled.slot.ordinal,
        settled.size.as_str(),
        settled.status.as_str(),
        settled.ready.map(|clock| clock.earliest().millis()),
        settled.ready.map(|clock| clock.latest().millis()),
        settled.minutes.get(),
        settled.certain,
        String::from(settled.price),
        settled.ended.millis(),
        settled.why,
        settled.region.as_ref().map(Region::as_str),
    ])
}

pub(super) fn put_use(
    statement: &mut Statement<'_>,
    session: &SessionId,
    n: usize,
    used: &Use,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        session.as_str(),
        i64::try_from(n).unwrap_or(i64::MAX),
        used.hold.to_string(),
        used.client,
        used.team.as_ref().map(TeamName::as_str),
        used.from.millis(),
        used.to.millis(),
    ])
}

pub(super) fn used(row: &Row<'_>) -> rusqlite::Result<Use> {
    let team: Option<String> = row.get("team")?;
    let team = team.map(|name| name.parse()).transpose();
    Ok(Use {
        hold: text(row, "hold")?,
        client: row.get("client")?,
        team: team.map_err(|e| unreadable(row, "team", e))?,
        from: Timestamp::from_millis(row.get("from_ms")?),
        to: Timestamp::from_millis(row.get("to_ms")?),
    })
}

/// The account of a session that ended, without its uses.
pub(super) fn settled(row: &Row<'_>) -> rusqlite::Result<Settled> {
    let ready = instant(row, "ready_after_ms")?.zip(instant(row, "ready_until_ms")?);
    Ok(Settled {
        id: text(row, "id")?,
        slot: slot_id(row)?,
        region: region(row)?,
        size: Size::from(row.get::<_, String>("size")?),
        status: Status::from(row.get::<_, String>("status")?),
        ready: ready.and_then(|(after, until)| LeaseClock::new(after, until)),
        minutes: minutes(row, "minutes")?,
        certain: row.get("certain")?,
        price: text(row, "price")?,
        ended: Timestamp::from_millis(row.get("ended_ms")?),
        why: row.get("why")?,
        uses: Vec::new(),
    })
}

/// The slot that a row with a pool and an ordinal speaks of.
pub(super) fn slot_id(row: &Row<'_>) -> rusqlite::Result<SlotId> {
    Ok(SlotId {
        pool: text::<PoolName>(row, "pool")?,
        ordinal: row.get("ordinal")?,
    })
}

fn region(row: &Row<'_>) -> rusqlite::Result<Option<Region>> {
    let name: Option<String> = row.get("region")?;
    name.map(|n| n.parse())
        .transpose()
        .map_err(|e| unreadable(row, "region", e))
}

/// A value that is stored as its text form.
pub(super) fn text<T: FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T::Err: Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?
        .parse()
        .map_err(|e| unreadable(row, column, e))
}

/// A value as JSON text; nothing where there is none.
pub(super) fn to_json<T: Serialize>(value: Option<&T>) -> rusqlite::Result<Option<String>> {
    let json = value.map(serde_json::to_string).transpose();
    json.map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// A value that is stored as JSON text.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    // An absent value and JSON's `null` are the same to a type that may be absent, and wrong to any
    // other.
    let json: Option<String> = row.get(column)?;
    serde_json::from_str(json.as_deref().unwrap_or("null")).map_err(|e| unreadable(row, column, e))
}

fn minutes(row: &Row<'_>, column: &str) -> rusqlite::Result<Minutes> {
    row.get(column).map(Minutes::new)
}

fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)
        .map(|ms| ms.map(Timestamp::from_millis))
}

fn unreadable(
    row: &Row<'_>,
    column: &str,
    why: impl Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(why))
}
