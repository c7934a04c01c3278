//! `before_stop` of a pool: a command and how long it may take.

use crate::policy::Hook;
use crate::units::Span;

use super::reader::Value;

/// How long a hook may take unless the policy says otherwise.
const TIMEOUT: Span = Span::seconds(30);

pub(super) fn hook(value: &Value<'_, '_>) -> Option<Hook> {
    let table = value.table()?;
    let command = table.must("command", "[\"save-work\", \"{session}\"]");
    let words = command.as_ref().and_then(|command| {
        let words = command.array()?;
        if words.is_empty() {
            command.error("a command has at least one word", "there is none", None);
        }
        let words: Option<Vec<String>> = words.iter().map(|w| Some(w.str()?.into())).collect();
        words.filter(|words| !words.is_empty())
    });
    let timeout = table.get("timeout").map_or(Some(TIMEOUT), |v| {
        v.span_within(Span::seconds(1), Span::minutes(10))
    });
    table.end();
    Some(Hook {
        command: words?,
        timeout: timeout?,
    })
}
