//! Log lines, on standard error. Each has its date and says that it is in UTC.
//!
//! A line that cannot be written is dropped and counted: a log that is full or closed must not end
//! what it tells of.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::{ChronoUtc, FormatTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::report::escaped_lines;

use super::LogFormat;

/// Begins to log: `RUST_LOG` if set, else info, or debug with `--verbose`.
pub(super) fn init(format: LogFormat, verbose: bool) {
    let level = if verbose {
        "leasekeeper=debug"
    } else {
        "leasekeeper=info"
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would panic where standard error cannot be written to.
        .log_internal_errors(false)
        .with_writer(|| Lossy(io::stderr()));
    match format {
        LogFormat::Json => lines.event_format(JsonLine).init(),
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%SZ".into()))
            .fmt_fields(debug_fn(|writer, field, value| match field.name() {
                "message" => write!(writer, "{}", escaped_lines(&format!("{value:?}"))),
                // Slot, session and data as fields are for programs: --log-format json has them.
                _ => Ok(()),
            }))
            .init(),
    }
}

/// How many lines were dropped since the last one that could be written.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// A writer that drops what cannot be written, and says how much that was as soon as it can.
struct Lossy<W>(W);

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        let told = match dropped {
            0 => Ok(()),
            _ => writeln!(self.0, "{dropped} lines of this log could not be written"),
        };
        if told.and_then(|()| self.0.write_all(line)).is_err() {
            DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One JSON object a line: `timestamp`, `level`, `message`, and the fields of the event; `data` is
/// what happened, as an object.
struct JsonLine;

#[derive(Serialize)]
struct JsonObject {
    timestamp: String,
    level: &'static str,
    #[serde(flatten)]
    fields: BTreeMap<&'static str, Value>,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        ChronoUtc::new("%Y-%m-%dT%H:%M:%S%.3fZ".into())
            .format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = JsonObject {
            timestamp,
            level: event.metadata().level().as_str(),
            fields: fields.0,
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// The fields of an event as JSON.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        // Data is handed over as JSON, because fields of events are flat.
        let data = (field.name() == "data").then(|| serde_json::from_str(value).ok());
        let value = data.flatten().unwrap_or_else(|| value.into());
        self.0.insert(field.name(), value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name(), value.into());
    }
}
