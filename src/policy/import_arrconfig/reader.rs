//! From the text of an `arrconfig.json` to its settings, or to everything that is wrong with it.

use std::ops::Range;

use serde_json::Value;

use crate::policy::SecretSource;
use crate::policy::diagnostic::{Diagnostic, Severity};
use crate::policy::region::{REGIONS, nearest_name};
use crate::units::{Minutes, Size};

use super::clock_text::minutes_of_clock_text;
use super::config::ArrConfig;
use super::json_text::value_span;

/// An `arrconfig.json` larger than this is a mistake.
const LARGEST_FILE: usize = 1024 * 1024;

pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.problems.push(Diagnostic::of(
            self.text,
            Severity::Error,
            span,
            message.into(),
            label.into(),
            help,
        ));
    }

    pub(super) fn config(&mut self) -> ArrConfig {
        if self.text.len() > LARGEST_FILE {
            self.error(
                0..0,
                "the file is larger than 1 MiB",
                "this cannot be an arrconfig.json",
                None,
            );
            return ArrConfig::default();
        }
        let root: Value = match serde_json::from_str(self.text) {
            Ok(root) => root,
            Err(error) => {
                let before: usize = self
                    .text
                    .split_inclusive('\n')
                    .take(error.line().saturating_sub(1))
                    .map(str::len)
                    .sum();
                let at = self
                    .text
                    .floor_char_boundary(before + error.column().saturating_sub(1));
                self.error(at..at, "this is not JSON", error.to_string(), None);
                return ArrConfig::default();
            }
        };
        let account = &root["accountSettings"];
        let session = &root["renderingSessionSettings"];
        let account_id = self.text_of(account, "arrAccountId", true);
        if account_id
            .as_deref()
            .is_some_and(|id| !crate::units::is_uuid(id))
        {
            let span = value_span(self.text, "arrAccountId");
            self.error(
                span,
                "`arrAccountId` must be a UUID",
                "not 00000000-0000-0000-0000-000000000000 in form",
                None,
            );
        }
        let service_endpoint = self.text_of(account, "serviceEndpoint", false);
        let region = self.text_of(account, "region", service_endpoint.is_none());
        ArrConfig {
            account_id,
            key: self
                .text_of(account, "arrAccountKey", true)
                .map(SecretSource::Inline),
            region: region.filter(|name| self.is_region(name)),
            authentication_endpoint: self.text_of(account, "authenticationEndpoint", false),
            service_endpoint,
            size: self
                .text_of(session, "vmSize", false)
                .and_then(|word| self.size(word)),
            lease: self
                .text_of(session, "maxLeaseTime", false)
                .and_then(|text| self.lease(&text)),
        }
    }

    /// A setting's text. What was never filled in is refused by name, and so is what must be there
    /// and is not.
    fn text_of(&mut self, section: &Value, key: &str, needed: bool) -> Option<String> {
        let span = value_span(self.text, key);
        match &section[key] {
            Value::Null if needed => self.error(
                span,
                format!("`{key}` is missing"),
                "not in this file",
                None,
            ),
            Value::Null => {}
            Value::String(text) if text.trim_start().starts_with('<') => {
                self.error(
                    span,
                    format!("`{key}` is not filled in"),
                    "still the placeholder of the sample",
                    None,
                );
            }
            Value::String(text) if text.trim().is_empty() => {
                if needed {
                    self.error(span, format!("`{key}` is empty"), "fill it in", None);
                }
            }
            Value::String(text) => return Some(text.trim().into()),
            _ => self.error(span, format!("`{key}` must be text"), "not a text", None),
        }
        None
    }

    fn is_region(&mut self, name: &str) -> bool {
        let known = REGIONS.contains(&name);
        if !known {
            let label = nearest_name(name).map_or_else(
                || "unknown".into(),
                |near| format!("did you mean {near:?}?"),
            );
            let help = Some(format!("the regions are {}", REGIONS.join(", ")));
            self.error(
                value_span(self.text, "region"),
                format!("{name:?} is not a region"),
                label,
                help,
            );
        }
        known
    }

    fn size(&mut self, word: String) -> Option<Size> {
        match Size::from(word) {
            size @ (Size::Standard | Size::Premium) => Some(size),
            Size::Other(_) => {
                let span = value_span(self.text, "vmSize");
                self.error(
                    span,
                    "`vmSize` must be standard or premium",
                    "neither of them",
                    None,
                );
                None
            }
        }
    }

    fn lease(&mut self, text: &str) -> Option<Minutes> {
        let lease = minutes_of_clock_text(text).filter(|m| (1..1440).contains(&m.get()));
        if lease.is_none() {
            let span = value_span(self.text, "maxLeaseTime");
            let message =
                "`maxLeaseTime` must be hh:mm:ss, whole minutes from 00:01:00 to 23:59:00";
            self.error(span, message, "not such a time", None);
        }
        lease
    }
}
