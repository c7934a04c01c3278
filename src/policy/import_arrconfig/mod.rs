//! `arrconfig.json`, the settings file of Microsoft's sample scripts: read, checked, and written as
//! a policy.
//!
//! Promises: every problem of the file in one go, each drawn under its line; values that were never
//! filled in are refused by name; the account key is in no diagnostic, no `Debug` and no policy
//! text. Knows no files.

use std::ops::Range;

use serde_json::Value;

use crate::units::{Minutes, Size, Span};

use crate::policy::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::policy::parse::{Loaded, load};
use crate::policy::region::{REGIONS, nearest_name};
use crate::policy::{Auth, Policy, SecretSource};

/// Where the real token service answers for every account domain.
const STS: &str = "https://sts.mixedreality.azure.com";
/// An `arrconfig.json` larger than this is a mistake.
const LARGEST_FILE: usize = 1024 * 1024;

/// The settings of the sample scripts, from their file or from flags that override it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrConfig {
    /// `accountSettings.arrAccountId`: a UUID.
    pub account_id: Option<String>,
    /// `accountSettings.arrAccountKey`, or where it is kept.
    pub key: Option<SecretSource>,
    /// `accountSettings.region`.
    pub region: Option<String>,
    /// `accountSettings.authenticationEndpoint`.
    pub authentication_endpoint: Option<String>,
    /// `accountSettings.serviceEndpoint`, which replaces the region's.
    pub service_endpoint: Option<String>,
    /// `renderingSessionSettings.vmSize`.
    pub size: Option<Size>,
    /// `renderingSessionSettings.maxLeaseTime`.
    pub lease: Option<Minutes>,
}

impl ArrConfig {
    /// Reads the file's text. `file` is the name that diagnostics show.
    ///
    /// # Errors
    /// Every problem of the file at once.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostics> {
        // Windows editors put a byte order mark before JSON.
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader {
            text,
            problems: Vec::new(),
        };
        let config = reader.config();
        if reader.problems.is_empty() {
            return Ok(config);
        }
        reader.problems.sort_by_key(|p| p.span.start);
        Err(Diagnostics {
            file: file.into(),
            text: masked(text),
            problems: reader.problems,
        })
    }

    /// The policy that corresponds to the settings, with one pool; the key is named by its place,
    /// never written.
    pub fn policy_text(&self, key_file: &str) -> String {
        let account = self.account_id.as_deref().unwrap_or_default();
        let place = match (&self.service_endpoint, &self.region) {
            (Some(url), _) => format!("endpoint = {}", quoted(url)),
            (None, Some(region)) => format!("region = {}", quoted(region)),
            (None, None) => String::new(),
        };
        let sts = match (&self.authentication_endpoint, &self.service_endpoint) {
            (Some(url), _) => format!("authentication_endpoint = {}\n", quoted(url)),
            // A service on this machine has its token route beside the others.
            (None, Some(url)) if url.starts_with("http://") => String::new(),
            (None, _) => format!("authentication_endpoint = {}\n", quoted(STS)),
        };
        let size = self
            .size
            .as_ref()
            .map_or("standard".into(), |s| s.as_str().to_ascii_lowercase());
        let lease = self.lease.unwrap_or(Minutes::new(20));
        let pad = " ".repeat(32_usize.saturating_sub(lease.to_string().len()));
        let key_file = quoted(key_file);
        let account = quoted(account);
        format!(
            r#"owner = "studio"                          # prefix of every session that is kept; change it to your studio's name

[service]
{place}
account_id = {account}
{sts}
[auth]
method = "account-key"
key_file = {key_file}

# Name what an hour costs and what a day may cost, and nothing spends more:
# [prices]
# currency = "EUR"
# {size} = "0.00"
# [budget]
# daily = "0"

[[pool]]
name = "rendering"
size = "{size}"
min = 1
lease = "{lease}"{pad}# renewed at half of it, and never longer than this ahead
idle_timeout = "30m"                      # stopped when nobody used it for so long
"#
        )
    }

    /// The same as a value, with the key itself, for speaking to the service by hand.
    ///
    /// # Errors
    /// If a setting is missing or cannot be one; the diagnostics show the policy that was tried.
    pub fn policy(&self) -> Result<Policy, Diagnostics> {
        let Loaded { mut policy, .. } =
            load("the policy made of the settings", &self.policy_text("key"))?;
        if let Some(key) = &self.key {
            policy.auth = Auth::AccountKey(key.clone());
        }
        Ok(policy)
    }
}

/// Reads `hh:mm:ss`, as the sample scripts write a lease. `None` unless it is whole minutes, at
/// most 24 hours.
pub fn minutes_of_clock_text(text: &str) -> Option<Minutes> {
    let parts: Vec<i64> = text
        .split(':')
        .map(|p| p.trim().parse().ok())
        .collect::<Option<_>>()?;
    let [hours @ 0..=24, minutes @ 0..=59, 0] = parts[..] else {
        return None;
    };
    let span = Span::hours(hours) + Span::minutes(minutes);
    (span <= Minutes::SERVICE_CAP.span()).then(|| span.floor_minutes())
}

