//! From TOML to a policy, or to everything that is wrong with it.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use rust_decimal::Decimal;
use toml::de::DeTable;

use crate::units::{Currency, Owner, Size, Span};

use crate::policy::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::policy::{
    Auth, Budget, ControlSettings, Location, Policy, Pool, Prices, Reconcile, ServiceConfig,
    Unmanaged,
};
use reader::{Notes, Table, Value};

mod pool;
mod reader;
mod service;

/// A policy file larger than this is a mistake.
const LARGEST_FILE: usize = 1024 * 1024;

/// A policy, and what in its file probably does not mean what it says.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// What its author may want to look at.
    pub warnings: Diagnostics,
}

/// Reads a policy. `file` is the name that diagnostics show.
///
/// # Errors
/// Every problem of the file at once.
pub fn load(file: &str, text: &str) -> Result<Loaded, Diagnostics> {
    let (policy, problems, _) = read(text);
    let all = |problems| Diagnostics {
        file: file.into(),
        text: masked(text),
        problems,
    };
    match policy {
        Some(policy) if problems.iter().all(|p| p.severity == Severity::Warning) => Ok(Loaded {
            policy,
            warnings: all(problems),
        }),
        _ => Err(all(problems)),
    }
}

/// The text with every inline secret blotted out, whether or not the rest can be read: diagnostics
/// draw lines of it.
fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    for name in ["key", "token", "secret", "password"] {
        for (at, _) in text.match_indices(name) {
            let inside = at > 0 && word(text.as_bytes()[at - 1]);
            let rest = &text[at + name.len()..];
            let Some(value) = rest
                .trim_start_matches([' ', '\t', '"', '\''])
                .strip_prefix('=')
                .filter(|_| !inside)
            else {
                continue;
            };
            let start = text.len() - value.len();
            for byte in bytes[start..].iter_mut().take_while(|b| **b != b'\n') {
                if !matches!(*byte, b' ' | b'"' | b'\'' | b'\r') {
                    *byte = b'*';
                }
            }
        }
    }
    // Only bytes of whole lines were replaced, each by an ASCII one.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Reads a policy as far as it goes; returns what is wrong, and every key that was looked for.
fn read(text: &str) -> (Option<Policy>, Vec<Diagnostic>, BTreeSet<String>) {
    let notes = Notes::new(text);
    if text.len() > LARGEST_FILE {
        notes.error(
            0..0,
            "the file is larger than 1 MiB",
            "this cannot be a policy",
            None,
        );
        let (problems, keys) = notes.into_parts();
        return (None, problems, keys);
    }
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        notes.error(
            error.span().unwrap_or(0..0),
            "this is not TOML",
            error.message(),
            None,
        );
    }
    // What the parser guessed at after a syntax error would only draw errors that are not there.
    let policy = errors
        .is_empty()
        .then(|| policy(Table::root(&notes, &tree)))
        .flatten();
    let (problems, keys) = notes.into_parts();
    (policy, problems, keys)
}

fn policy(root: Table<'_, '_>) -> Option<Policy> {
    let owner = root
        .must("owner", "\"studio7\"")
        .and_then(|v| v.parse::<Owner>());
    let service = root
        .must("service", "{ embedded = true }")
        .and_then(|v| v.table());
    let service = service.and_then(service::service);
    let auth = service::auth(&root, service.as_ref());
    let reconcile = root
        .get("reconcile")
        .and_then(|v| v.table())
        .and_then(reconcile);
    let prices = root.get("prices").and_then(|v| v.table()).map(prices);
    let prices = prices.unwrap_or(Prices {
        currency: Currency("EUR".into()),
        standard: None,
        premium: None,
    });
    let (budget, time_zone, alert_at) = match root.get("budget").and_then(|v| v.table()) {
        Some(table) => whole_budget(table),
        None => (Budget::default(), Tz::UTC, Vec::new()),
    };
    let unmanaged = root.get("unmanaged");
    let unmanaged = unmanaged
        .and_then(|v| v.one_of(&[("ignore", Unmanaged::Ignore), ("report", Unmanaged::Report)]));
    let control = root
        .get("control")
        .and_then(|v| v.table())
        .map(control)
        .unwrap_or_default();
    let ledger = root.get("ledger").and_then(|v| v.str()).map(Into::into);
    let pools = pools(&root, service.as_ref());
    check_prices(&root, &prices, &budget, &pools);
    root.end();
    Some(Policy {
        owner: owner?,
        service: service?,
        auth: auth?,
        reconcile: reconcile.unwrap_or(Reconcile {
            interval: Span::seconds(30),
        }),
        prices,
        budget,
        time_zone,
        alert_at,
        unmanaged: unmanaged.unwrap_or(Unmanaged::Report),
        control,
        ledger,
        pools: pools.into_iter().map(|(pool, _)| pool).collect(),
    })
}

