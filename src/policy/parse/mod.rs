//! From TOML to a policy, or to everything that is wrong with it.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use toml::de::DeTable;

use crate::policy::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::policy::{
    Budget, ControlSettings, Policy, Reconcile, ServiceConfig, Settings, Unmanaged,
};
use crate::units::{Owner, Span};

mod activity;
#[cfg(test)]
mod activity_tests;
mod auth;
mod budget;
mod check_prices;
mod dates;
mod doubts;
#[cfg(test)]
mod doubts_tests;
mod hook;
mod mask;
mod metric;
mod notes;
mod pool;
mod pool_values;
mod pool_window;
#[cfg(test)]
mod pool_window_tests;
mod reader;
mod service;
mod team;
#[cfg(test)]
mod team_tests;
#[cfg(test)]
mod tests;
mod url;

pub use activity::ActivitySource;
use budget::{prices, whole_budget};
use check_prices::check_prices;
use doubts::warn_of_doubts;
use mask::masked;
pub use metric::{Figure, Metric, Threshold, UsedWhen};
use notes::Notes;
use pool::PlacedPool;
pub use pool::{OnExit, OverBudget, Pool};
use reader::Table;

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
/// ```
/// use leasekeeper::policy::load;
///
/// let text = r#"
/// owner = "studio7"
/// service = { embedded = true }
///
/// [[pool]]
/// name = "design-review"
/// lease = "20m"
/// "#;
/// let policy = load("policy.toml", text)?.policy;
/// assert_eq!(policy.pools[0].lease.get(), 20);
///
/// // What cannot be meant is refused with line, column and a way out.
/// let problems = load("policy.toml", &text.replace("lease", "leese")).unwrap_err();
/// assert_eq!((problems.problems[0].line, problems.problems[0].column), (7, 1));
/// # Ok::<(), leasekeeper::policy::Diagnostics>(())
/// ```
///
/// # Errors
/// Every problem of the file at once.
pub fn load(file: &str, text: &str) -> Result<Loaded, Diagnostics> {
    let Read {
        policy,
        problems,
        shown,
        ..
    } = read(text);
    let all = |problems| Diagnostics {
        file: file.into(),
        text: shown,
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

/// A policy as far as it could be read.
struct Read {
    policy: Option<Policy>,
    problems: Vec<Diagnostic>,
    /// Every key that was looked for.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the schema, which a test compares")
    )]
    keys: BTreeSet<String>,
    /// The text as diagnostics may draw it.
    shown: String,
}

/// Reads a policy as far as it goes.
fn read(text: &str) -> Read {
    let notes = Notes::new(text);
    if text.len() > LARGEST_FILE {
        notes.error(
            0..0,
            "the file is larger than 1 MiB",
            "this cannot be a policy",
            None,
        );
        let (problems, keys) = notes.into_parts();
        return Read {
            policy: None,
            problems,
            keys,
            shown: String::new(),
        };
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
    // What the parser guessed at after a syntax error would only draw errors that are not there;
    // it still tells which keys are unknown, and may hold a secret.
    let guessed = Notes::new(text);
    let mut policy = match errors.is_empty() {
        true => policy(Table::root(&notes, &tree)),
        false => policy(Table::root(&guessed, &tree)).and(None),
    };
    let (_, guessed) = guessed.into_parts();
    let (problems, keys) = notes.into_parts();
    let known = if errors.is_empty() { &keys } else { &guessed };
    let shown = masked(text, tree.get_ref(), known);
    if let Some(policy) = &mut policy {
        policy.settings = Settings::read(&shown, tree.get_ref());
    }
    Read {
        policy,
        problems,
        keys,
        shown,
    }
}

fn policy(root: Table<'_, '_>) -> Option<Policy> {
    let owner = root
        .must("owner", "\"studio7\"")
        .and_then(|v| v.parse::<Owner>());
    let service = root
        .must("service", "{ embedded = true }")
        .and_then(|v| v.table());
    let service = service.and_then(service::service);
    let auth = auth::auth(&root, service.as_ref());
    let reconcile = root
        .get("reconcile")
        .and_then(|v| v.table())
        .and_then(reconcile);
    let prices = root.get("prices").and_then(|v| v.table()).map(prices);
    let prices = prices.unwrap_or_default();
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
    let teams = team::teams(&root);
    check_prices(&root, &prices, &budget, &pools, &teams);
    warn_of_doubts(&root, &prices, &budget, &pools);
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
        teams,
        settings: Settings::default(),
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
    let public_url = table.get("public_url").and_then(|v| public_url(&v));
    table.end();
    ControlSettings { socket, public_url }
}

/// The beginning of a link: a scheme, a host, and a path without a query.
fn public_url(value: &reader::Value<'_, '_>) -> Option<String> {
    let url = value.str()?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && !url.contains(['?', '#', ' ', '"', '<', '>']) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    value.error(
        format!("{url:?} is not the address of a web page"),
        "write it like \"https://leases.studio7.example\"",
        None,
    );
    None
}

fn pools(root: &Table<'_, '_>, service: Option<&ServiceConfig>) -> Vec<PlacedPool> {
    let Some(value) = root.must("pool", "… in a section of its own: [[pool]]") else {
        return Vec::new();
    };
    if value.is_table() {
        value.error(
            "a policy has a list of pools",
            "write [[pool]], in double brackets, above each",
            None,
        );
        return Vec::new();
    }
    let entries = value.array().unwrap_or_default();
    if entries.is_empty() {
        value.error("a policy has at least one pool", "there is none", None);
    }
    let mut pools: Vec<PlacedPool> = Vec::new();
    for entry in &entries {
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
    for (pool, span) in &pools {
        if let Some(entry) = entries.iter().find(|entry| entry.span == *span) {
            check_former_name(entry, pool, &pools);
        }
    }
    pools
}

/// A former name is nobody's name now, and one pool's former name only.
fn check_former_name(entry: &reader::Value<'_, '_>, pool: &Pool, pools: &[PlacedPool]) {
    let Some(former) = &pool.renamed_from else {
        return;
    };
    let others = || pools.iter().map(|(other, _)| other);
    let clash = if others().any(|other| other.name == *former) {
        "a pool of that name is in this file"
    } else if others().any(|o| o.name != pool.name && o.renamed_from.as_ref() == Some(former)) {
        "another pool has that former name too"
    } else {
        return;
    };
    let value = entry.table().and_then(|table| table.get("renamed_from"));
    if let Some(value) = value {
        let name = former.as_str();
        value.error(
            format!("a pool cannot be renamed from {name:?}"),
            clash,
            None,
        );
    }
}
