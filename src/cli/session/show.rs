//! Sessions as text and as JSON.

use crate::cli::Format;
use crate::cli::error::OutputError;
use crate::cli::output;
use crate::keeper::Session;
use crate::layout::{Columns, table};

/// Prints sessions as a table.
pub(super) fn list(sessions: &[Session], format: Format) -> Result<(), OutputError> {
    if format == Format::Json {
        return output::json(&sessions);
    }
    if sessions.is_empty() {
        return output::line("no session is Starting or Ready");
    }
    let heading = ["SESSION", "STATUS", "SIZE", "ELAPSED", "LEASE", "HOST"].map(String::from);
    let row = |s: &Session| {
        [
            s.id.to_string(),
            s.status.to_string(),
            s.size.to_string(),
            s.elapsed.to_string(),
            s.max_lease.to_string(),
            hostname(s).unwrap_or_else(|| "-".into()),
        ]
    };
    let rows = std::iter::once(heading).chain(sessions.iter().map(row));
    output::print(table(Columns::Left, rows.map(Vec::from)))
}

/// Prints one session, a line for each thing that is known of it.
pub(super) fn one(session: &Session, format: Format) -> Result<(), OutputError> {
    if format == Format::Json {
        return output::json(session);
    }
    let ports = session.address.iter().flat_map(|a| a.ports.iter());
    let known = [
        ("session", Some(session.id.to_string())),
        ("status", Some(session.status.to_string())),
        ("size", Some(session.size.to_string())),
        ("elapsed", Some(session.elapsed.to_string())),
        ("lease", Some(session.max_lease.to_string())),
        ("created", session.created.map(|at| at.to_string())),
        ("hostname", hostname(session)),
    ];
    let ports = ports.map(|(name, port)| (name, Some(format!("port {port}"))));
    let more = [
        ("teraflops", session.teraflops.clone()),
        ("error", session.error.clone()),
    ];
    for (name, value) in known.into_iter().chain(ports).chain(more) {
        if let Some(value) = value {
            output::line(format_args!("{name:10}{value}"))?;
        }
    }
    Ok(())
}

fn hostname(session: &Session) -> Option<String> {
    session.address.as_ref().map(|a| a.hostname.clone())
}