fn reconcile(table: Table<'_, '_>) -> Option<Reconcile> {
    let interval = table
        .get("interval")
        .map(|v| v.span_within(Span::seconds(1), Span::hours(1)));
    table.end();
    Some(Reconcile {
        interval: interval.unwrap_or(Some(Span::seconds(30)))?,
    })
}

fn control(table: Table<'_, '_>) -> ControlSettings {
    let socket = table.get("socket").and_then(|v| v.str()).map(Into::into);
    table.end();
    ControlSettings { socket }
}

fn prices(table: Table<'_, '_>) -> Prices {
    let currency = table.get("currency").and_then(|v| v.str()).unwrap_or("EUR");
    let standard = table.get("standard").and_then(|v| v.amount());
    let premium = table.get("premium").and_then(|v| v.amount());
    table.end();
    Prices {
        currency: Currency(currency.into()),
        standard,
        premium,
    }
}

/// The two bounds of a budget; the other keys of its table are left to the caller.
pub(super) fn budget(table: &Table<'_, '_>) -> Budget {
    let daily = table.get("daily");
    let budget = Budget {
        daily: daily.as_ref().and_then(Value::amount),
        monthly: table.get("monthly").and_then(|v| v.amount()),
    };
    if let (Some(place), Some(day), Some(month)) = (&daily, budget.daily, budget.monthly)
        && day > month
    {
        place.warn(
            "the daily budget is larger than the monthly one",
            "one day may spend the month",
            None,
        );
    }
    budget
}

fn whole_budget(table: Table<'_, '_>) -> (Budget, Tz, Vec<Decimal>) {
    let budget = budget(&table);
    let zone = table.get("time_zone").and_then(|v| zone(&v));
    let shares = table
        .get("alert_at")
        .and_then(|v| v.array())
        .unwrap_or_default();
    let mut alert_at: Vec<Decimal> = shares.iter().filter_map(share).collect();
    alert_at.sort_unstable();
    alert_at.dedup();
    table.end();
    (budget, zone.unwrap_or(Tz::UTC), alert_at)
}

fn share(value: &Value<'_, '_>) -> Option<Decimal> {
    let share: Option<Decimal> = value.number()?.parse().ok();
    let share = share.filter(|s| *s > Decimal::ZERO && *s <= Decimal::ONE);
    if share.is_none() {
        value.error(
            "an alert line is a share of the budget",
            "must be above 0 and at most 1",
            None,
        );
    }
    share
}

fn zone(value: &Value<'_, '_>) -> Option<Tz> {
    let text = value.str()?;
    let zone = text.parse().ok();
    if zone.is_none() {
        let help =
            crate::policy::schedule::nearest_zone(text).map(|name| format!("did you mean {name:?}?"));
        value.error(
            format!("{text:?} is not a time zone"),
            "needs an IANA name, such as \"Europe/Berlin\"",
            help,
        );
    }
    zone
}

type Placed = (Pool, std::ops::Range<usize>);

fn pools(root: &Table<'_, '_>, service: Option<&ServiceConfig>) -> Vec<Placed> {
    let Some(value) = root.must("pool", "… in a section of its own: [[pool]]") else {
        return Vec::new();
    };
    let entries = value.array().unwrap_or_default();
    if entries.is_empty() {
        value.error("a policy has at least one pool", "there is none", None);
    }
    let mut pools: Vec<Placed> = Vec::new();
    for entry in entries {
        let span = entry.span.clone();
        let Some(pool) = entry.table().and_then(|t| pool::pool(t, service)) else {
            continue;
        };
        if pools.iter().any(|(p, _)| p.name == pool.name) {
            entry.error(
                format!("there are two pools named {:?}", pool.name.as_str()),
                "this is the second",
                None,
            );
        }
        pools.push((pool, span));
    }
    pools
}

