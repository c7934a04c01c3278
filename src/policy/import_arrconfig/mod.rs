//! `arrconfig.json`, the settings file of Microsoft's sample scripts: read, checked, and written as
//! a policy.
//!
//! Promises: every problem of the file in one go, each drawn under its line; values that were never
//! filled in are refused by name; the account key is in no diagnostic, no `Debug` and no policy
//! text. Knows no files.

mod clock_text;
mod config;
mod json_text;
mod reader;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::policy::diagnostic::Diagnostics;
use crate::policy::parse::{Loaded, load};
use crate::policy::{Auth, Policy};
use crate::units::Minutes;
use json_text::masked;
use reader::Reader;

pub use clock_text::minutes_of_clock_text;
pub use config::ArrConfig;

/// Where the real token service answers for every account domain.
const STS: &str = "https://sts.mixedreality.azure.com";

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
            r#"owner = "studio"                          # prefix of all session ids; change it

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

/// A text as a basic string of TOML, which JSON's strings are too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
