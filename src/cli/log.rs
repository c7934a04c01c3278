//! Log lines, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

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
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).init(),
        LogFormat::Text => {
            use std::io::IsTerminal;
            lines
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .with_timer(ChronoUtc::new("%H:%M:%S".into()))
                .fmt_fields(tracing_subscriber::fmt::format::debug_fn(
                    |writer, field, value| match field.name() {
                        "message" => write!(writer, "{value:?}"),
                        // Slot, session and data as fields are for programs: --log-format json has
                        // them.
                        _ => Ok(()),
                    },
                ))
                .init();
        }
    }
}