/// A budget bounds money, so every size that it may pay for needs a price.
fn check_prices(root: &Table<'_, '_>, prices: &Prices, whole: &Budget, pools: &[Placed]) {
    let bounded = |b: &Budget| b.daily.is_some() || b.monthly.is_some();
    let mut lacking = BTreeSet::new();
    for (pool, span) in pools
        .iter()
        .filter(|(p, _)| bounded(whole) || bounded(&p.budget))
    {
        for size in pool.sizes() {
            let (price, key) = match size {
                Size::Premium => (prices.premium, "premium"),
                _ => (prices.standard, "standard"),
            };
            if price.is_none() && lacking.insert(key) {
                let help = Some(format!("add to the policy: [prices] {key} = \"2.99\""));
                let message = format!(
                    "a budget bounds pool `{}`, and [prices] has no price for {key}",
                    pool.name
                );
                root.notes.error(
                    span.clone(),
                    message,
                    format!("may ask for {key} sessions"),
                    help,
                );
            }
        }
    }
}

/// Whether the location is the embedded service.
pub(super) fn is_embedded(location: &Location) -> bool {
    matches!(location, Location::Embedded(_))
}

/// The credential that goes with the embedded service.
pub(super) const EMBEDDED_AUTH: Auth = Auth::Embedded;

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    const REFERENCE: &str = include_str!("../../../config/reference.toml");

    fn problems(text: &str) -> String {
        load("policy.toml", text)
            .expect_err("it is broken")
            .to_string()
    }

    #[test]
    fn every_problem_is_found_in_one_go_with_place_and_way_out() {
        let text = r#"owner = "studio-7"
unmanged = "report"

[service]
endpoint = "http://render.example"
region = "westeurop"
account_id = "not-a-uuid"

[auth]
method = "account-key"
key = "hunter2"

[prices]
standard = 2.99

[budget]
daily = "60"
time_zone = "Europe/Berln"
alert_at = [0.5, 80]

[[pool]]
name = "design review"
size = "premum"
min = 5
max = 2
lease = "20"

[[pool]]
name = "b"
lease = "25h"
schedule = ["Mon-Fri 08:00-18:00 Europe/Berln"]
activity = [{ socket = true }]
"#;
        assert_snapshot!(problems(text));
    }

    #[test]
    fn a_policy_without_any_pool_is_refused() {
        let text = "owner = \"a\"\npool = []\nservice = { embedded = true }";
        assert!(
            problems(text).contains("at least one pool"),
            "{}",
            problems(text)
        );
    }

    #[test]
    fn a_secret_in_the_policy_is_never_drawn() {
        for text in [
            "[auth]\nkey = \"hunter2\"\nx = 1",
            "[auth\ntoken = hunter2",
            "auth = { method = \"tokn\", token=\"hünter2 hunter2\" }",
        ] {
            assert!(!problems(text).contains("nter2"), "{}", problems(text));
        }
    }

    #[test]
    fn a_syntax_error_is_shown_where_it_is() {
        assert_snapshot!(problems("owner = \"a\"\n[service\nembedded = true\n"));
    }

    #[test]
    fn an_empty_file_says_what_a_policy_needs() {
        assert_snapshot!(problems(""));
    }

    #[test]
    fn every_file_in_config_loads_without_a_warning() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config"))
            .expect("config is there")
        {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            let loaded = load(&path.display().to_string(), &text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(loaded.warnings.problems, Vec::new(), "{}", path.display());
        }
    }

    #[test]
    fn the_reference_names_every_key_that_is_read() {
        // Alternatives are commented out in the reference; with them uncommented it cannot be used,
        // but every key shows.
        let mut asked = read(REFERENCE).2;
        for auth in ["account-key", "token", "entra"] {
            asked.extend(
                read(&format!(
                    "{REFERENCE}\n[auth]\nmethod = \"{auth}\"\ncredential = \"x\""
                ))
                .2,
            );
        }
        asked.extend(read("[auth]\nmethod = \"token\"").2);
        for credential in [
            "managed-identity",
            "workload-identity",
            "client-secret",
            "client-certificate",
        ] {
            asked.extend(
                read(&format!(
                    "[auth]\nmethod = \"entra\"\ncredential = \"{credential}\""
                ))
                .2,
            );
        }
        let missing: Vec<&String> = asked
            .iter()
            .filter(|path| {
                let key = path.rsplit('.').next().expect("a path has a last part");
                !REFERENCE.lines().any(|line| {
                    let line = line.trim_start_matches(['#', ' ', '[']);
                    line.starts_with(key) || line.contains(&format!("{key} = "))
                })
            })
            .collect();
        assert_eq!(
            missing,
            Vec::<&String>::new(),
            "the reference lacks these keys"
        );
    }

    #[test]
    fn an_inline_secret_and_an_unexpanded_variable_are_warned_of() {
        let text = REFERENCE
            .replace("key_file = ", "key = \"hunter2\" # ")
            .replace(
                "owner = \"studio7\"",
                "owner = \"studio7\"\nledger = \"${HOME}/l.db\"",
            );
        let loaded = load("policy.toml", &text).expect("warnings do not refuse");
        let said: Vec<&str> = loaded
            .warnings
            .problems
            .iter()
            .map(|p| p.message.as_str())
            .collect();
        assert_eq!(
            said,
            [
                "`ledger` is taken as it stands",
                "`auth.key` holds a secret in the policy itself"
            ]
        );
        assert!(!format!("{:?}", loaded.policy).contains("hunter2"));
    }

    const REGIONS: &str = r#"owner = "st"
