//! Sessions as rows.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row, params};

use crate::host::engine::ServerAddress;
use crate::host::sessions::session::{BootFailure, BootOutcome, HostedSession};
use crate::units::{Minutes, SessionId, Size, Timestamp};

const COLUMNS: &str = "account, id, size, asked_minutes, lease_minutes, created_ms, \
                       booted_ms, failure, hostname, handshake_port, inspector_port, decitflops, \
                       stopped_ms, settled";

/// Writes a session in the place of what was kept of it.
pub(super) fn write(
    connection: &Connection,
    account: &str,
    session: &HostedSession,
) -> Result<(), Error> {
    let (booted, failure, place) = match &session.boot {
        BootOutcome::Ready(at, place) => (at, None, Some(place)),
        BootOutcome::Fails(at, BootFailure::OutOfServers) => (at, Some("out of servers"), None),
        BootOutcome::Fails(at, BootFailure::Broken) => (at, Some("broken"), None),
    };
    let sql = format!(
        "INSERT OR REPLACE INTO session ({COLUMNS}) \
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"
    );
    connection.execute(
        &sql,
        params![
            account,
            session.id.as_str(),
            session.size.as_str(),
            session.asked.get(),
            session.lease.get(),
            session.created.millis(),
            booted.millis(),
            failure,
            place.map(|p| &p.hostname),
            place.map(|p| p.handshake_port),
            place.map(|p| p.inspector_port),
            place.map(|p| p.decitflops),
            session.stopped.map(Timestamp::millis),
            session.settled,
        ],
    )?;
    Ok(())
}

/// Removes sessions that are no longer readable.
pub(super) fn remove(connection: &Connection, account: &str, id: &SessionId) -> Result<(), Error> {
    let sql = "DELETE FROM session WHERE account = ?1 AND id = ?2";
    connection.execute(sql, params![account, id.as_str()])?;
    Ok(())
}

/// Reads every session with its account.
pub(super) fn read(connection: &Connection) -> Result<Vec<(String, HostedSession)>, Error> {
    let mut select = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM session ORDER BY account, id"
    ))?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, session(row)?)))?;
    rows.collect()
}

fn session(row: &Row<'_>) -> Result<HostedSession, Error> {
    let at = |column: &str| row.get(column).map(Timestamp::from_millis);
    let booted = at("booted_ms")?;
    let boot = match row.get::<_, Option<String>>("failure")?.as_deref() {
        Some("broken") => BootOutcome::Fails(booted, BootFailure::Broken),
        Some(_) => BootOutcome::Fails(booted, BootFailure::OutOfServers),
        None => {
            let place = ServerAddress {
                hostname: row.get("hostname")?,
                handshake_port: row.get("handshake_port")?,
                inspector_port: row.get("inspector_port")?,
                decitflops: row.get("decitflops")?,
            };
            BootOutcome::Ready(booted, place)
        }
    };
    let id: String = row.get("id")?;
    Ok(HostedSession {
        id: SessionId::new(&id)
            .map_err(|e| Error::FromSqlConversionFailure(1, Type::Text, Box::new(e)))?,
        size: Size::from(row.get::<_, String>("size")?),
        lease: Minutes::new(row.get("lease_minutes")?),
        created: at("created_ms")?,
        asked: Minutes::new(row.get("asked_minutes")?),
        boot,
        stopped: row
            .get::<_, Option<i64>>("stopped_ms")?
            .map(Timestamp::from_millis),
        settled: row.get("settled")?,
        former: Vec::new(),
    })
}
