//! Values for the tests of usage and reports: a small studio's policy, and instants.

use crate::policy::{Policy, load};
use crate::units::Timestamp;

/// Two pools in Berlin: reviews by day, baking whenever somebody asks.
pub(super) const POLICY: &str = r#"owner = "studio7"
[service]
endpoint = "https://rendering.studio7.example"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
[auth]
method = "token"
token_env = "TOKEN"
[prices]
currency = "EUR"
standard = "2.99"
premium = "11.50"
[budget]
daily = "60"
monthly = "900"
time_zone = "Europe/Berlin"
[[pool]]
name = "review"
min = 1
max = 3
spare = 1
lease = "20m"
idle_timeout = "15m"
schedule = ["Mon-Fri 08:00-18:00 Europe/Berlin"]
budget = { daily = "40" }
[[pool]]
name = "baking"
size = "premium"
min = 0
lease = "30m"
idle_timeout = "10m"
"#;

pub(super) fn policy() -> Policy {
    load("policy.toml", POLICY).expect("a policy").policy
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