[service]
region = "berlin"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
[service.regions]
berlin = "https://berlin.example"
[auth]
method = "token"
token_env = "T"
[[pool]]
name = "a"
regions = ["berlin", "northeurope"]
[[pool]]
name = "b"
"#;

    #[test]
    fn regions_are_the_policys_own_or_the_public_services_and_one_alone_needs_no_name() {
        let policy = load("p", REGIONS).expect("it loads").policy;
        let regions: Vec<String> = policy
            .regions()
            .iter()
            .map(|r| policy.service.endpoint_of(r))
            .collect();
        assert_eq!(
            regions,
            [
                "https://berlin.example",
                "https://remoterendering.northeurope.mixedreality.azure.com"
            ]
        );
        assert_eq!(policy.regions_of(&policy.pools[0]).len(), 2);
        assert_eq!(
            policy.regions_of(&policy.pools[1]),
            [Some("berlin".parse().expect("a region"))]
        );
        let policy = load("p", &REGIONS.replace(", \"northeurope\"", ""))
            .expect("it loads")
            .policy;
        assert_eq!(
            (policy.regions(), policy.regions_of(&policy.pools[0])),
            (Vec::new(), vec![None])
        );
    }

    #[test]
    fn regions_that_cannot_be_meant_are_refused_at_their_place() {
        assert_snapshot!(problems(
            &REGIONS.replace("\"northeurope\"", "\"berlin\", \"northeurop\"")
        ));
        assert_snapshot!(problems(
            &REGIONS.replace("region = \"berlin\"", "endpoint = \"https://a.example\"")
        ));
        assert_snapshot!(problems(
            &REGIONS.replace("berlin = \"https:", "\"ber lin\" = \"http:")
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_loaded_or_refused_but_never_panics(text in "(\\PC|\n){0,200}") {
            let _ = load("p", &text).map_err(|e| e.render(true));
        }

        #[test]
        fn any_change_to_the_reference_is_loaded_or_refused_but_never_panics(
            at in 0..REFERENCE.len(), cut in 0usize..40, paste in "[\\PC\n]{0,12}",
        ) {
            let start = (0..=at).rev().find(|i| REFERENCE.is_char_boundary(*i)).expect("0 is one");
            let end = ((start + cut).min(REFERENCE.len())..=REFERENCE.len()).find(|i| REFERENCE.is_char_boundary(*i)).expect("the end is one");
            let text = format!("{}{paste}{}", &REFERENCE[..start], &REFERENCE[end..]);
            let _ = load("p", &text).map_err(|e| e.to_string());
        }
    }
}