/// A text as a basic string of TOML, which JSON's strings are too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Where the value of a key stands in JSON text; the whole first line where it does not stand
/// anywhere.
fn value_span(text: &str, key: &str) -> Range<usize> {
    let found = text.find(&format!("\"{key}\"")).and_then(|at| {
        let after = at + key.len() + 2;
        let start = after + text[after..].find(|c: char| c != ':' && !c.is_whitespace())?;
        let value = &text[start..];
        let length = match value.strip_prefix('"') {
            Some(inside) => end_of_string(inside) + 2,
            None => value.find([',', '}', '\n']).unwrap_or(value.len()),
        };
        Some(start..(start + length).min(text.len()))
    });
    found.unwrap_or(0..text.find('\n').unwrap_or(text.len()))
}

/// How many bytes come before the quote that ends a JSON string.
fn end_of_string(inside: &str) -> usize {
    let mut escaped = false;
    let end = inside.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

/// The text with the account key blotted out: diagnostics draw lines of it.
fn masked(text: &str) -> String {
    const KEY: &str = "arrAccountKey";
    let Some(at) = text.find(KEY) else {
        return text.into();
    };
    let span = if text.contains(&format!("\"{KEY}\"")) {
        value_span(text, KEY)
    } else {
        // Not JSON: whatever follows on the line may be the key.
        let after = at + KEY.len();
        after..after + text[after..].find('\n').unwrap_or(text.len() - after)
    };
    let blot = |c: char| {
        if c == '"' || c.is_whitespace() {
            c
        } else {
            '*'
        }
    };
    // Spans of problems count bytes, so every byte of a longer character becomes one blot.
    let value: String = text[span.clone()]
        .chars()
        .flat_map(|c| std::iter::repeat_n(blot(c), c.len_utf8()))
        .collect();
    format!("{}{value}{}", &text[..span.start], &text[span.end..])
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Diagnostic>,
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

    fn config(&mut self) -> ArrConfig {
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{
  "accountSettings": {
    "arrAccountId": "7c1f9c5e-1111-4a5b-9a55-0123456789ab",
    "arrAccountKey": "hunter2",
    "region": "westeurope"
  },
  "renderingSessionSettings": { "vmSize": "premium", "maxLeaseTime": "01:20:00" }
}"#;

    #[test]
    fn the_sample_scripts_file_becomes_a_policy_without_the_key() {
        let config =
            ArrConfig::read("arrconfig.json", &format!("\u{feff}{GOOD}")).expect("it is good");
        let text = config.policy_text("account-key");
        assert_snapshot!(text);
        let loaded = load("p", &text).expect("a policy");
        assert_eq!(loaded.warnings.problems, Vec::new());
        assert_eq!(loaded.policy.pools[0].lease, Minutes::new(80));
        let policy = config.policy().expect("the same");
        assert_eq!(
            policy.auth,
            Auth::AccountKey(SecretSource::Inline("hunter2".into()))
        );
        assert!(!format!("{config:?}{policy:?}{text}").contains("hunter2"));
    }

    #[test]
    fn a_service_on_this_machine_needs_no_other_token_service() {
        let mut config = ArrConfig::read("arrconfig.json", GOOD).expect("it is good");
        config.service_endpoint = Some("http://127.0.0.1:8787".into());
        let policy = config.policy().expect("a policy");
        assert_eq!(policy.service.authentication_endpoint, None);
    }

    #[test]
    fn every_problem_is_named_at_its_line_and_the_key_is_blotted_out() {
        let text = r#"{
  "accountSettings": {
    "arrAccountId": "<fill in the account ID>",
    "arrAccountKey": "hünter2", "authenticationEndpoint": 5,
    "region": "westeurop"
  },
  "renderingSessionSettings": { "vmSize": "huge", "maxLeaseTime": "4:5" }
}"#;
        let told = ArrConfig::read("arrconfig.json", text)
            .expect_err("it is broken")
            .to_string();
        assert!(!told.contains("nter2"), "{told}");
        assert_snapshot!(told);
    }

    #[test]
    fn a_key_in_what_is_not_even_json_is_not_drawn() {
        let told = ArrConfig::read("a", "{ arrAccountKey: \"hunter2\" }")
            .expect_err("it is broken")
            .to_string();
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn broken_json_and_an_empty_object_say_what_is_wrong() {
        let told = |text| {
            ArrConfig::read("arrconfig.json", text)
                .expect_err("it is broken")
                .to_string()
        };
        assert_snapshot!(told("{\n  \"accountSettings\": {\n    oops\n") + "\n" + &told("{}"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(
            at in 0..GOOD.len(), cut in 0usize..30, paste in "[\\PC\n\"]{0,10}",
        ) {
            let end = (at + cut).min(GOOD.len());
            let text = format!("{}{paste}{}", &GOOD[..at], &GOOD[end..]);
            match ArrConfig::read("a", &text) {
                Ok(config) => drop(config.policy().map_err(|e| e.to_string())),
                Err(problems) => prop_assert!(!problems.to_string().is_empty()),
            }
        }
    }
}
