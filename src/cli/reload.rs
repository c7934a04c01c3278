//! `reload`: has the daemon read its policy again, and shows what that changes.

use std::fmt::Write;

use crate::control::api::{ChangeView, ReloadReply, ReloadRequest};
use crate::control::{CallError, ControlClient};

use super::error::{Failed, OutputError};
use super::{Format, output, plan};

/// Reloads the policy. What a refused one would have changed is shown as well.
pub(super) async fn reload(
    control: &ControlClient,
    accept: bool,
    format: Format,
) -> Result<u8, Failed> {
    match control.reload(&ReloadRequest { accept }).await {
        Ok(reply) => {
            show(&reply, format)?;
            Ok(0)
        }
        Err(error) => {
            if let CallError::Refused(problem) = &error
                && let Some(reply) = &problem.reload
            {
                show(reply, format)?;
            }
            Err(error.into())
        }
    }
}

fn show(reply: &ReloadReply, format: Format) -> Result<(), OutputError> {
    match format {
        Format::Json => output::json(reply),
        Format::Text => output::print(text(reply)),
    }
}

fn text(reply: &ReloadReply) -> String {
    let mut out = String::new();
    for change in &reply.changes {
        let _ = writeln!(out, "{}", line(change));
    }
    if reply.changes.is_empty() {
        out += "The policy says what it said.\n";
    }
    out += &plan::text(&reply.plan);
    if reply.in_force {
        out += "The policy is in force.\n";
    }
    out
}

fn line(change: &ChangeView) -> String {
    let key = &change.key;
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("  ~ {key}: {from} → {to}"),
        (Some(from), None) => format!("  - {key}: {from}"),
        (None, Some(to)) => format!("  + {key}: {to}"),
        (None, None) => format!("  ~ {key}"),
    }
}
