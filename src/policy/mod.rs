//! The policy: what should exist, as a validated value.
//!
//! A [`Policy`] that exists is usable: every name is unique, every length positive, every budget
//! has its prices. It is made by [`load`] from TOML; a file that cannot be used becomes
//! diagnostics that name line and column instead. May know `units`, and nothing of clocks, files or
//! the network.

mod counts;
mod diagnostic;
mod import_arrconfig;
mod limits;
mod model;
mod parse;
mod region;
mod reservations;
mod schedule;
mod settings;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use import_arrconfig::{ArrConfig, minutes_of_clock_text};
pub use limits::{ExtensionLimits, Limits};
pub use model::{
    Auth, Budget, ControlSettings, Counts, Embedded, EntraCredential, EntraSettings, Hook,
    Location, Policy, PoolWindow, Prices, Reconcile, Reservation, SecretSource, ServiceConfig,
    ServiceIdentity, Team, Unmanaged,
};
pub use parse::{
    ActivitySource, Figure, Loaded, Metric, OnExit, OverBudget, Pool, Threshold, UsedWhen, load,
};
pub use region::{REGIONS, endpoint_of, nearest_name};
pub use schedule::{BadWindow, BadZone, Dates, Edge, Schedule, Window, local_instant};
pub use settings::{SettingChange, Settings};
