//! The policy: what should exist, as a validated value.
//!
//! A [`Policy`] that exists is usable: every name is unique, every length positive, every budget
//! has its prices. It is made by `policy::load` from TOML; a file that cannot be used becomes
//! diagnostics that name line and column instead. May know `units`, and nothing of clocks, files or
//! the network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::units::{
    Cost, Currency, Minutes, Money, Owner, PoolName, Price, Region, Size, Span, Timestamp,
};

mod diagnostic;
mod import_arrconfig;
mod parse;
mod region;
mod schedule;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use import_arrconfig::{ArrConfig, minutes_of_clock_text};
pub use parse::{Loaded, load};
pub use region::{REGIONS, endpoint_of, nearest_name};
pub use schedule::{BadWindow, Schedule, Window, local_instant};

/// Everything that a policy file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Prefix of every session this daemon owns.
    pub owner: Owner,
    /// Where the session service is.
    pub service: ServiceConfig,
    /// How to get in.
    pub auth: Auth,
    /// How often to look, at the least.
    pub reconcile: Reconcile,
    /// What an hour costs.
    pub prices: Prices,
    /// Bounds on everything this daemon owns.
    pub budget: Budget,
    /// Time zone of days and months in every budget and report.
    pub time_zone: Tz,
    /// Shares of each budget at which to raise an alert, ascending.
    pub alert_at: Vec<Decimal>,
    /// What to do about sessions of the account that carry another owner's prefix, or none.
    pub unmanaged: Unmanaged,
    /// Where the control API listens.
    pub control: ControlSettings,
    /// Where the ledger is kept; `None` for the state directory.
    pub ledger: Option<PathBuf>,
    /// The pools, in the order of the file. At least one.
    pub pools: Vec<Pool>,
}

impl Policy {
    /// Every region that the policy names, `service.region` first. Empty where there is only one
    /// place to ask, which then needs no name.
    pub fn regions(&self) -> Vec<Region> {
        let Location::Region(home) = &self.service.location else {
            return Vec::new();
        };
        let mut all = vec![home.clone()];
        for region in self.pools.iter().flat_map(|p| &p.regions) {
            if !all.contains(region) {
                all.push(region.clone());
            }
        }
        if all.len() > 1 { all } else { Vec::new() }
    }

    /// Where a pool's sessions are asked for, in order; `None` is the policy's only place.
    pub fn regions_of(&self, pool: &Pool) -> Vec<Option<Region>> {
        match (self.regions().first(), &pool.regions[..]) {
            (None, _) => vec![None],
            (Some(home), []) => vec![Some(home.clone())],
            (Some(_), named) => named.iter().cloned().map(Some).collect(),
        }
    }
}

impl ServiceConfig {
    /// The endpoint of a region: the policy's own of that name, else the public service's.
    pub fn endpoint_of(&self, region: &Region) -> String {
        self.regions
            .get(region)
            .cloned()
            .unwrap_or_else(|| endpoint_of(region))
    }
}

/// Which session service to talk to.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Where it is.
    pub location: Location,
    /// Endpoints of regions that are the studio's own, by name.
    pub regions: BTreeMap<Region, String>,
    /// The account's id, a UUID.
    pub account_id: String,
    /// The account's domain, which tells its STS: `westeurope.mixedreality.azure.com`.
    pub account_domain: Option<String>,
    /// URL of the token service, where it is not `https://sts.<account domain>`.
    pub authentication_endpoint: Option<String>,
    /// Deadline of one operation with all its retries.
    pub timeout: Span,
    /// A file of extra certificate authorities to trust, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// Where the session service is.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// leasekeeper's own, in the same process, spoken to over HTTP on loopback.
    Embedded(Embedded),
    /// A URL.
    Endpoint(String),
    /// A region, by name: one of the policy's own, or of the public service.
    Region(Region),
}

/// Settings of the embedded session service.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// Where it listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// How long a simulated server takes to boot.
    pub boot_delay: Span,
    /// How many sessions it can hold at once.
    pub capacity: u32,
}

/// How to get in.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// The embedded service's own key, made afresh at each start.
    Embedded,
    /// An account key, exchanged at the STS.
    AccountKey(SecretSource),
    /// A ready-made access token for the session API.
    Token(SecretSource),
    /// Entra ID, exchanged at the STS.
    Entra(EntraSettings),
}

/// An identity of Entra ID.
#[derive(Clone, Debug, PartialEq)]
pub struct EntraSettings {
    /// Which credential speaks for it.
    pub credential: EntraCredential,
    /// URL of the authority, where it is not that of the public cloud or `AZURE_AUTHORITY_HOST`.
    pub authority_host: Option<String>,
}

/// Which Entra ID credential to use.
#[derive(Clone, Debug, PartialEq)]
pub enum EntraCredential {
    /// The machine's managed identity, or a user-assigned one by its client id.
    ManagedIdentity {
        /// Client id of a user-assigned identity.
        client_id: Option<String>,
    },
    /// A federated token, as Kubernetes mounts it.
    WorkloadIdentity {
        /// The tenant; `None` to take it from `AZURE_TENANT_ID`.
        tenant_id: Option<String>,
        /// The application; `None` to take it from `AZURE_CLIENT_ID`.
        client_id: Option<String>,
        /// The token's file; `None` to take it from `AZURE_FEDERATED_TOKEN_FILE`.
        token_file: Option<PathBuf>,
    },
    /// An application's secret.
    ClientSecret {
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        secret: SecretSource,
    },
    /// An application's certificate.
    ClientCertificate {
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// A PEM file with the certificate and its RSA key.
        certificate: PathBuf,
    },
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

/// Where a secret is read from. The secret itself is never part of a policy value, except where the
/// file holds it inline, which draws a warning.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file, read afresh at each use; surrounding white space is dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// Written in the policy itself.
    Inline(String),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::Inline(_) => f.write_str("Inline(<secret>)"),
        }
    }
}

/// How often to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// The longest time between two passes.
    pub interval: Span,
}

/// What an hour of each size costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// The currency of every amount in the policy.
    pub currency: Currency,
    /// Price of an hour of Standard; `None` where the policy names no price, and so no budget.
    pub standard: Option<Price>,
    /// Price of an hour of Premium.
    pub premium: Option<Price>,
}

impl Prices {
    /// The price of a size. An unknown size, or one without a price, costs the highest price known.
    pub fn of(&self, size: &Size) -> Price {
        let known = match size {
            Size::Standard => self.standard,
            Size::Premium => self.premium,
            Size::Other(_) => None,
        };
        known
            .or(self.standard.max(self.premium))
            .unwrap_or_default()
    }
}

/// Bounds on what may be spent in a day and in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bound on each day.
    pub daily: Option<Money>,
    /// Bound on each month.
    pub monthly: Option<Money>,
}

impl Budget {
    /// The daily bound as a cost, to compare sums with.
    pub fn daily_cost(&self) -> Option<Cost> {
        self.daily.map(Money::as_cost)
    }
    /// The monthly bound as a cost, to compare sums with.
    pub fn monthly_cost(&self) -> Option<Cost> {
        self.monthly.map(Money::as_cost)
    }
}

/// What to do about sessions that are not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmanaged {
    /// Say nothing.
    Ignore,
    /// Name each once in the log, and show them in `status`.
    Report,
}

/// Where the control API listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlSettings {
    /// The unix socket; `None` for the default place.
    pub socket: Option<PathBuf>,
}

/// Sessions of one kind with one set of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name, unique in the policy.
    pub name: PoolName,
    /// The size to ask for.
    pub size: Size,
    /// Sizes to ask for when the one before it cannot be had, in order.
    pub fallback_sizes: Vec<Size>,
    /// Where to ask, in order, when the region before it has no servers or does not answer; none
    /// for `service.region`.
    pub regions: Vec<Region>,
    /// Slots kept filled while the schedule is open.
    pub min: u32,
    /// The most slots the pool may have. Never below `min`.
    pub max: u32,
    /// Sessions kept Ready and unheld, for instant acquire.
    pub spare: u32,
    /// How far ahead each lease reaches, 1 to 1439 minutes.
    pub lease: Minutes,
    /// How long a session may be idle; `None` for ever.
    pub idle_timeout: Option<Span>,
    /// How long a session may live; never above the service's cap.
    pub max_lifetime: Minutes,
    /// How long a session may be Starting before it is given up.
    pub boot_timeout: Span,
    /// When the pool is open.
    pub schedule: Schedule,
    /// Bounds on what this pool may spend.
    pub budget: Budget,
    /// What to do with sessions that no longer fit the budget.
    pub over_budget: OverBudget,
    /// What to do with sessions when the daemon ends.
    pub on_exit: OnExit,
    /// What counts as activity, besides a client's acquire.
    pub activity: BTreeSet<ActivitySource>,
}

impl Pool {
    /// All sizes to ask for, in order.
    pub fn sizes(&self) -> impl Iterator<Item = &Size> {
        std::iter::once(&self.size).chain(&self.fallback_sizes)
    }
}

/// What to do with sessions that no longer fit the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverBudget {
    /// Stop them until the rest fits.
    #[default]
    Stop,
    /// Let their leases run out.
    LetLeaseEnd,
}

/// What to do with sessions when the daemon ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// Leave them: each lives until its lease ends, or until the daemon is back.
    #[default]
    Leave,
    /// Stop them.
    Stop,
}

/// One thing that counts as activity. In paths and words, `{session}` and `{pool}` stand for those
/// of the session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivitySource {
    /// `leasekeeper touch` and the control API's touch.
    Heartbeat,
    /// A TCP connection from this machine to the session's server.
    Sockets,
    /// A file was changed.
    File(PathBuf),
    /// A command ends with exit status 0.
    Command(Vec<String>),
}

/// An edge of a schedule, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When it is.
    pub at: Timestamp,
    /// True where the schedule opens there, false where it closes.
    pub opens: bool,
}
